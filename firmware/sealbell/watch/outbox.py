"""The outbox as the camera process sees it: sealed parts go in, and what is worth least leaves when it is full."""

import contextlib
import errno
import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from sealbell.spool import BELL, HEALTH, SET_ASIDE, Entry, OutboxError, hang_bell, listing, parse_name, reason
from sealbell_wire.errors import WireError
from sealbell_wire.health import Health, parse_health
from sealbell_wire.limits import MAX_HEALTH_BYTES, MAX_PART_BYTES
from sealbell_wire.part import Part, parse_part

MAX_SET_ASIDE_FILES = 16  # a card that spoils more of them would otherwise fill the outbox with what nobody can use
ROOM_BYTES = 4 * MAX_PART_BYTES  # so much has to be free for an outbox that was full to be so no more
_WORTH = {"media": 0, "init": 1, "manifest": 1, "notice": 2}  # pictures give way first, and who rang gives way last
_TEMPORARY = ".new-"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """What lies in the outbox: parts that wait (the newest always does), files spoilt, whether it is nearly full."""

    parts: int
    size_bytes: int
    damaged: int
    full: bool


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
        self._unreadable: set[Entry] = set()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            hang_bell(folder)
            self._sweep()
        except OSError as error:
            raise OutboxError(f"the outbox {folder} cannot be used: {reason(error)}") from None

    def newest(self) -> tuple[Entry, Part | None] | None:
        """Return the newest committed part: where the chain goes on after a restart.

        No part where the card spoilt it. Its name still tells the clip and number that were used, and may be known to
        the relay, so that no other clip ever gets them; what its record was, nobody can tell any more.
        """
        entries, aside = listing(self._folder), self._aside()
        newest = max([*entries, *aside], default=None)
        return (newest, None if newest in aside else self._read(newest)) if newest else None

    def standing(self) -> Standing:
        """Return what lies here now; OutboxError if the folder cannot be read."""
        try:
            entries, self._used_bytes = listing(self._folder), self._measure()
            sizes = [self._size(entry) for entry in entries]
            full = not self._fits(min(ROOM_BYTES, self._cap_bytes // 4))
            return Standing(len(entries), sum(sizes), len(self._aside()) + len(self._unreadable), full)
        except OSError as error:
            raise OutboxError(f"the outbox {self._folder} cannot be read: {reason(error)}") from None

    def health(self) -> Health | None:
        """Return the health message committed last; None if there is none that can be read."""
        try:
            with (self._folder / HEALTH).open("rb") as file:
                return parse_health(file.read(MAX_HEALTH_BYTES + 1))
        except FileNotFoundError:
            return None
        except (OSError, WireError) as error:
            _log.error("the last health message in %s cannot be read, and is replaced: %s", self._folder, error)
            return None

    def commit_health(self, health: Health) -> None:
        """Put a health message durably in the place of the last one, and ring; OutboxError if it cannot be kept.

        It takes of what is kept free for the rest of the system: no part is ever dropped for it.
        """
        try:
            self._write(HEALTH, health.encode())
        except OSError as error:
            raise OutboxError(f"the outbox {self._folder} takes no health message: {reason(error)}") from None

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
                self._add(replace(entry, dropped=True).name, self._drop(part).encode())
                self._untold.append(replace(entry, dropped=True))
        except OSError as error:
            raise OutboxError(f"the outbox {self._folder} takes nothing more: {reason(error)}") from None
        dropped, self._untold = self._untold, []
        return dropped

    def _keep(self, entry: Entry, data: bytes) -> bool:
        try:
            self._add(entry.name, data)
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
        candidates = [entry for entry in entries[:-1] if not entry.dropped and entry not in self._unreadable]
        worth = {entry: (_WORTH[entry.kind], entry.clip in pressed_clips, entry) for entry in candidates}
        victim = min(candidates, key=lambda entry: worth[entry], default=None)
        own_worth = (_WORTH[newcomer.kind], newcomer.clip in pressed_clips, newcomer)
        return victim if victim and worth[victim] < own_worth else None

    def _sign_away(self, victim: Entry) -> bool:
        path = self._folder / victim.name
        part = self._read(victim)
        if part is None:  # gone, set aside or unreadable: the next one may be dropped
            self._used_bytes = self._measure()
            return True
        try:
            size = path.stat().st_size
            self._add(replace(victim, dropped=True).name, self._drop(part).encode())
            self._untold.append(replace(victim, dropped=True))
            path.unlink(missing_ok=True)
        except FileNotFoundError:
            self._used_bytes = self._measure()
            return True
        except (OSError, WireError):
            return False
        self._used_bytes -= size
        return True

    def _read(self, entry: Entry) -> Part | None:
        path = self._folder / entry.name
        try:
            return parse_part(path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            # It may be the card's bad moment, so the file stays where it is; this process asks no more of it.
            _log.error("part %d of clip %s in the outbox cannot be read: %s", entry.seq, entry.clip, reason(error))
            self._unreadable.add(entry)
            return None
        except WireError as error:
            _log.error("part %d of clip %s in the outbox is damaged, and set aside: %s", entry.seq, entry.clip, error)
            self._set_aside(entry)
            return None

    def _set_aside(self, entry: Entry) -> None:
        # Kept, since a person may still read something out of it, and since its name holds numbers that were used.
        try:
            (self._folder / entry.name).rename(self._folder / f"{SET_ASIDE}{entry.name}")
            for old in self._aside()[:-MAX_SET_ASIDE_FILES]:
                (self._folder / f"{SET_ASIDE}{old.name}").unlink(missing_ok=True)
            _sync_folder(self._folder)
        except OSError as error:
            _log.error("nothing can be set aside in %s: %s", self._folder, reason(error))
            self._unreadable.add(entry)

    def _aside(self) -> list[Entry]:
        names = (path.name.removeprefix(SET_ASIDE) for path in self._folder.glob(f"{SET_ASIDE}*"))
        return sorted(filter(None, map(parse_name, names)))

    def _size(self, entry: Entry) -> int:
        try:
            return (self._folder / entry.name).stat().st_size
        except FileNotFoundError:
            return 0  # the uplink has just deleted it

    def _add(self, name: str, data: bytes) -> None:
        self._write(name, data)
        self._used_bytes += len(data)

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
        try:
            _sync_folder(self._folder)
        except OSError as error:
            # The uplink may have sent it by now: to number another part like it would break the chain for good.
            _log.error("a power cut may cost what was just committed to %s: %s", self._folder, reason(error))
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


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
