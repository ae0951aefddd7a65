"""`sealbell-owner age-open`: opens any age file, streaming, and says in one fixed line why it could not."""

import argparse
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from sealbell_wire.age.errors import NotOpenedError, PayloadFailure
from sealbell_wire.age.file import Opener
from sealbell_wire.age.keys import MAX_IDENTITY_FILE_CHARS, Identity, parse_identity_file
from sealbell_wire.errors import FormatError

OPENED, NOT_OPENED, WRONG_USAGE = 0, 1, 2
READ_BYTES = 64 * 1024
DESCRIPTION = (
    "Opens the age file on standard input and writes its plaintext to standard output. Exits with 0 when all of it was "
    "opened; with 1 when not, and then the last line on standard error is one of: header failure, HMAC failure, "
    "no match, payload failure. Plaintext that was authenticated before a payload failure is written. Exits with 2 for "
    "wrong usage, and when reading or writing fails."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describes the command to `parser`; `run` takes what it parses."""
    parser.description = DESCRIPTION
    parser.add_argument(
        "--identity",
        type=Path,
        required=True,
        metavar="FILE",
        help="file with one or more age identities, one a line",
    )


def run(arguments: argparse.Namespace) -> int:
    """Opens standard input to standard output; returns the exit code."""
    path: Path = arguments.identity
    try:
        identities = _read_identities(path)
    except OSError as error:
        return _say(WRONG_USAGE, f"age-open: cannot read the identity file {str(path)!r}: {error.strerror}")
    except FormatError as error:
        return _say(WRONG_USAGE, f"age-open: the identity file {str(path)!r} is not usable: {error}")
    try:
        open_stream(identities, _pieces(sys.stdin.fileno()), sys.stdout.buffer)
    except NotOpenedError as failure:
        return _say(NOT_OPENED, f"age-open: {failure}", failure.verdict)
    except OSError as error:
        return _say(WRONG_USAGE, f"age-open: reading or writing failed: {error.strerror}")
    return OPENED


def open_stream(identities: Sequence[Identity], pieces: Iterable[bytes], target: BinaryIO) -> None:
    """Writes the plaintext of the age file in `pieces` to `target` as it is authenticated. Raises NotOpenedError."""
    opener = Opener(identities)
    try:
        for piece in pieces:
            target.write(opener.feed(piece))
        target.write(opener.finish())
    except PayloadFailure as failure:
        target.write(failure.released)
        raise
    finally:
        target.flush()


def main(argv: Sequence[str] | None = None) -> int:
    """The command by itself. Returns 0, 1 or 2, and leaves by SystemExit as argparse does for --help."""
    parser = argparse.ArgumentParser("sealbell-owner age-open")
    add_arguments(parser)
    return run(parser.parse_args(argv))


def _pieces(descriptor: int) -> Iterator[bytes]:
    while piece := os.read(descriptor, READ_BYTES):
        yield piece


def _read_identities(path: Path) -> list[Identity]:
    with path.open("rb") as file:
        data = file.read(MAX_IDENTITY_FILE_CHARS + 1)
    if len(data) > MAX_IDENTITY_FILE_CHARS:
        raise FormatError(f"it is larger than {MAX_IDENTITY_FILE_CHARS} bytes")
    try:
        return parse_identity_file(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise FormatError("it is not text") from None


def _say(code: int, *lines: str) -> int:
    print("\n".join(lines), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
