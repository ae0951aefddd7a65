"""`sealbell-owner init` and `recover`: an owner's folder from 24 words, drawn now or written down before."""

import argparse
import os
import secrets
import sys
from pathlib import Path

from sealbell_owner import show
from sealbell_owner.commands import enrol
from sealbell_owner.enrolling import join
from sealbell_owner.errors import OwnerError
from sealbell_owner.home import BUNDLE, Home, check_free, make_home, read_card
from sealbell_owner.words import ENTROPY_BYTES, MAX_WORDS_BYTES, decode_words, encode_words
from sealbell_wire.enrolment import RelayCard
from sealbell_wire.errors import FormatError

INIT_DESCRIPTION = (
    "Make an owner: draw 24 words, show them once, and write the keys that they stand for into DIR. The words are "
    "not kept. Whoever has them can open every clip; without them and without DIR nobody can."
)
RECOVER_DESCRIPTION = (
    "Make DIR again from the 24 words on standard input. Keys, token and cards come out the same, so relay and "
    "doorbells know this owner; doorbells are to be pinned again."
)
COLUMNS = 4


def add_init_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `init` to `parser`."""
    parser.description = INIT_DESCRIPTION
    _add_common(parser)
    parser.add_argument(
        "--words-file", type=Path, metavar="FILE", help="write the words there, mode 0600, and do not show them"
    )
    parser.add_argument("--invite", metavar="CODE", help=f"enrol at the relay, too: {enrol.INVITE}")


def add_recover_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `recover` to `parser`."""
    parser.description = RECOVER_DESCRIPTION
    _add_common(parser)


def run_init(arguments: argparse.Namespace) -> int:
    """Draw the words and make the folder."""
    entropy = secrets.token_bytes(ENTROPY_BYTES)
    words = encode_words(entropy)
    relay = read_card(arguments.relay, RelayCard)
    check_free(arguments.home)
    invite = None if arguments.invite is None else enrol.take(arguments.invite)
    # Before the folder, so that no owner is made whose words nobody saw.
    if arguments.words_file:
        _write_words(arguments.words_file, words)
    home = make_home(arguments.home, entropy, relay)
    if not arguments.words_file:
        print("Write these 24 words down, in this order. They are shown once and kept nowhere.\n")
        rows = [words[at : at + COLUMNS] for at in range(0, len(words), COLUMNS)]
        for row, row_words in enumerate(rows):
            numbered = (f"{row * COLUMNS + place:2} {word}" for place, word in enumerate(row_words, start=1))
            print("  ".join(f"{cell:<12}" for cell in numbered).rstrip())
        print()
    if invite is not None:
        _enrol(home, invite)
    return _say_next(arguments.home, enrolled=invite is not None)


def run_recover(arguments: argparse.Namespace) -> int:
    """Read the words and make the folder."""
    if sys.stdin.isatty():
        show.note("type the 24 words on one line:")
    try:
        entropy = decode_words(sys.stdin.readline(MAX_WORDS_BYTES + 1) if sys.stdin.isatty() else _piped())
    except FormatError as error:
        raise OwnerError(str(error), "24 words apart by spaces, as `init` showed them") from None
    make_home(arguments.home, entropy, read_card(arguments.relay, RelayCard))
    return _say_next(arguments.home, enrolled=True)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("home", type=Path, metavar="DIR", help="the folder to make")
    parser.add_argument(
        "--relay", type=Path, required=True, metavar="CARD", help="the relay's card, relay.json in its folder"
    )


def _piped() -> str:
    return sys.stdin.read(MAX_WORDS_BYTES + 1)


def _write_words(path: Path, words: list[str]) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(" ".join(words) + "\n")
    except OSError as error:
        raise OwnerError(f"cannot write the words: {error.strerror}", "name a file that is not there yet") from None


def _enrol(home: Home, invite: str) -> None:
    try:
        enrol.say(join(home, invite))
    except OwnerError as error:
        raise type(error)(
            f"the owner is made, but not enrolled: {error}", f"{error.hint}; `{_later(home.folder)}`"
        ) from None


def _later(home: Path) -> str:
    return f"sealbell-owner enrol {home}"


def _say_next(home: Path, *, enrolled: bool) -> int:
    steps = [
        *([] if enrolled else [_later(home)]),
        f"sealbell init DOORBELL_DIR --owner {home / BUNDLE}",
        f"sealbell-owner pin {home} DOORBELL_DIR/introduction.json",
    ]
    show.lines([("owner", str(home)), ("next", steps[0]), *(("", step) for step in steps[1:])])
    return 0
