"""Removes what a rule says is over, and nothing else: clips past their days, and what a deletion left behind.

Nothing is removed that no rule covers: a clip that does not parse, an object that is none, whatever lies elsewhere in
the store. It is told, and stays. What is removed are exactly the objects whose arrivals were looked at, so that a part
that comes meanwhile is never lost.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

from sealbell_relay.errors import DamagedError, StoreError
from sealbell_relay.keep.deletion import Deletion
from sealbell_relay.keep.retentions import Retentions
from sealbell_relay.keep.rules import Moment, Witness, is_over, may_hold_over
from sealbell_relay.log import Log
from sealbell_relay.state import State
from sealbell_relay.store.archive import Archive, Name, arrived_ms
from sealbell_relay.tenants.allow import Register

INTERVAL_S = 3_600.0
FIRST_S = 60.0  # after the start, and while no doorbell's clock has been heard
PAUSE_S = 0.05  # between two doorbells, so that a sweep never holds up the store


class Sweeper:
    """`wall_ms` returns Unix milliseconds, `monotonic` seconds; `mine` says which doorbells are this relay's."""

    def __init__(
        self,
        archive: Archive,
        register: Register,
        retentions: Retentions,
        deletion: Deletion,
        witness: Witness,
        wall_ms: Callable[[], int],
        monotonic: Callable[[], float],
        on_removed: Callable[[str, str], None],
        log: Log,
        mine: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._archive = archive
        self._register = register
        self._retentions = retentions
        self._deletion = deletion
        self._witness = witness
        self._wall_ms = wall_ms
        self._monotonic = monotonic
        self._on_removed = on_removed
        self._log = log
        self._mine = mine

    async def run(self, threads: Executor, state: State, interval_s: float = INTERVAL_S) -> None:
        """Sweep soon after the start and then every `interval_s`; returns only by cancellation."""
        loop = asyncio.get_running_loop()
        await self._try(loop.run_in_executor(threads, self._deletion.finish))
        told, finished_s = False, self._monotonic()
        while True:
            if not self._witness.confirms(self._wall_ms(), self._monotonic()):
                if not told:
                    self._log.warn("not-sweeping", says="no doorbell's clock has confirmed this machine's")
                told = True
                await asyncio.sleep(min(FIRST_S, interval_s))
                if self._monotonic() >= finished_s + interval_s:  # it goes by no clock
                    finished_s = self._monotonic()
                    await self._try(loop.run_in_executor(threads, self._deletion.finish))
                continue
            told = False
            await self._try(loop.run_in_executor(threads, self._deletion.finish))
            for doorbell in await loop.run_in_executor(threads, self.doorbells):
                removed = await self._try(loop.run_in_executor(threads, self.expire, doorbell))
                state.expired += removed
                await asyncio.sleep(min(PAUSE_S, interval_s))
            await asyncio.sleep(interval_s)

    def doorbells(self) -> list[str]:
        """Return the doorbells that this relay sweeps. A store that fails has none for now."""
        try:
            return [card.doorbell for card in self._register.doorbells() if self._mine(card.doorbell)]
        except StoreError:
            return []

    def expire(self, doorbell: str) -> int:
        """Remove a doorbell's clips whose days are over, if the clock may be believed; return how many. StoreError."""
        if not self._witness.confirms(self._wall_ms(), self._monotonic()):
            return 0
        return self.expire_now(doorbell, self._wall_ms())

    def expire_now(self, doorbell: str, now_ms: int) -> int:
        """Do the same by a clock that somebody vouches for."""
        days, removed = self._retentions.days(doorbell), 0
        for bucket in self._archive.buckets(doorbell):
            if not _is_bucket(bucket) or not may_hold_over(bucket, days, now_ms):
                continue
            for clip in self._archive.clips_in(doorbell, bucket):
                try:
                    names = self._archive.all_names(doorbell, clip)
                    over = bool(names) and self._over(doorbell, clip, names, days, now_ms)
                except DamagedError as damage:
                    self._log.warn("clip-kept", says=damage, then="no rule covers what does not parse; see fsck")
                    continue
                if over:
                    self._archive.remove(doorbell, clip, names)
                    self._archive.notices.forget(doorbell, clip)
                    self._on_removed(doorbell, clip)
                    removed += 1
        return removed

    def _over(self, doorbell: str, clip: str, names: list[Name], days: int, now_ms: int) -> bool:
        # The highest part first: as a rule it is the one that came last, and the others need not be read.
        return all(
            is_over(self._moment(doorbell, clip, name), days, now_ms)
            for name in sorted(names, key=lambda name: name.seq, reverse=True)
        )

    def _moment(self, doorbell: str, clip: str, name: Name) -> Moment:
        record = self._archive.head(doorbell, clip, name.seq, name.dropped).link.record
        receipt = self._archive.receipt(doorbell, clip, name.seq, name.dropped)
        return Moment(arrived_ms(receipt), record.wall_ms if record.synced else None)

    async def _try(self, removing: "asyncio.Future[int]") -> int:
        try:
            return await removing
        except StoreError as failure:
            self._log.warn("sweep-failed", says=failure, then="tried again at the next sweep")
            return 0


def _is_bucket(name: str) -> bool:
    try:
        return int(name, 16) >= 0 and len(name) == 6
    except ValueError:
        return False
