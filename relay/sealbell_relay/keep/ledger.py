"""A second copy of all that must not be forgotten, on another disk: one line each, only ever added to.

    tombstone BASE64                an owner's tombstone, before its receipt is signed
    retention BASE64                an owner's retention document, likewise
    ended KIND NAME BASE64          any other ending, with its proof: what the operator revoked

A backup of the store is older than the store; the ledger is not, so what had been deleted is known after a restore.
"""

import base64
import contextlib
import errno
import fcntl
import hashlib
import io
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import cast

from sealbell_relay.errors import DamagedError, RelayError, StoreError
from sealbell_relay.keep.deletion import Deletion
from sealbell_relay.keep.retentions import Retentions
from sealbell_relay.tenants.endings import KINDS, MAX_PROOF_BYTES, Endings, Kind
from sealbell_wire import retention, tombstone
from sealbell_wire.errors import WireError
from sealbell_wire.statement import take_statement
from sealbell_wire.tombstone import Tombstone

MAX_LINE_BYTES = 2 * MAX_PROOF_BYTES
_NAME = re.compile(r"[0-9a-zA-Z/_.-]{1,200}\Z", re.ASCII)


class FileLedger:
    """The file at `path`, made if it is not there. For any thread; methods raise StoreError if the file fails.

    What it holds is read once and remembered, so nothing is added twice, also where several relays share it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._read_bytes = 0
        self._lines: set[bytes] = set()  # their SHA-256
        self._ended: set[tuple[str, str]] = set()  # kind and name, by whichever word
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
        self._append([f"{word} {base64.b64encode(frame).decode('ascii')}\n"])

    def catch_up(self, endings: Endings, kinds: tuple[Kind, ...] = ("token", "doorbell", "owner", "invite")) -> int:
        """Add what the command line or another relay ended; return how many lines that were."""
        self._append([])
        added = 0
        for kind in kinds:
            for name in endings.names(kind):
                if (kind, name) in self._ended:
                    continue
                proof = endings.proof(kind, name)
                if proof is not None:
                    added += self._append([f"ended {kind} {name} {base64.b64encode(proof).decode('ascii') or '-'}\n"])
        return added

    def copy(self, retentions: Retentions) -> None:
        """Add the retention documents in force: it may have begun after them, or another relay took them."""
        for doorbell in retentions.doorbells():
            with contextlib.suppress(DamagedError):  # fsck tells; the others are copied
                if (frame := retentions.frame(doorbell)) is not None:
                    self.note(frame)

    def _append(self, lines: list[str]) -> int:
        try:
            with self._lock, _opened(self._path) as file:
                fcntl.flock(file, fcntl.LOCK_EX)  # several relays of one machine may have one ledger
                end = _end_of_lines(file)
                file.truncate(end)  # half a line of one that died: nothing was receipted for it
                self._learn(file, end)
                new = [line for line in map(str.encode, lines) if hashlib.sha256(line).digest() not in self._lines]
                try:
                    _write_whole(file, b"".join(new))
                except OSError:
                    file.truncate(end)
                    raise
                os.fsync(file.fileno())  # also what another wrote and died before it was durable
                self._learn(file, end + sum(map(len, new)))
                return len(new)
        except OSError as failure:
            reason = (failure.strerror or "failed").lower()
            raise StoreError(f"the ledger {self._path} cannot be written: {reason}") from failure

    def _learn(self, file: FileIO, end: int) -> None:
        """Remember the lines up to `end` that were not read yet, and leave the file at `end`."""
        if end < self._read_bytes:  # it is another file than before
            self._read_bytes = 0
            self._lines.clear()
            self._ended.clear()
        file.seek(self._read_bytes)
        lines = io.BufferedReader(file)
        try:
            while self._read_bytes < end and (line := lines.readline(MAX_LINE_BYTES)):
                self._read_bytes += len(line)
                self._lines.add(hashlib.sha256(line).digest())
                if ending := _ending(line):
                    self._ended.add(ending)
        finally:
            lines.detach()
        file.seek(end)


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


def _ending(line: bytes) -> tuple[str, str] | None:
    """Return kind and name of what a line ends, without a look at who signed it: that is for whoever applies it."""
    match line.decode("ascii", "replace").removesuffix("\n").split(" "):
        case ["ended", kind, name, _]:
            return kind, name
        case ["tombstone", data]:
            try:
                text, _, _ = take_statement(base64.b64decode(data, validate=True), tombstone.MAGIC)
                said = tombstone.parse_tombstone(text)
            except (WireError, ValueError):  # base64 raises the latter
                return None
            return said.kind, f"{said.doorbell}/{said.name}" if said.kind == "clip" else _one_piece(said)
    return None


def _one_piece(said: Tombstone) -> str:
    return said.doorbell if said.kind == "doorbell" else said.name


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
