"""What keeps a press in a clip from standing out: updates that nobody caused, and moments that follow no picture.

Theory. A relay sees that a notice is sent, never why. If only a press sent one in the middle of a clip, the notice
would say that somebody rang. So each clip sends some that nobody caused, *updates*, as if somebody might ring; and a
press, which leaves at once, takes the place of the next one that is due. Before a press nobody knows that it will
come, so updates go out in clips with and without one, and a press after the last of them is one notice more. That is
rare where most clips have many: if the weights of no update, one, two and so on grow as 1, 2, 3, a press changes how
likely a number of notices is only for none, and for one more than the most. (A clip of n - 1 updates gets n notices if
a press comes after all of them, in one case of n; a clip of n keeps n in n cases of n + 1. Both add up to what n had
if the weight of n is (n + 1) / n times that of n - 1.) The moments are drawn from those at which people ring, counted
from when a camera first sees them: they walk up and look for the button.

A picture that triggers comes at the camera's beat, a press does not. So what a picture causes waits for a part of that
beat that is drawn each time. Decision 16 has the figures.
"""

import math
from typing import Protocol

UPDATES_WEIGHTS = (1, 2, 3, 4, 5, 6)  # of no update in a clip, of one, and so on to five
DELAY_MEDIAN_US = 7_000_000
DELAY_SIGMA = 0.6  # of the delay's logarithm: from 3.2 s to 15 s in four clips of five
MAX_WAIT_US = 100_000


class Random(Protocol):
    """As much as is needed of a source that nobody else can predict (random.SystemRandom)."""

    def random(self) -> float:
        """Return a number from 0 up to 1."""

    def gauss(self, mu: float, sigma: float) -> float:
        """Return a number drawn from the normal distribution."""


class Cover(Protocol):
    """What a recorder asks for."""

    def updates_us(self) -> list[int]:
        """Return how long after a clip's beginning each of its updates is due, ascending."""

    def wait_us(self, period_us: int) -> int:
        """Return how long a notice waits that a picture caused, where one comes every `period_us`."""


class DrawnCover:
    """Draws it all."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def updates_us(self) -> list[int]:
        """See Cover."""
        left = self._random.random() * sum(UPDATES_WEIGHTS)
        updates = 0
        while left >= UPDATES_WEIGHTS[updates]:
            left -= UPDATES_WEIGHTS[updates]
            updates += 1
        return sorted(self._delay_us() for _ in range(updates))

    def wait_us(self, period_us: int) -> int:
        """See Cover."""
        return int(self._random.random() * min(period_us, MAX_WAIT_US))

    def _delay_us(self) -> int:
        return round(DELAY_MEDIAN_US * math.exp(self._random.gauss(0, DELAY_SIGMA)))


class NoCover:
    """Hides nothing: for tests and measurements of what a cover is good for."""

    def updates_us(self) -> list[int]:
        """See Cover."""
        return []

    def wait_us(self, period_us: int) -> int:
        """See Cover."""
        return 0
