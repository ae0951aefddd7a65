"""What stands for the doorbells' picture processes: crafted parts, committed into real outboxes at a pace."""

import asyncio
import random
import time
from pathlib import Path

from chaos.ledger import Ledger
from parts_factory import Doorbell
from sealbell.spool import listing
from sealbell.watch.outbox import Outbox
from sealbell_wire.part import Part

PARTS = (4, 14)  # a clip
PART_BYTES = (2_000, 30_000)
PART_S = (0.3, 1.3)
CLIP_S = (0.5, 3.0)
LOOK_S = 0.25
CAP_BYTES = 1 << 40


class Recorder:
    """One doorbell that records one clip after another until it is told to stop."""

    def __init__(self, bell: Doorbell, outbox: Path, ledger: Ledger, seed: int) -> None:
        self._bell = bell
        self._folder = outbox
        self._outbox = Outbox(outbox, CAP_BYTES, 0, self._never)
        self._ledger = ledger
        self._chance = random.Random(seed)
        self._waiting: dict[tuple[str, int], float] = {}
        self.longest_receipt_s = 0.0

    async def run(self, stopped: asyncio.Event) -> None:
        number, last = 1, "0" * 64
        while not stopped.is_set():
            clip = self._bell.clip(
                self._chance.randint(*PARTS), number=number, size=self._chance.randint(*PART_BYTES), last=last
            )
            for part in clip:
                message = part.encode()
                self._outbox.commit(part, pressed=False, counter=number)
                self._ledger.commit(part.record, message)
                self._waiting[part.record.clip, part.record.seq] = time.monotonic()
                await self._pause(PART_S)
            number, last = number + 1, clip[-1].hash
            await self._pause(CLIP_S)

    def look(self, now_s: float) -> int:
        """Note which parts are received by now; return how many wait. The newest stays in an outbox in any case."""
        there = {(entry.clip, entry.seq) for entry in listing(self._folder)[:-1]}
        newest = max(self._waiting, default=None)
        for place in [place for place in self._waiting if place not in there and place != newest]:
            self.longest_receipt_s = max(self.longest_receipt_s, now_s - self._waiting.pop(place))
        return len(there)

    async def _pause(self, between_s: tuple[float, float]) -> None:
        await asyncio.sleep(self._chance.uniform(*between_s))

    @staticmethod
    def _never(part: Part) -> Part:
        raise AssertionError("no outbox is full here")
