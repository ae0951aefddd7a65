"""In which order the parts of one growing clip are sent: by seq, without a gap, waiting a while for what is missing.

    sent 0 1 2, stored 4    ->  3 is missing: wait for it, at most `hole_s` from when 4 was seen
    3 comes in time         ->  send 3 4
    3 does not come in time ->  over: the stream ends behind 2, and whoever followed decides (SPEC 12)

The stream ends with the clip's final part, at a hole that is not filled, or when no part has come for `idle_s`. So what
a follower got has no hole, whichever relays it asked in turn, and nothing that was late is left out unseen. Pure.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a stream waits, in seconds.

    For a missing part, for any part, between two signs of life; and between two looks at the store, for what other
    relays stored and nobody told: at a clip that grows, and at a doorbell that may be quiet.
    """

    hole_s: float = 5.0
    idle_s: float = 30.0
    keep_alive_s: float = 5.0
    look_s: float = 3.0
    quiet_look_s: float = 15.0


class Order:
    """Decides which seq is sent next. `now` is any monotonic time in seconds."""

    def __init__(self, start: int, patience: Patience, now: float) -> None:
        self._want = start
        self._patience = patience
        self._waiting: set[int] = set()
        self._last_came = now
        self._hole_since = now

    def came(self, seq: int, now: float) -> bool:
        """Note that a part is stored; False if this stream has it already."""
        if seq < self._want or seq in self._waiting:
            return False
        if not self._waiting:
            self._hole_since = now
        self._waiting.add(seq)
        self._last_came = now
        return True

    def next(self, now: float) -> int | None:
        """Return the seq to send now; None if it is better to wait."""
        if self._want not in self._waiting:
            return None
        self._waiting.remove(self._want)
        self._want += 1
        self._hole_since = now
        return self._want - 1

    def wait_s(self, now: float) -> float:
        """Return for how long at most to wait for a part before asking again; 0 when it is over."""
        return max(0.0, self._ends_at() - now)

    def over(self, now: float) -> bool:
        """Whether what is missing, or anything at all, has not come for too long. To be asked when `next` is None."""
        return now >= self._ends_at()

    def _ends_at(self) -> float:
        return self._hole_since + self._patience.hole_s if self._waiting else self._last_came + self._patience.idle_s
