"""In which order the parts of one growing clip are sent: by seq, waiting a while for what is missing. Pure.

    sent 0 1 2, stored 4    ->  3 is missing: wait for it, at most `hole_s` from when 4 was seen
    3 came                  ->  send 3, 4
    3 did not come          ->  send 4; should 3 come later, this stream leaves it out

The stream ends with the clip's final part, or when no part has come for `idle_s`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a stream waits, in seconds: for a missing part, for any part, and between two signs of life."""

    hole_s: float = 5.0
    idle_s: float = 30.0
    keep_alive_s: float = 5.0


class Order:
    """Decides which seq is sent next. `now` is any monotonic time in seconds."""

    def __init__(self, start: int, patience: Patience, now: float) -> None:
        self._want = start
        self._patience = patience
        self._waiting: set[int] = set()
        self._last_came = now
        self._hole_since = now

    def came(self, seq: int, now: float) -> bool:
        """Note that a part is stored; False if this stream has no use for it any more."""
        if seq < self._want or seq in self._waiting:
            return False
        if not self._waiting:
            self._hole_since = now
        self._waiting.add(seq)
        self._last_came = now
        return True

    def next(self, now: float) -> int | None:
        """Return the seq to send now; None if it is better to wait."""
        if not self._waiting:
            return None
        lowest = min(self._waiting)
        if lowest > self._want and now < self._hole_since + self._patience.hole_s:
            return None
        self._waiting.remove(lowest)
        self._want = lowest + 1
        self._hole_since = now
        return lowest

    def wait_s(self, now: float) -> float:
        """Return for how long at most to wait for a part before asking `next` again; 0 when it is over."""
        if self._waiting:
            return max(0.0, self._hole_since + self._patience.hole_s - now)
        return max(0.0, self._last_came + self._patience.idle_s - now)

    def over(self, now: float) -> bool:
        """Whether nothing waits and nothing has come for long."""
        return not self._waiting and now >= self._last_came + self._patience.idle_s
