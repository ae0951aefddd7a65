"""When clips are packed: some time after their final part is stored, and, for what was missed, in a slow sweep."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor

from sealbell_relay.errors import DamagedError, StoreError
from sealbell_relay.log import Log
from sealbell_relay.store.archive import Archive
from sealbell_relay.store.packing import Packing
from sealbell_relay.tenants.allow import Register

REST_S = 30.0  # from a clip's last part to packing: what came out of order, or was sent again, has come by then
LOOK_S = 5.0
SWEEP_S = 86_400.0
FIRST_SWEEP_S = 300.0  # after the start
SWEEP_BACK_MS = 172_800_000  # how far back a sweep looks for clips whose packing was missed: a relay died, say
MAX_WAITING_CLIPS = 16_384  # clips; beyond, the sweep finds them


class Packer:
    """For one event loop. `mine` says which doorbells are this relay's; `wall_ms` are Unix ms, `monotonic` seconds."""

    def __init__(
        self,
        packing: Packing,
        archive: Archive,
        register: Register,
        log: Log,
        wall_ms: Callable[[], int],
        monotonic: Callable[[], float],
        mine: Callable[[str], bool] = lambda _: True,
        rest_s: float = REST_S,
        look_s: float = LOOK_S,
    ) -> None:
        self._packing = packing
        self._archive = archive
        self._register = register
        self._log = log
        self._wall_ms = wall_ms
        self._monotonic = monotonic
        self._mine = mine
        self._rest_s = rest_s
        self._look_s = look_s
        self._waiting: OrderedDict[tuple[str, str], float] = OrderedDict()  # since when

    @property
    def waiting(self) -> int:
        """How many clips rest."""
        return len(self._waiting)

    def note(self, doorbell: str, clip: str) -> None:
        """Note that a part was stored of a clip whose final part is there."""
        self._waiting[doorbell, clip] = self._monotonic()
        self._waiting.move_to_end((doorbell, clip))
        if len(self._waiting) > MAX_WAITING_CLIPS:
            self._waiting.popitem(last=False)

    async def run(self, threads: Executor) -> None:
        """Pack what has rested, and sweep now and then; returns only by cancellation."""
        loop = asyncio.get_running_loop()
        sweep_at = self._monotonic() + FIRST_SWEEP_S
        while True:
            await asyncio.sleep(self._look_s)
            for doorbell, clip in self._rested():
                await loop.run_in_executor(threads, self.pack, doorbell, clip)
            if self._monotonic() >= sweep_at:
                for doorbell in await loop.run_in_executor(threads, self.doorbells):
                    await loop.run_in_executor(threads, self.sweep, doorbell)
                sweep_at = self._monotonic() + SWEEP_S

    def pack(self, doorbell: str, clip: str) -> int:
        """Pack a clip if it is complete; what fails is told, and left to the next sweep."""
        try:
            card = self._register.doorbell(doorbell)
            return self._packing.pack(doorbell, clip, bytes.fromhex(card.key)) if card else 0
        except DamagedError as damage:
            self._log.error("clip-not-packed", doorbell=doorbell, clip=clip, says=damage, then="it stays as it is")
        except StoreError as failure:
            self._log.warn("clip-not-packed", doorbell=doorbell, clip=clip, says=failure, then="tried again tomorrow")
        return 0

    def doorbells(self) -> list[str]:
        """Return the doorbells whose clips this relay packs. A store that fails has none for now."""
        try:
            return [card.doorbell for card in self._register.doorbells() if self._mine(card.doorbell)]
        except StoreError as failure:
            self._log.warn("packer-not-sweeping", says=failure, then="tried again tomorrow")
            return []

    def sweep(self, doorbell: str) -> None:
        """Pack what was missed of a doorbell's clips of late."""
        since = f"{max(0, self._wall_ms() - SWEEP_BACK_MS):012x}" + 20 * "0"
        try:
            clips = list(self._archive.oldest_first(doorbell, since))
        except StoreError as failure:
            self._log.warn("packer-not-sweeping", doorbell=doorbell, says=failure, then="tried again tomorrow")
            return
        for clip in clips:
            self.pack(doorbell, clip)

    def _rested(self) -> list[tuple[str, str]]:
        until = self._monotonic() - self._rest_s
        rested = [clip for clip, since in self._waiting.items() if since <= until]
        for clip in rested:
            del self._waiting[clip]
        return rested
