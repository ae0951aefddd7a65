"""A clock that stands where the test puts it."""

DAY_MS = 86_400_000
START_WALL_MS = 1_764_000_000_000


class HandClock:
    """Monotonic time moves only forward, by hand; wall time jumps wherever `wall_offset_ms` says."""

    def __init__(self, boot: str = "b0" * 16) -> None:
        self._boot = boot
        self._now_us = 0
        self.wall_offset_ms = START_WALL_MS
        self.is_synced = False

    @property
    def boot(self) -> str:
        return self._boot

    def now_us(self) -> int:
        return self._now_us

    def wall_ms(self, at_us: int) -> int:
        return self.wall_offset_ms + at_us // 1_000

    def synced(self) -> bool:
        return self.is_synced

    def pass_us(self, us: int) -> None:
        """Let time pass."""
        assert us >= 0
        self._now_us += us
