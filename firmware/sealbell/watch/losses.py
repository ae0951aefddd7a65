"""Pictures that were left out are a trouble: it begins with the first and is over when none was for a while."""

from sealbell.items import Condition, Trouble

OVER_AFTER_US = 60_000_000


class Losses:
    """For one thread; times are handed in."""

    def __init__(self) -> None:
        self._last_us: int | None = None

    def lost(self, now_us: int) -> Condition | None:
        """Pictures were left out just now; return the trouble if it begins."""
        begins = self._last_us is None
        self._last_us = now_us
        return Condition(now_us, Trouble.PICTURES_LOST, present=True) if begins else None

    def over(self, now_us: int) -> Condition | None:
        """Return the end of the trouble, once."""
        if self._last_us is None or now_us < self._last_us + OVER_AFTER_US:
            return None
        self._last_us = None
        return Condition(now_us, Trouble.PICTURES_LOST, present=False)
