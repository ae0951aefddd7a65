"""All that keeps and deletes in a serving relay, put together."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sealbell_relay.errors import StoreError
from sealbell_relay.follow.hub import Hub
from sealbell_relay.http.guests import Guests
from sealbell_relay.http.keep import KeepSide
from sealbell_relay.intake.intake import Intake
from sealbell_relay.keep.deletion import Deletion
from sealbell_relay.keep.holds import Holds
from sealbell_relay.keep.keeping import Keeping
from sealbell_relay.keep.ledger import FileLedger
from sealbell_relay.keep.quota import Limits, Quota
from sealbell_relay.keep.retentions import Retentions
from sealbell_relay.keep.rules import Witness
from sealbell_relay.keep.sweeper import Sweeper
from sealbell_relay.log import Log
from sealbell_relay.state import State
from sealbell_relay.store.archive import Archive
from sealbell_relay.store.store import Store
from sealbell_relay.tenants.allow import Register
from sealbell_relay.tenants.endings import KINDS, REMEMBERED_S, Endings
from sealbell_wire.tombstone import Tombstone

LOOK_S = 1.0
CATCH_UP_S = 60.0
HELD = "it was restored from a copy: nothing is shown until what was deleted is deleted again"

Work = Callable[[], Coroutine[Any, Any, None]]


class Custody:
    """For one event loop; `wall_ms` returns Unix milliseconds, `monotonic` seconds. RelayError if the ledger fails."""

    def __init__(
        self,
        store: Store,
        archive: Archive,
        register: Register,
        key: Ed25519PrivateKey,
        limits: Limits,
        ledger: Path | None,
        hub: Hub,
        state: State,
        log: Log,
        wall_ms: Callable[[], int],
        monotonic: Callable[[], float],
        mine: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self.holds = Holds(store, monotonic)
        self._loop = asyncio.get_running_loop()
        self._archive, self._key, self._wall_ms, self._monotonic = archive, key, wall_ms, monotonic
        self._hub, self._state, self._log = hub, state, log
        self._endings = Endings(store)
        self._ledger = FileLedger(ledger) if ledger is not None else None
        self._witness = Witness()
        self._intake: Intake | None = None
        self._retentions = retentions = Retentions(store)
        self._deletion = Deletion(store, archive, register, key, wall_ms, self._ledger)
        self._quota = Quota(limits, archive, register, wall_ms, monotonic, self._over_quota)
        self._sweeper = Sweeper(
            archive, register, retentions, self._deletion, self._witness, wall_ms, monotonic, self._expired, log, mine
        )
        self._keeping = Keeping(retentions, self._sweeper, register, key, wall_ms, self._ledger)

    def intake(self, register: Register) -> Intake:
        """Return the intake, which keeps to the quota."""
        self._intake = Intake(self._archive, register, self._key, self._wall_ms, self._quota)
        return self._intake

    def hear_clock(self, wall_ms: int) -> None:
        """A doorbell's clock says so just now."""
        self._witness.hear(wall_ms, self._wall_ms(), self._monotonic())

    def side(self, guests: Guests, look: Callable[[], Awaitable[None]] | None) -> KeepSide:
        """Return what is answered over HTTP; `look` returns once our own broker goes by what has ended."""

        async def ended(tombstone: Tombstone) -> None:
            if tombstone.kind == "clip":
                self._removed(tombstone.doorbell, tombstone.name)
            elif tombstone.kind == "doorbell":
                self._hub.end(tombstone.doorbell, None)
                if look is not None:
                    await look()
                await asyncio.sleep(REMEMBERED_S)  # so long relays may have taken what came: it goes, too
                await guests.in_thread(partial(self._deletion.remove_doorbell, tombstone.doorbell))

        return KeepSide(guests, self._deletion, self._keeping, self._quota, self.holds, ended, self._state, self._log)

    def work(self, threads: Executor) -> list[Work]:
        """Return what has to run besides."""
        work: list[Work] = [partial(self._sweeper.run, threads, self._state), partial(self._tell_held, threads)]
        return [*work, partial(self._catch_up, threads, self._ledger)] if self._ledger else work

    def _removed(self, doorbell: str, clip: str) -> None:
        if self._intake is not None:
            self._intake.forget(doorbell, clip)
        self._loop.call_soon_threadsafe(self._hub.end, doorbell, clip)

    def _expired(self, doorbell: str, clip: str) -> None:
        self._quota.forget_of(doorbell)
        self._removed(doorbell, clip)

    def _over_quota(self, doorbell: str, clip: str) -> None:
        def count() -> None:
            self._state.over_quota += 1

        self._removed(doorbell, clip)
        self._loop.call_soon_threadsafe(count)

    async def _tell_held(self, threads: Executor) -> None:
        while True:
            try:
                held = await self._loop.run_in_executor(threads, lambda: self.holds.nonce)
            except StoreError:  # told where parts are taken
                await asyncio.sleep(LOOK_S)
                continue
            if held is not None and self._state.holding is None:
                self._log.warn("held", says=HELD, then="sealbell-relay restored DIR, or the owners' own tombstones")
                self._state.holding = HELD
            elif held is None and self._state.holding == HELD:
                self._log.info("shown-again")
                self._state.holding = None
            await asyncio.sleep(LOOK_S)

    async def _catch_up(self, threads: Executor, ledger: FileLedger) -> None:
        kinds = KINDS  # until all is copied that is older than this start; then what has no tombstone
        while True:
            try:
                await self._loop.run_in_executor(threads, partial(ledger.catch_up, self._endings, kinds))
                if kinds == KINDS:
                    await self._loop.run_in_executor(threads, partial(ledger.copy, self._retentions))
                kinds = tuple(kind for kind in KINDS if kind != "clip")
            except StoreError as failure:
                self._log.error(
                    "ledger-fails", says=failure, then="nothing that is deleted is receipted until it works"
                )
            await asyncio.sleep(CATCH_UP_S)
