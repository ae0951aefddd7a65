"""How many presses are on their way from the panel to the outbox: while one is, nothing before it may take its time."""

import threading


class Presses:
    """Any number of threads feel presses, one seals them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._under_way = 0

    def felt(self) -> None:
        """One was felt."""
        with self._changed:
            self._under_way += 1
            self._changed.notify_all()

    def sealed(self) -> None:
        """One is about to be sealed."""
        with self._changed:
            self._under_way -= 1

    def rest(self, seconds: float) -> None:
        """Return after so long, or as soon as a press is under way."""
        with self._changed:
            self._changed.wait_for(lambda: self._under_way > 0, seconds)
