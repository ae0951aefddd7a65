"""Whether the store takes what it is given, asked also while no doorbell sends anything.

    probe/{32 hex digits}     put and taken away again; what a relay that died left of it goes with the next start

Whoever asks `/readyz` in a quiet hour is told what a doorbell would meet. While the store fails, as much is written as
the largest part takes: a disk that has room for little is not called well in between.
"""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from sealbell_relay.errors import StoreError
from sealbell_relay.log import Log
from sealbell_relay.state import State
from sealbell_relay.store.store import Store
from sealbell_wire.limits import MAX_PART_BYTES

PROBE = "probe"
IDLE_S = 10.0  # without anything stored, until it is tried
RETRY_S = 2.0  # while it fails
ANSWER_S = 40.0  # a bucket's own limits are below; a disk that hangs has none
IDLE_BYTES = 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the relay says of its store, whoever found it out. For the event loop."""

    state: State
    log: Log

    def fails(self, why: object) -> None:
        """Say so, once."""
        if self.state.store_failure is None:
            self.log.error("store-fails", says=why, then="no receipts until it works; doorbells try again")
        self.state.store_failure = str(why)

    def works(self) -> None:
        """Say so if it was otherwise."""
        if self.state.store_failure is not None:
            self.log.info("store-works-again")
            self.state.store_failure = None


class Probe:
    """For one event loop; `threads` are its own, since the others may all be waiting for the store."""

    def __init__(
        self,
        store: Store,
        threads: Executor,
        state: State,
        log: Log,
        draw: Callable[[int], str] = secrets.token_hex,
        idle_s: float = IDLE_S,
        retry_s: float = RETRY_S,
        answer_s: float = ANSWER_S,
    ) -> None:
        self._store = store
        self._threads = threads
        self._state = state
        self._verdict = Verdict(state, log)
        self._draw = draw
        self._idle_s = idle_s
        self._retry_s = retry_s
        self._answer_s = answer_s

    async def run(self) -> None:
        """Try at once, when nothing was stored for some time, and again and again while the store fails."""
        await self._try(self._clear)
        idle_s, kept = 0.0, self._kept
        while True:
            await asyncio.sleep(self._retry_s)
            idle_s, kept = (idle_s + self._retry_s if self._kept == kept else 0.0), self._kept
            if self._state.store_failure is not None or idle_s >= self._idle_s:
                await self._try(self._write)
                idle_s = 0.0

    @property
    def _kept(self) -> int:
        return self._state.stored + self._state.healths

    async def _try(self, ask: Callable[[int], None]) -> None:
        size = IDLE_BYTES if self._state.store_failure is None else MAX_PART_BYTES
        asked = asyncio.get_running_loop().run_in_executor(self._threads, ask, size)
        if not (await asyncio.wait({asked}, timeout=self._answer_s))[0]:
            self._verdict.fails(f"the store has not answered for {self._answer_s:.0f} s")
        try:
            await asked
        except StoreError as failure:
            self._verdict.fails(failure)
        else:
            self._verdict.works()

    def _write(self, size: int) -> None:
        name = f"{PROBE}/{self._draw(16)}"
        try:
            self._store.put(name, bytes(size))
        finally:
            self._store.remove(name)

    def _clear(self, size: int) -> None:
        for entry in self._store.list(PROBE).objects:
            self._store.remove(f"{PROBE}/{entry.name}")
        self._write(size)
