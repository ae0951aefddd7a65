"""The clocks: the machine's, and a footage file's own. Nothing else in the firmware reads a clock."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TIMESYNC = Path("/run/systemd/timesync/synchronized")


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class LocalTime:
    """What a clock and a calendar on the wall show: `weekday` from Monday, 0, and the minute of the day."""

    weekday: int
    minute: int


def local_time(wall_ms: int, zone: str | None) -> LocalTime:
    """Return the local time at `wall_ms` (Unix ms) in an IANA zone, None for the machine's own.

    Pure but for the zone's rules, which tzdata has; zoneinfo.ZoneInfoNotFoundError if it has not (the settings are
    checked for that when they are read).
    """
    if zone is None:
        local = time.localtime(wall_ms // 1_000)
        return LocalTime(local.tm_wday, local.tm_hour * 60 + local.tm_min)
    there = datetime.fromtimestamp(wall_ms // 1_000, ZoneInfo(zone))
    return LocalTime(there.weekday(), there.hour * 60 + there.minute)


class SystemClock:
    """The machine's monotonic clock, with its wall clock as a label."""

    def __init__(self, random_boot: str) -> None:
        """`random_boot` (32 hex digits) names this run where the kernel names no boot."""
        self._boot = random_boot
        if _BOOT_ID.exists():
            self._boot = _BOOT_ID.read_text(encoding="ascii").strip().replace("-", "")

    @property
    def boot(self) -> str:
        """The kernel's boot id, as 32 hex digits."""
        return self._boot

    def now_us(self) -> int:
        """Microseconds since some moment before boot ended."""
        return time.monotonic_ns() // 1_000

    def wall_ms(self, at_us: int) -> int:
        """Unix milliseconds at `at_us`; read anew, since NTP may have stepped the clock."""
        return _wall_ms() - (self.now_us() - at_us) // 1_000

    def synced(self) -> bool:
        """Whether systemd-timesyncd has set the clock since boot."""
        return _TIMESYNC.exists()


class Pace(Protocol):
    """What paces a camera that shows a film or a drawing, one picture after the other."""

    def start(self, length_us: int = 0) -> None:
        """The first picture is about to be shown; the film lasts `length_us`, 0 if it does not say."""

    def reach(self, t_us: int) -> None:
        """Return when the picture of the film's time `t_us` is due, or `stop` was called."""

    def stop(self) -> None:
        """Wait no longer. May be called from any thread."""


class FootageClock:
    """A file's own time, from 0. Fast: it stands at the newest picture. Real: it runs, and pictures wait for it.

    Alarms fire in order of time: when fast, just before the picture at or after them, on the camera's thread.
    """

    def __init__(self, boot: str, *, real: bool, start_wall_ms: int | None = None) -> None:
        """`start_wall_ms` is the wall time at the file's time 0; None lets it begin or end now."""
        self._boot = boot
        self._start_given = start_wall_ms is not None
        self._start_wall_ms = start_wall_ms or _wall_ms()
        self._real = real
        self._started_ns = time.monotonic_ns()
        self._at_us = 0
        self._alarms: list[tuple[int, Callable[[], None]]] = []
        self._stopped = threading.Event()

    @property
    def boot(self) -> str:
        """The name of this run, as it was handed in."""
        return self._boot

    def now_us(self) -> int:
        """Microseconds of the file's own time."""
        if self._real:
            return (time.monotonic_ns() - self._started_ns) // 1_000
        return self._at_us

    def wall_ms(self, at_us: int) -> int:
        """The wall time at which the file began, plus its own time."""
        return self._start_wall_ms + at_us // 1_000

    def synced(self) -> bool:
        """A file's time is nobody's."""
        return False

    def start(self, length_us: int = 0) -> None:
        """Begin a file that lasts `length_us`; one that is run through fast lies in the past, never in the future."""
        self._started_ns = time.monotonic_ns()
        if not self._start_given:
            self._start_wall_ms = _wall_ms() - (0 if self._real else length_us // 1_000)

    def at(self, t_us: int, alarm: Callable[[], None]) -> None:
        """Call `alarm` when the file's time reaches `t_us`. To be set before `start`."""
        self._alarms.append((t_us, alarm))
        self._alarms.sort(key=lambda entry: entry[0])

    def reach(self, t_us: int) -> None:
        """Let the file's time become `t_us`: alarms up to it fire; at real pace this waits until it is so."""
        while self._alarms and self._alarms[0][0] <= t_us:
            due_us, alarm = self._alarms.pop(0)
            self._wait_until(due_us)
            alarm()
        self._wait_until(t_us)

    def stop(self) -> None:
        """Wait no longer."""
        self._stopped.set()

    def _wait_until(self, t_us: int) -> None:
        if self._real:
            self._stopped.wait(max(0.0, (t_us - self.now_us()) / 1e6))
        self._at_us = max(self._at_us, t_us)
