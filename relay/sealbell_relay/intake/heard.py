"""How many doorbells were heard lately: a number to watch, of names that never leave this module."""

from collections import OrderedDict

WINDOW_S = 900.0  # health messages come every 15 minutes
MAX_HEARD_DOORBELLS = 1_048_576


class Heard:
    """When each doorbell was heard last; `now` is any monotonic time in seconds."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, float] = OrderedDict()

    def note(self, doorbell: str, now: float) -> None:
        """Note that a doorbell sent something that was proven to be its own."""
        self._last[doorbell] = now
        self._last.move_to_end(doorbell)
        self._forget(now)
        if len(self._last) > MAX_HEARD_DOORBELLS:
            self._last.popitem(last=False)

    def count(self, now: float) -> int:
        """Return how many were heard within WINDOW_S."""
        self._forget(now)
        return len(self._last)

    def _forget(self, now: float) -> None:
        while self._last and now - next(iter(self._last.values())) > WINDOW_S:
            self._last.popitem(last=False)
