"""A second copy of all that must not be forgotten, on another disk: one line each, only ever added to.

    tombstone BASE64                an owner's tombstone, before its receipt is signed
    retention BASE64                an owner's retention document, likewise
    ended KIND NAME BASE64          any other ending, with its proof: what the operator revoked

A backup of the store is older than the store; the ledger is not, so what had been deleted is known after a restore.
"""

import base64
import errno
import fcntl
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import cast

from sealbell_relay.errors import RelayError, StoreError
from sealbell_relay.keep.deletion import Deletion
from sealbell_relay.keep.retentions import Retentions
from sealbell_relay.tenants.endings import KINDS, MAX_PROOF_BYTES, Endings, Kind
from sealbell_wire import retention, tombstone
from sealbell_wire.errors import WireError

MAX_LINE_BYTES = 2 * MAX_PROOF_BYTES
_NAME = re.compile(r"[0-9a-zA-Z/_.-]{1,200}\Z", re.ASCII)


class FileLedger:
    """The file at `path`, made if it is not there. For any thread; methods raise StoreError if the file fails."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._known: set[tuple[str, str]] = set()
        try:
            path.touch(0o600, exist_ok=True)
            _sync_folder(path.parent)
        except OSError as failure:
            raise RelayError(
                f"the ledger {path} cannot be written: {(failure.strerror or 'failed').lower()}"
            ) from failure

    def note(self, frame: bytes) -> None:
        """Return once a tombstone or a retention document is durable in it."""
        word = "tombstone" if frame.startswith(tombstone.MAGIC) else "retention"
        self._append(f"{word} {base64.b64encode(frame).decode('ascii')}\n")

    def catch_up(self, endings: Endings, kinds: tuple[Kind, ...] = ("token", "doorbell", "owner", "invite")) -> int:
        """Add what the command line or another relay ended; return how many lines that were."""
        added = 0
        for kind in kinds:
            for name in endings.names(kind):
                if (kind, name) in self._known:
                    continue
                proof = endings.proof(kind, name)
                if proof is not None:
                    self._append(f"ended {kind} {name} {base64.b64encode(proof).decode('ascii') or '-'}\n")
                    self._known.add((kind, name))
                    added += 1
        return added

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever written to it."""
        return self._path.stat().st_size == 0

    def _append(self, line: str) -> None:
        try:
            with self._lock, _opened(self._path) as file:
                fcntl.flock(file, fcntl.LOCK_EX)  # several relays of one machine may have one ledger
                end = _end_of_lines(file)
                file.truncate(end)  # half a line of one that died: nothing was receipted for it
                file.seek(end)
                try:
                    _write_whole(file, line.encode("ascii"))
                except OSError:
                    file.truncate(end)
                    raise
                os.fsync(file.fileno())
        except OSError as failure:
            reason = (failure.strerror or "failed").lower()
            raise StoreError(f"the ledger {self._path} cannot be written: {reason}") from failure


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its word, what the word is about where it says so, and the bytes."""

    word: str
    kind: str
    name: str
    data: bytes


def read_lines(path: Path) -> Iterator[Line]:
    """Yield the lines of a ledger; RelayError names the first that is none. A last one that was cut is left out."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(MAX_LINE_BYTES), b""), start=1):
                if not line.endswith(b"\n") and not file.read(1):
                    return  # the machine died while it was being written: nothing was receipted for it
                parsed = _parse(line)
                if parsed is None:
                    raise RelayError(
                        f"line {number} of the ledger {path} is damaged",
                        hint="look at it; what it said cannot be applied, and the lines behind it are not read",
                    )
                yield parsed
    except OSError as failure:
        raise RelayError(f"the ledger {path} cannot be read: {(failure.strerror or 'failed').lower()}") from failure


def apply(lines: Iterator[Line], deletion: Deletion, retentions: Retentions, endings: Endings) -> int:
    """Do again all that the lines say; return how many there were. StoreError, RelayError."""
    count = 0
    for line in lines:
        if line.word == "tombstone":
            deletion.end(tombstone.read_tombstone(line.data), line.data)
        elif line.word == "retention":
            retentions.keep(retention.read_retention(line.data), line.data)
        else:
            endings.end(cast(Kind, line.kind), line.name, line.data)
        count += 1
    return count


def _parse(line: bytes) -> Line | None:
    words = line.decode("ascii", "replace").removesuffix("\n").split(" ")
    try:
        match words:
            case ["tombstone", data]:
                tombstone.read_tombstone(frame := base64.b64decode(data, validate=True))
                return Line("tombstone", "", "", frame)
            case ["retention", data]:
                retention.read_retention(frame := base64.b64decode(data, validate=True))
                return Line("retention", "", "", frame)
            case ["ended", kind, name, data] if kind in KINDS and _NAME.match(name) and ".." not in name:
                return Line("ended", kind, name, b"" if data == "-" else base64.b64decode(data, validate=True))
    except (WireError, ValueError):  # base64 raises the latter
        pass
    return None


def _opened(path: Path) -> FileIO:
    return FileIO(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")


def _end_of_lines(file: FileIO) -> int:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - MAX_LINE_BYTES))
    tail = file.read(MAX_LINE_BYTES)
    if len(tail) == MAX_LINE_BYTES and b"\n" not in tail:
        raise OSError(errno.EINVAL, "it does not end in lines of a ledger")
    return size - len(tail) + tail.rfind(b"\n") + 1


def _write_whole(file: FileIO, data: bytes) -> None:
    while data:
        data = data[file.write(data) or 0 :]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
