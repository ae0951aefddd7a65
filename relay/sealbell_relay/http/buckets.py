"""Token buckets: how often each name may do something, in a bounded memory. Pure: time is handed in."""

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """What one name may do: `burst` at once, and `per_second` in the long run."""

    per_second: float
    burst: int


class Buckets:
    """A bucket for each name; `now` is any monotonic time in seconds.

    At most `most` are remembered. Beyond that the one that was not used for longest is forgotten, which to its name
    is as if it were full.
    """

    def __init__(self, rate: Rate, most: int) -> None:
        self._rate = rate
        self._most = most
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._left)

    def wait_s(self, name: str, now: float) -> float:
        """Return how long `name` has to wait for a token; 0 if there is one."""
        return max(0.0, (1.0 - self._tokens(name, now)) / self._rate.per_second)

    def take(self, name: str, now: float) -> float:
        """Take a token if there is one; return how long to wait if not, and 0 if it was taken."""
        tokens = self._tokens(name, now)
        if tokens < 1.0:
            return (1.0 - tokens) / self._rate.per_second
        self._left[name] = (tokens - 1.0, now)
        self._left.move_to_end(name)
        if len(self._left) > self._most:
            self._left.popitem(last=False)
        return 0.0

    def _tokens(self, name: str, now: float) -> float:
        tokens, since = self._left.get(name, (float(self._rate.burst), now))
        return min(float(self._rate.burst), tokens + max(0.0, now - since) * self._rate.per_second)
