"""The two folders where watch and uplink meet, full of sealed files only.

Maildir's habit: a temporary name, fsync, rename, fsync of the folder; what has its final name is committed. A FIFO in
the outbox rings at each commit, so that the uplink need not poll. Names tell what the uplink needs without parsing:
`CLIP-SEQ-KIND-COUNTER.part`, or `.drop` for what a full outbox dropped.
"""

import contextlib
import errno
import logging
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from sealbell_wire.errors import WireError
from sealbell_wire.part import Part, parse_part

BELL = ".bell"
_TEMPORARY = ".new-"
_NAME = re.compile(r"([0-9a-f]{32})-([0-9]{6})-([nivf])([mp])-([0-9]{1,16})\.(part|drop)\Z", re.ASCII)
_KINDS = {"n": "notice", "i": "init", "v": "media", "f": "manifest"}
_LETTERS = {kind: letter for letter, kind in _KINDS.items()}
_log = logging.getLogger(__name__)


class OutboxError(Exception):
    """Nothing more can be committed, not even that a part was dropped. What was committed before is untouched."""


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One committed file. `pressed` says that it is footage of a press; `counter` is its clip's number."""

    clip: str
    seq: int
    kind: str
    pressed: bool
    counter: int
    dropped: bool = False

    @property
    def name(self) -> str:
        """The file's name."""
        mark = "p" if self.pressed else "m"
        end = "drop" if self.dropped else "part"
        return f"{self.clip}-{self.seq:06d}-{_LETTERS[self.kind]}{mark}-{self.counter}.{end}"


def parse_name(name: str) -> Entry | None:
    """Return the entry that a file name means, None if it is not one of ours."""
    if not (match := _NAME.match(name)):
        return None
    clip, seq, letter, mark, counter, end = match.groups()
    return Entry(clip, int(seq), _KINDS[letter], mark == "p", int(counter), end == "drop")


def listing(folder: Path) -> list[Entry]:
    """Return what is committed, oldest first; where a drop was cut short by a crash, the dropped form counts."""
    found: dict[tuple[str, int], Entry] = {}
    for name in os.listdir(folder):  # noqa: PTH208 - names alone: a Path for each would double the time
        entry = parse_name(name)
        if entry and (entry.dropped or (entry.clip, entry.seq) not in found):
            found[entry.clip, entry.seq] = entry
    return sorted(found.values())


def _hang_bell(folder: Path) -> None:
    # Whichever process starts first hangs it.
    with contextlib.suppress(FileExistsError):
        os.mkfifo(folder / BELL, 0o600)


class Outbox:
    """The side of the camera process: commits sealed parts, and drops the least of them when there is no room."""

    def __init__(
        self,
        folder: Path,
        cap_bytes: int,
        min_free_bytes: int,
        drop: Callable[[Part], Part],
        free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    ) -> None:
        """`drop` signs a part away; `min_free_bytes` stay free on the disk for the rest of the system.

        OutboxError if the folder cannot be used.
        """
        self._folder = folder
        self._cap_bytes = cap_bytes
        self._min_free_bytes = min_free_bytes
        self._drop = drop
        self._free_bytes = free_bytes
        self._used_bytes = 0
        self._serial = 0
        self._untold: list[Entry] = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _hang_bell(folder)
            self._sweep()
        except OSError as error:
            raise OutboxError(f"the outbox {folder} cannot be used: {_reason(error)}") from None

    def newest(self) -> tuple[Entry, Part] | None:
        """Return the newest committed part: where the chain goes on after a restart."""
        entries = listing(self._folder)
        if not entries:
            return None
        try:
            return entries[-1], parse_part((self._folder / entries[-1].name).read_bytes())
        except (OSError, WireError) as error:
            raise OutboxError(f"the newest part in {self._folder} cannot be read: {error}") from None

    def commit(self, part: Part, *, pressed: bool, counter: int) -> list[Entry]:
        """Make `part` durable and ring; return what had to be dropped for it, perhaps `part` itself.

        Raises OutboxError if it cannot be kept even as dropped.
        """
        entry = Entry(part.record.clip, part.record.seq, part.record.kind, pressed, counter)
        data = part.encode()
        try:
            fits = self._make_room(len(data), entry)
            while fits and not self._keep(entry, data):
                fits = self._drop_least(entry)
            if not fits:
                self._write(replace(entry, dropped=True).name, self._drop(part).encode())
                self._untold.append(replace(entry, dropped=True))
        except OSError as error:
            raise OutboxError(f"the outbox {self._folder} takes nothing more: {_reason(error)}") from None
        dropped, self._untold = self._untold, []
        return dropped

    def _keep(self, entry: Entry, data: bytes) -> bool:
        try:
            self._write(entry.name, data)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            return False
        return True

    def _make_room(self, need_bytes: int, newcomer: Entry) -> bool:
        if self._fits(need_bytes):
            return True
        self._used_bytes = self._measure()  # the uplink has deleted what was received
        while not self._fits(need_bytes):
            if not self._drop_least(newcomer):
                return False
        return True

    def _drop_least(self, newcomer: Entry) -> bool:
        victim = self._victim(newcomer)
        return victim is not None and self._sign_away(victim)

    def _fits(self, need_bytes: int) -> bool:
        within_cap = self._used_bytes + need_bytes <= self._cap_bytes
        return within_cap and self._free_bytes(self._folder) >= self._min_free_bytes + need_bytes

    def _victim(self, newcomer: Entry) -> Entry | None:
        entries = listing(self._folder)
        pressed_clips = {entry.clip for entry in [*entries, newcomer] if entry.pressed}
        # The newest part stays whatever it is: its hash is how a cut end is noticed.
        candidates = [entry for entry in entries[:-1] if not entry.dropped]
        worth = {entry: (entry.kind != "media", entry.clip in pressed_clips, entry) for entry in candidates}
        victim = min(candidates, key=lambda entry: worth[entry], default=None)
        own_worth = (newcomer.kind != "media", newcomer.clip in pressed_clips, newcomer)
        return victim if victim and worth[victim] < own_worth else None

    def _sign_away(self, victim: Entry) -> bool:
        path = self._folder / victim.name
        try:
            size = path.stat().st_size
            marker = self._drop(parse_part(path.read_bytes())).encode()
            self._write(replace(victim, dropped=True).name, marker)
            self._untold.append(replace(victim, dropped=True))
            path.unlink(missing_ok=True)
        except FileNotFoundError:
            self._used_bytes = self._measure()
            return True
        except (OSError, WireError):
            return False
        self._used_bytes -= size
        return True

    def _write(self, name: str, data: bytes) -> None:
        self._serial += 1
        temporary = self._folder / f"{_TEMPORARY}{os.getpid()}-{self._serial}"
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(self._folder / name)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        self._used_bytes += len(data)
        try:
            _sync_folder(self._folder)
        except OSError as error:
            # The uplink may have sent it by now: to number another part like it would break the chain for good.
            _log.error("a power cut may cost what was just committed to %s: %s", self._folder, _reason(error))
        self._ring()

    def _ring(self) -> None:
        # Nobody listening, or a bell that still rings, is no failure: the uplink also looks once a second.
        with contextlib.suppress(OSError):
            bell = os.open(self._folder / BELL, os.O_WRONLY | os.O_NONBLOCK)
            try:
                os.write(bell, b"!")
            finally:
                os.close(bell)

    def _measure(self) -> int:
        sizes = 0
        for entry in os.scandir(self._folder):
            with contextlib.suppress(FileNotFoundError):
                sizes += entry.stat(follow_symlinks=False).st_size
        return sizes

    def _sweep(self) -> None:
        """Finish what a crash cut short: temporary files, and parts whose dropped form is committed."""
        for path in self._folder.glob(f"{_TEMPORARY}*"):
            path.unlink(missing_ok=True)
        for entry in listing(self._folder):
            if entry.dropped:
                (self._folder / replace(entry, dropped=False).name).unlink(missing_ok=True)
        self._used_bytes = self._measure()


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class OutboxReader:
    """The side of the network process: lists, reads, and deletes what the relay signed for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._received: set[Entry] = set()
        self._bell: int | None = None
        self._stuck = False

    def open_bell(self) -> int:
        """Return a descriptor that becomes readable when something was committed; OutboxError if there is no outbox."""
        if self._bell is None:
            try:
                _hang_bell(self._folder)
                # Opened for writing too, or it would read as ended whenever no writer has it open.
                self._bell = os.open(self._folder / BELL, os.O_RDWR | os.O_NONBLOCK)
            except OSError as error:
                raise OutboxError(f"the outbox {self._folder} cannot be used: {_reason(error)}") from None
        return self._bell

    def silence_bell(self) -> None:
        """Read away the rings so far."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self.open_bell(), 4_096):
                pass

    def entries(self) -> list[Entry]:
        """Return what still has to be sent, oldest first."""
        present = listing(self._folder)
        for entry in present[:-1]:
            if entry in self._received:
                self._delete(entry)
        self._received &= set(present)
        return [entry for entry in present if entry not in self._received]

    def read(self, entry: Entry) -> bytes | None:
        """Return the bytes of an entry; None if it is gone."""
        try:
            return (self._folder / entry.name).read_bytes()
        except FileNotFoundError:
            return None

    def received(self, entry: Entry) -> None:
        """The relay has signed for this entry: delete it, but keep the newest until the next one is committed."""
        self._received.add(entry)
        self.entries()

    def _delete(self, entry: Entry) -> None:
        try:
            (self._folder / entry.name).unlink(missing_ok=True)
        except OSError as error:
            # It stays among the received, so that what is left on a disk gone read-only still reaches the relay.
            if not self._stuck:
                _log.error("nothing can be deleted from the outbox %s: %s", self._folder, _reason(error))
            self._stuck = True
