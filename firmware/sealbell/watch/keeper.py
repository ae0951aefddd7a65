"""What goes on beside the recording: the health book, the status light, a line for systemd. For one thread."""

from collections.abc import Callable, Sequence

from sealbell.items import Condition, Draft, Seen, Trouble
from sealbell.seams import Clock, Panel
from sealbell.watch.health import HealthWatch
from sealbell.watch.intake import Gap
from sealbell.watch.losses import Losses
from sealbell.watch.status import Status

TOLD_EVERY_US = 5_000_000


class Keeper:
    """Told of everything that was seen and what came of it; says when the doorbell has to say how it is."""

    def __init__(self, clock: Clock, panel: Panel, health: HealthWatch, tell: Callable[[str], None]) -> None:
        """`tell` is how systemd hears of it all."""
        self._clock = clock
        self._panel = panel
        self._health = health
        self._tell = tell
        self._status = Status()
        self._losses = Losses()
        self._told_us: int | None = None

    def keep(self, item: Seen | Gap | None, drafts: Sequence[Draft], *, ending: bool = False) -> list[Draft]:
        """Take what was seen (None: nothing for a while) and its drafts; return the health message that is due.

        `ending` is for the last call: what has changed is told now or never.
        """
        now_us = self._clock.now_us()
        book = self._health.book
        for draft in drafts:
            book.drafted(draft)
        if condition := self._condition(item, now_us):
            book.condition(condition)
        due = self._health.due(ending=ending)
        if not isinstance(item, Gap):
            self._status.note(item, drafts)
        self._panel.show(self._status.code(now_us, book.troubles))
        if self._told_us is None or now_us - self._told_us >= TOLD_EVERY_US:
            self._told_us = now_us
            self._tell(self._status.line(now_us, book.troubles))
        return [due] if due else []

    def _condition(self, item: Seen | Gap | None, now_us: int) -> Condition | None:
        if isinstance(item, Condition) and item.trouble is not Trouble.PICTURES_LOST:
            return item
        # A camera that lost pictures says at the next one that it is over: too soon for anybody to see.
        lost = isinstance(item, Gap) or (isinstance(item, Condition) and item.present)
        return self._losses.lost(now_us) if lost else self._losses.over(now_us)
