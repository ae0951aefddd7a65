"""A clock that stands where the test puts it, and a film that goes on only as far as the clock."""

import threading

from sealbell_testing.waiting import DEADLINE_S

DAY_MS = 86_400_000
START_WALL_MS = 1_764_000_000_000
FIRST_BOOT = "b0" * 16
_US_PER_S = 1_000_000


class HandClock:
    """A Clock and the Pace of a film: `passes(seconds=4)` shows every picture of the next four seconds, then returns.

    Monotonic time moves only forward, by hand; wall time is that plus `wall_offset_ms`, which the test may set.
    """

    def __init__(self, boot: str = FIRST_BOOT) -> None:
        """`boot` is 32 hex digits."""
        self.wall_offset_ms = START_WALL_MS
        self.is_synced = False
        self._boot = boot
        self._now_us = 0
        self._changed = threading.Condition()
        self._shows = False
        self._awaited_us = -1

    @property
    def boot(self) -> str:
        """The name of this run; `restarts` gives another."""
        return self._boot

    def now_us(self) -> int:
        """Microseconds since the doorbell was switched on."""
        return self._now_us

    def wall_ms(self, at_us: int) -> int:
        """Unix milliseconds at the monotonic time `at_us`."""
        return self.wall_offset_ms + at_us // 1_000

    def synced(self) -> bool:
        """What the test has put into `is_synced`."""
        return self.is_synced

    def passes(self, seconds: float) -> None:
        """Let time pass, picture by picture; AssertionError if the film neither goes on nor ends."""
        self.pass_us(round(seconds * _US_PER_S))

    def pass_us(self, us: int) -> None:
        """The same in microseconds."""
        assert us >= 0, "time does not go back"
        with self._changed:
            end_us = self._now_us + us
            while self._wait_for_picture() and self._awaited_us <= end_us:
                self._now_us = self._awaited_us
                self._changed.notify_all()
            self._now_us = end_us
            self._changed.notify_all()

    def restarts(self) -> None:
        """The doorbell was switched off and on: monotonic time begins anew, wall time goes on."""
        with self._changed:
            self.wall_offset_ms += self._now_us // 1_000
            self._boot = f"{int(self._boot, 16) + 1:032x}"
            self._now_us, self._awaited_us = 0, -1

    def start(self, length_us: int = 0) -> None:
        """A film begins: from now on `passes` waits for its pictures."""
        with self._changed:
            self._shows = True

    def reach(self, t_us: int) -> None:
        """Return when the test has let time come to `t_us`, or the film was stopped."""
        with self._changed:
            self._awaited_us = t_us
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._now_us >= t_us or not self._shows)

    def stop(self) -> None:
        """The film is over: nobody waits for it any more."""
        with self._changed:
            self._shows = False
            self._changed.notify_all()

    def _wait_for_picture(self) -> bool:
        came = self._changed.wait_for(lambda: not self._shows or self._awaited_us > self._now_us, DEADLINE_S)
        assert came, f"no picture came after {self._now_us / 1e6:.3f} s: the camera or what is behind it hangs"
        return self._shows
