"""How much an owner's clips may take, by the operator, and which of them go when it is too much.

What is over goes from the old end: the oldest complete clips of that owner, all doorbells together, by the time in
their names. So a full quota never refuses the ring of just now for the sake of last month's. What follows from that is
said in docs/operate.md: whoever provokes recordings pushes old ones out.
"""

import heapq
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sealbell_relay.errors import DamagedError
from sealbell_relay.keep.rules import DAY_MS
from sealbell_relay.store.archive import Archive, ClipSummary
from sealbell_relay.tenants.allow import Register
from sealbell_wire.enrolment import OwnerCard

RECOUNT_S = 86_400.0
MAX_OWNERS_COUNTED = 65_536


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one owner; None for no limit."""

    max_bytes: int | None = None
    max_clips: int | None = None

    @property
    def any(self) -> bool:
        """Whether there is a limit at all."""
        return self.max_bytes is not None or self.max_clips is not None


@dataclass(slots=True)
class Use:
    """What an owner's clips take, counted at `counted_s` (monotonic) and followed since."""

    size_bytes: int
    clips: int
    counted_s: float
    removed: int = 0  # clips that went because it was too much, since the relay started


class Quota:
    """Usage by owner, counted when it is first asked for and again every day, so that no mistake lasts.

    Blocking, for any thread. `wall_ms` returns Unix milliseconds, `monotonic` seconds; `on_removed` is told of each
    (doorbell, clip) that went. Methods may raise StoreError.
    """

    def __init__(
        self,
        limits: Limits,
        archive: Archive,
        register: Register,
        wall_ms: Callable[[], int],
        monotonic: Callable[[], float],
        on_removed: Callable[[str, str], None],
    ) -> None:
        self.limits = limits
        self._archive = archive
        self._register = register
        self._wall_ms = wall_ms
        self._monotonic = monotonic
        self._on_removed = on_removed
        self._used: dict[str, Use] = {}
        self._lock = threading.Lock()
        self._making_room = threading.Lock()

    def use(self, owner: str) -> Use:
        """Return what the owner with this key uses."""
        used = self._used.get(owner)
        if used is None or self._monotonic() >= used.counted_s + RECOUNT_S:
            used = self._count(owner)  # without the lock: what is stored meanwhile may count twice, until the next day
            with self._lock:
                if len(self._used) >= MAX_OWNERS_COUNTED:
                    self._used.clear()
                before = self._used.get(owner)
                used.removed = before.removed if before else 0
                self._used[owner] = used
        return used

    def admit(self, owner: str, clip: str, size_bytes: int, *, new: bool) -> bool:
        """Make room for a part of `clip`, which is `new` if it is the clip's first; False if there is none to make."""
        if not self.limits.any:
            return True
        with self._making_room:
            used = self.use(owner)
            if not self._fits(0, 0, size_bytes, new):
                return False
            oldest = self._complete(owner, clip)
            while not self._fits(used.size_bytes, used.clips, size_bytes, new):
                found = next(oldest, None)
                if found is None:
                    return False
                doorbell, summary = found
                self._archive.remove_all(doorbell, summary.clip)
                self.note(owner, -summary.size, -1)
                used.removed += 1
                self._on_removed(doorbell, summary.clip)
            return True

    def note(self, owner: str, size_bytes: int, clips: int) -> None:
        """So much was stored, or removed if negative; nothing if this owner was never counted."""
        with self._lock:
            if used := self._used.get(owner):
                used.size_bytes = max(0, used.size_bytes + size_bytes)
                used.clips = max(0, used.clips + clips)

    def forget(self, owner: str) -> None:
        """Count this owner anew next time: something of theirs was removed."""
        with self._lock:
            if used := self._used.get(owner):
                used.counted_s = -RECOUNT_S

    def forget_of(self, doorbell: str) -> None:
        """Do the same for the owner of a doorbell."""
        if card := self._register.card_of(doorbell):
            self.forget(card.owner)

    def _fits(self, used_bytes: int, used_clips: int, size_bytes: int, new: bool) -> bool:
        most_bytes, most_clips = self.limits.max_bytes, self.limits.max_clips
        return (most_bytes is None or used_bytes + size_bytes <= most_bytes) and (
            most_clips is None or used_clips + new <= most_clips
        )

    def _count(self, owner: str) -> Use:
        size_bytes = clips = 0
        for doorbell in self._doorbells(owner):
            for clip in self._archive.oldest_first(doorbell, ""):
                clips += 1
                size_bytes += sum(name.size for name in self._archive.all_names(doorbell, clip))
        return Use(size_bytes, clips, self._monotonic())

    def _complete(self, owner: str, being_received: str) -> Iterator[tuple[str, ClipSummary]]:
        """Yield the owner's clips that have ended, or rested for a day, oldest first."""
        rows = heapq.merge(
            *([(clip, one) for clip in self._archive.oldest_first(one, "")] for one in self._doorbells(owner))
        )
        for clip, doorbell in rows:
            if clip == being_received:
                continue
            try:
                summary = self._archive.summary(doorbell, clip)
            except DamagedError:  # fsck tells; what cannot be read is not removed
                continue
            if summary and (summary.newest.link.record.final or summary.arrived_ms < self._wall_ms() - DAY_MS):
                yield doorbell, summary

    def _doorbells(self, owner: str) -> list[str]:
        return [card.doorbell for card in self._register.owned_by(OwnerCard(owner, ""))]
