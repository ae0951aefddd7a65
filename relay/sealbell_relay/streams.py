"""The streams to an owner: a clip as it is stored, a clip as it grows, and all that a doorbell sends as it comes.

Each stored object travels behind a u32 length; a length of 0 is a sign of life.
"""

import asyncio
import struct
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from typing import TypeVar

from sealbell_relay.archive import Archive, Name
from sealbell_relay.errors import DamagedError
from sealbell_relay.hub import MAX_QUEUED_PARTS, Stored, Subscription
from sealbell_relay.order import Order, Patience
from sealbell_relay.stored import parse_head

SIGN_OF_LIFE = struct.pack(">I", 0)
MAX_SENT_NAMES = MAX_QUEUED_PARTS  # names that a follower got from the store and may meet again in its queue

Send = Callable[[bytes], Awaitable[None]]
T = TypeVar("T")


class Streams:
    """Sends through a `send` that waits for its client. `monotonic` returns seconds. Methods may raise StoreError."""

    def __init__(self, archive: Archive, threads: Executor, patience: Patience, monotonic: Callable[[], float]) -> None:
        self._archive = archive
        self._threads = threads
        self._patience = patience
        self._monotonic = monotonic

    async def names(self, doorbell: str, clip: str) -> list[Name]:
        """Return what is stored of a clip now."""
        return await self._in_thread(lambda: self._archive.names(doorbell, clip))

    async def send_clip(self, doorbell: str, clip: str, names: list[Name], start: int, send: Send) -> None:
        """Send what is stored of a clip, from seq `start` on."""
        for name in names:
            if name.seq >= start:
                await send(_framed(await self._read(doorbell, clip, name.seq, name.dropped)))

    async def follow_clip(
        self, doorbell: str, clip: str, names: list[Name], start: int, parts: Subscription, send: Send
    ) -> None:
        """Send a clip while it grows, in order of seq, until its final part or until it has rested too long.

        `parts` was subscribed before `names` were listed, so that nothing falls between.
        """
        order = Order(start, self._patience, self._monotonic())
        waiting = {name.seq: name.dropped for name in names if order.came(name.seq, self._monotonic())}
        newest: Stored | None = None
        await send(SIGN_OF_LIFE)
        while not parts.lost:
            seq = order.next(self._monotonic())
            if seq is not None:
                data = newest.data if newest and newest.seq == seq and newest.dropped == waiting[seq] else None
                data = data or await self._read(doorbell, clip, seq, waiting[seq])
                del waiting[seq]
                await send(_framed(data))
                if parse_head(data).link.record.final:
                    return
            elif order.over(self._monotonic()):
                return
            else:
                # Only the newest part's bytes are held; one that has to wait for a hole is read from the store again.
                newest = await self._next(parts, order.wait_s(self._monotonic()), send)
                if newest is not None and newest.clip == clip:
                    self._note(order, waiting, newest)
                else:
                    newest = None

    async def follow_doorbell(self, doorbell: str, after: str | None, parts: Subscription, send: Send) -> None:
        """Send every part of clips newer than `after`, first those stored, then those that come; or only the latter.

        Returns when the subscription is lost; the client comes again with the newest clip that it got.
        """
        await send(SIGN_OF_LIFE)
        sent: OrderedDict[tuple[str, int, bool], None] = OrderedDict()
        clips = (
            [] if after is None else await self._in_thread(lambda: list(self._archive.oldest_first(doorbell, after)))
        )
        for clip in clips:
            for name in await self.names(doorbell, clip):
                await send(_framed(await self._read(doorbell, clip, name.seq, name.dropped)))
                sent[clip, name.seq, name.dropped] = None
                if len(sent) > MAX_SENT_NAMES:
                    sent.popitem(last=False)
        while not parts.lost:
            part = await self._next(parts, self._patience.keep_alive_s, send)
            if part is None or (part.clip, part.seq, part.dropped) in sent:
                continue
            if after is None or part.clip > after:
                await send(_framed(part.data or await self._read(doorbell, part.clip, part.seq, part.dropped)))

    async def _next(self, parts: Subscription, wait_s: float, send: Send) -> Stored | None:
        part = await parts.next(min(wait_s, self._patience.keep_alive_s))
        if part is None:
            await send(SIGN_OF_LIFE)
        return part

    def _note(self, order: Order, waiting: dict[int, bool], part: Stored) -> None:
        if order.came(part.seq, self._monotonic()):
            waiting[part.seq] = part.dropped
        elif part.seq in waiting and not part.dropped:
            waiting[part.seq] = False  # it had been dropped and arrived after all, before either was sent

    async def _read(self, doorbell: str, clip: str, seq: int, dropped: bool) -> bytes:
        data = await self._in_thread(lambda: self._archive.read(doorbell, clip, seq, dropped))
        if data is None:
            raise DamagedError(f"the store lost part {seq} of {clip}")
        return data

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


def _framed(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data
