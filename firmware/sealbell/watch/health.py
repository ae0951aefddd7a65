"""The health book: which troubles are present since when, and when the doorbell has to say how it is.

Theory. A message is due at the start, EVERY_US after the last one, and at every change: of a trouble, of the mode, of
the clock's word that it is set, and when a clip has ended. After a message nothing goes out for GAP_US, so that what
flaps costs one message in that time; a change in it is told when it is over, as things stand then, so the last state
always goes out, and if the process ends meanwhile, at its end.
"""

from collections.abc import Callable

from sealbell.items import ClipEnds, Condition, Draft, HealthDraft, Machine, Trouble
from sealbell.link import Link
from sealbell.seams import Clock
from sealbell_wire import report

EVERY_US = 900_000_000  # fifteen minutes: the owner's tools say `not heard since` by it (SPEC 15.4)
GAP_US = 10_000_000
LOOK_US = 5_000_000
AWAY_US = 60_000_000  # a router that starts anew is no trouble yet
CLOCK_GRACE_US = 120_000_000  # what the network may take after boot to set the clock
_UNDERVOLTAGE_BIT = 0x1
_THROTTLED_BITS = 0xE  # frequency capped, throttled, soft temperature limit


class HealthBook:
    """Conditions and facts in, drafts of health messages out. No I/O, no clock; for one thread."""

    def __init__(self, started_us: int, *, linked: bool) -> None:
        """`linked` says whether a network process shall be there: without one nobody misses the relay."""
        self._started_us = started_us
        self._linked = linked
        self._since_us: dict[Trouble, int] = {}
        self._machine = Machine()
        self._link: Link | None = None
        self._mode = ""
        self._synced: bool | None = None
        self._looked_us: int | None = None
        self._said_us: int | None = None
        self._changed = True

    @property
    def troubles(self) -> frozenset[Trouble]:
        """What is wrong now."""
        return frozenset(self._since_us)

    def condition(self, condition: Condition) -> None:
        """A trouble began, or is over; saying so twice changes nothing."""
        trouble = condition.trouble
        if condition.present == (trouble in self._since_us):
            return
        if condition.present:
            self._since_us[trouble] = condition.t_us
        else:
            del self._since_us[trouble]
        self._changed = True

    def drafted(self, draft: Draft) -> None:
        """A draft went to the sealer: the end of a clip moves the chain to a place worth telling."""
        self._changed = self._changed or isinstance(draft, ClipEnds)

    def mode(self, mode: str) -> None:
        """The mode in force: a word, or empty."""
        self._changed = self._changed or mode != self._mode
        self._mode = mode

    def look_is_due(self, now_us: int) -> bool:
        """Whether `look` wants fresh facts."""
        return self._looked_us is None or now_us >= self._looked_us + LOOK_US

    def look(self, now_us: int, machine: Machine, link: Link | None, *, synced: bool) -> None:
        """Take the facts: what the board says, the link if it was told lately (else None), whether the clock is set."""
        self._looked_us = now_us
        self._machine, self._link = machine, link
        self._changed = self._changed or (self._synced is not None and synced != self._synced)
        self._synced = synced
        bits = machine.throttled or 0
        self._note(now_us, Trouble.UNDERVOLTAGE, present=bool(bits & _UNDERVOLTAGE_BIT))
        self._note(now_us, Trouble.THROTTLED, present=bool(bits & _THROTTLED_BITS))
        self._note(now_us, Trouble.RELAY_AWAY, present=self._linked and self._away(now_us))
        unset = not synced and now_us >= self._started_us + CLOCK_GRACE_US
        self._note(now_us, Trouble.CLOCK_UNSYNCED, present=unset)

    def due(self, now_us: int, *, ending: bool = False) -> HealthDraft | None:
        """Return the draft of a message if one has to go out now; no change waits where the process is `ending`."""
        rest_us = EVERY_US if not self._changed else 0 if ending else GAP_US
        if self._said_us is not None and now_us < self._said_us + rest_us:
            return None
        self._said_us, self._changed = now_us, False
        link = self._link
        told = report.Link(link.connected, link.since_ms, link.why, link.dbm) if link else None
        troubles = tuple(sorted(self._since_us.items()))
        return HealthDraft(now_us, self._started_us, troubles, self._mode, self._machine, told)

    def _away(self, now_us: int) -> bool:
        if self._link is None:
            return now_us >= self._started_us + AWAY_US
        return not self._link.connected and now_us >= self._link.since_ms * 1_000 + AWAY_US

    def _note(self, now_us: int, trouble: Trouble, *, present: bool) -> None:
        self.condition(Condition(now_us, trouble, present))


class HealthWatch:
    """The book, kept up to date: looks at the facts every LOOK_US. For one thread."""

    def __init__(
        self,
        clock: Clock,
        read_machine: Callable[[], Machine],
        read_link: Callable[[], Link | None] | None,
        mode: Callable[[int], str] = lambda _: "",
    ) -> None:
        """`read_link` is None where there is no network process, as on footage; `mode` is that at a monotonic time."""
        self._clock = clock
        self._read_machine = read_machine
        self._read_link = read_link
        self._mode = mode
        self.book = HealthBook(clock.now_us(), linked=read_link is not None)

    def due(self, *, ending: bool = False) -> HealthDraft | None:
        """Look if it is time to, and return the draft of a message if one has to go out now."""
        now_us = self._clock.now_us()
        if self.book.look_is_due(now_us):
            link = self._read_link() if self._read_link else None
            fresh = link if link and link.fresh(self._clock.boot, now_us // 1_000) else None
            self.book.look(now_us, self._read_machine(), fresh, synced=self._clock.synced())
            self.book.mode(self._mode(now_us))
        return self.book.due(now_us, ending=ending)
