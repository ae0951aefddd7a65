"""Owners who follow over HTTP, at any relay, and come again at another one when a stream ends or breaks."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Sequence

import aiohttp

from chaos.ledger import Ledger
from parts_factory import STARTED_MS, Doorbell
from sealbell_wire.ids import ZERO_ID
from sealbell_wire.receipt import read_receipts
from sealbell_wire.tombstone import Tombstone

CONNECT_S = 3.0
SILENT_S = 12.0  # a relay that follows gives a sign of life every 5 s
BROKEN = (aiohttp.ClientError, asyncio.IncompleteReadError, OSError, TimeoutError)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 2.0


class Owner:
    """One owner's HTTP, who asks a relay drawn anew each time."""

    def __init__(
        self, bell: Doorbell, urls: Sequence[str], receipt_key: str, ledger: Ledger, chance: random.Random
    ) -> None:
        self.bell = bell
        self._receipt_key = bytes.fromhex(receipt_key)
        self.ledger = ledger
        self._urls = urls
        self._chance = chance
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=SILENT_S)
        self._session = aiohttp.ClientSession(headers=bell.owner.authorization, timeout=timeout)

    async def close(self) -> None:
        await self._session.close()

    async def objects(self, path: str) -> AsyncIterator[bytes]:
        """Each stored object of one stream, until it ends or breaks."""
        url = f"{self._chance.choice(self._urls)}/v1/doorbells/{self.bell.id}{path}"
        try:
            async with self._session.get(url) as answer:
                if answer.status != 200:
                    self.ledger.counts[f"status {answer.status}"] += 1
                    return
                while True:
                    length = int.from_bytes(await answer.content.readexactly(4))
                    if length:
                        yield await answer.content.readexactly(length)
        except BROKEN:
            return

    async def delete(self, clip: str) -> None:
        """Show a tombstone to one relay after the other until one has signed that the clip is gone."""
        stone = Tombstone(self.bell.owner.card.key, "clip", self.bell.id, clip, STARTED_MS)
        while True:
            with contextlib.suppress(*BROKEN):
                url = f"{self._chance.choice(self._urls)}/v1/tombstones"
                async with self._session.post(url, data=stone.sign(self.bell.owner.key)) as answer:
                    if answer.status == 200:
                        (receipt,) = read_receipts(await answer.read(), self._receipt_key)
                        assert (receipt.verdict, receipt.record) == ("deleted", stone.hash)
                        return
            await asyncio.sleep(LONGEST_PAUSE_S)

    async def shows(self, clip: str) -> list[int]:
        """What each relay answers to whoever asks for a clip."""
        paths = [f"{url}/v1/doorbells/{self.bell.id}/clips/{clip}/parts" for url in self._urls]
        return [(await self._session.get(path)).status for path in paths]


class DoorbellFollower:
    """Follows all that a doorbell sends, from its first clip on."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._ledger = owner.ledger
        self._doorbell = owner.bell.id
        self.seen: dict[str, set[int]] = {}
        self._lengths: dict[str, int] = {}
        self._counters: dict[int, str] = {}
        self.news = asyncio.Event()

    @property
    def after(self) -> str:
        """The newest clip up to which nothing is missing: clips are numbered, so a hole shows."""
        after, counter = ZERO_ID, 1
        while (clip := self._counters.get(counter)) is not None and self._is_over(clip):
            after, counter = clip, counter + 1
        return after

    def lacks(self) -> int:
        """How many parts that were kept it has not seen."""
        kept = self._ledger.kept(self._doorbell)
        return sum(parts - len(self.seen.get(clip, ())) for clip, parts in kept.items())

    async def run(self) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            given: set[tuple[str, int]] = set()
            after = self.after
            async for stored in self._owner.objects(f"/follow?after={after}"):
                pause_s = FIRST_PAUSE_S
                record = self._ledger.check(stored, "a follower")
                place = (record.clip, record.seq)
                if place in given or record.clip <= after:
                    self._ledger.wrong.append(f"one stream of {self._doorbell} gave part {place} twice or unasked")
                given.add(place)
                self.seen.setdefault(record.clip, set()).add(record.seq)
                if record.counter is not None:
                    self._counters[record.counter] = record.clip
                if record.final:
                    self._lengths[record.clip] = record.seq + 1
                self.news.set()
            self._ledger.counts["resumed follows"] += 1
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _is_over(self, clip: str) -> bool:
        if (self._doorbell, clip) in self._ledger.deleted:
            return True
        return len(self.seen.get(clip, ())) == self._lengths.get(clip)


class ClipFollower:
    """Follows one clip from its first part to its final one: each number in its turn, whichever relay it asks."""

    def __init__(self, owner: Owner, clip: str) -> None:
        self._owner = owner
        self._clip = clip
        self.next = 0
        self.done = False

    @property
    def is_over(self) -> bool:
        """Whether nothing more has to come."""
        return self.done or (self._owner.bell.id, self._clip) in self._owner.ledger.deleted

    async def run(self) -> None:
        ledger = self._owner.ledger
        pause_s = FIRST_PAUSE_S
        while not self.is_over:
            async for stored in self._owner.objects(f"/clips/{self._clip}/parts?from={self.next}&follow=1"):
                pause_s = FIRST_PAUSE_S
                record = ledger.check(stored, "a follower of a clip")
                if record.clip != self._clip or record.seq != self.next:
                    ledger.wrong.append(f"part {record.seq} of {record.clip} came where {self.next} was due")
                self.next += 1
                self.done = self.done or record.final
            if not self.done:
                ledger.counts["resumed clips"] += 1
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
