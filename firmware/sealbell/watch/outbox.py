"""The outbox as the camera process sees it: sealed parts go in, and what is worth least leaves when it is full."""

import contextlib
import errno
import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sealbell.spool import BELL, Entry, OutboxError, hang_bell, listing, reason
from sealbell_wire.errors import WireError
from sealbell_wire.part import Part, parse_part

_TEMPORARY = ".new-"
_log = logging.getLogger(__name__)


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
            hang_bell(folder)
            self._sweep()
        except OSError as error:
            raise OutboxError(f"the outbox {folder} cannot be used: {reason(error)}") from None

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
            raise OutboxError(f"the outbox {self._folder} takes nothing more: {reason(error)}") from None
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
