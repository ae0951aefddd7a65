"""From the edges of a bouncing contact to presses. Pure: times are handed in.

Theory. A contact that closes or opens does so many times within a few milliseconds. A press is therefore a run of
closures with openings shorter than SETTLE_US between them, and it ends when the contact has been open for SETTLE_US.
Its length is the time for which the contact was closed; openings count for nothing, so a shower of sparks is no press.
A press is felt once, at the first moment at which it is known to be as long as `felt_us`. Anything shorter is noise.
One that lasts `stuck_us` is reported as stuck, and so is its end; it rings no more than any other.

The kernel may drop edges (its queue for a line holds 16) and it may bring them late. Edges bear the time at which they
happened, so lateness alone spoils nothing. And the level is looked at, again and again: a level that is not what the
edges said is an edge that was dropped, taken to have been at the time of the look. Should it turn up after all, its own
time counts. A button that is down when we begin to look was pressed for somebody else: it is not felt, but it can be
stuck.
"""

from dataclasses import dataclass

from sealbell.items import Condition, Press, Trouble

FELT_US = 20_000
SETTLE_US = 20_000
STUCK_US = 30_000_000
LOOK_SOON_US = 5_000  # while a contact moves: what a dropped edge may cost
LOOK_US = 50_000  # while it rests


@dataclass(slots=True)
class _Run:
    began_us: int
    closed_us: int = 0
    felt: bool = False
    stuck: bool = False


class Debounce:
    """A button's state. `edge` and `look` return what came of them, in order."""

    def __init__(self, t_us: int, *, closed: bool, felt_us: int = FELT_US, stuck_us: int = STUCK_US) -> None:
        """The level is `closed` at `t_us`."""
        self._felt_us = felt_us
        self._stuck_us = stuck_us
        self._closed = closed
        self._since_us = t_us
        self._before_us = t_us
        self._looked = False
        self._run = _Run(t_us, felt=True) if closed else None

    def edge(self, t_us: int, *, closed: bool) -> list[Press | Condition]:
        """Take an edge that happened at `t_us`; the contact is `closed` after it."""
        if closed == self._closed:
            self._turned_up(t_us)
            return []
        return self._change(max(t_us, self._since_us), closed=closed, looked=False)

    def look(self, t_us: int, *, closed: bool) -> list[Press | Condition]:
        """Take the level that was read at `t_us`."""
        if closed != self._closed:
            return self._change(max(t_us, self._since_us), closed=closed, looked=True)
        return self._reach(t_us)

    def due_us(self, now_us: int) -> int:
        """Return when to look again."""
        run = self._run
        if run is None or (self._closed and run.felt):
            return now_us + LOOK_US
        known_us = self._since_us + (self._felt_us - run.closed_us if self._closed else SETTLE_US)
        return max(now_us, min(known_us, now_us + LOOK_SOON_US))

    def _change(self, t_us: int, *, closed: bool, looked: bool) -> list[Press | Condition]:
        came = self._reach(t_us)
        if self._run is None:  # it was open, so now it is closed
            self._run = _Run(t_us)
        elif not closed:
            self._run.closed_us += t_us - self._since_us
        self._before_us, self._since_us = self._since_us, t_us
        self._closed, self._looked = closed, looked
        return came

    def _turned_up(self, t_us: int) -> None:
        """Give the last change its own time, if it was a look that told of it before its edge came."""
        if not self._looked:
            return
        t_us = min(self._since_us, max(self._before_us, t_us))
        if self._run is not None:
            if not self._closed:
                self._run.closed_us -= self._since_us - t_us
            elif self._run.began_us == self._since_us:
                self._run.began_us = t_us
        self._since_us, self._looked = t_us, False

    def _reach(self, t_us: int) -> list[Press | Condition]:
        """Let the contact stay as it is until `t_us`."""
        run = self._run
        if run is None:
            return []
        for_us = t_us - self._since_us
        came: list[Press | Condition] = []
        if self._closed:
            if not run.felt and run.closed_us + for_us >= self._felt_us:
                run.felt = True
                came.append(Press(run.began_us))
            if not run.stuck and t_us - run.began_us >= self._stuck_us:
                run.stuck = True
                came.append(Condition(t_us, Trouble.BUTTON_STUCK, present=True))
        elif for_us >= SETTLE_US:
            self._run = None
            if run.stuck:
                came.append(Condition(t_us, Trouble.BUTTON_STUCK, present=False))
        return came
