"""The streams to an owner: a clip as it is stored, a clip as it grows, and all that a doorbell sends as it comes.

Each stored object travels behind a u32 length; a length of 0 is a sign of life.
"""

import asyncio
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from concurrent.futures import Executor
from contextlib import aclosing
from typing import TypeVar

from sealbell_relay.errors import DamagedError
from sealbell_relay.follow.arrivals import Arrivals
from sealbell_relay.follow.hub import Stored, Subscription
from sealbell_relay.follow.order import Order, Patience
from sealbell_relay.store.archive import Archive, Name
from sealbell_relay.store.stored import parse_head

SIGN_OF_LIFE = struct.pack(">I", 0)

Send = Callable[[bytes], Awaitable[None]]
Place = tuple[str, int, bool]  # clip, seq, whether dropped
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
        """Send a clip while it grows, in order of seq and without a gap, for as long as Order says.

        `parts` was subscribed before `names` were listed, so that nothing falls between.
        """
        order = Order(start, self._patience, self._monotonic())
        waiting: dict[int, bool] = {}
        newest: Stored | None = None
        self._note(order, waiting, names)
        look_at = self._monotonic() + self._patience.look_s
        await send(SIGN_OF_LIFE)
        while not parts.lost and clip not in parts.ended:
            now = self._monotonic()
            seq = order.next(now)
            if seq is not None:
                data = newest.data if newest and newest.seq == seq and newest.dropped == waiting[seq] else None
                data = data or await self._read(doorbell, clip, seq, waiting[seq])
                del waiting[seq]
                await send(_framed(data))
                if parse_head(data).link.record.final:
                    return
            elif parts.missed or now >= look_at:
                parts.missed, look_at = False, now + self._patience.look_s
                self._note(order, waiting, await self.names(doorbell, clip))
            elif order.over(now):
                return
            else:
                # Only the newest part's bytes are held; one that has to wait for a hole is read from the store again.
                newest = await parts.next(min(order.wait_s(now), look_at - now, self._patience.keep_alive_s))
                if newest is None:
                    await send(SIGN_OF_LIFE)
                elif newest.clip == clip:
                    self._note(order, waiting, [newest])
                else:
                    newest = None

    async def follow_doorbell(self, doorbell: str, after: str | None, parts: Subscription, send: Send) -> None:
        """Send every part of clips newer than `after`, each once: those stored, then those that come; or only these.

        Returns when the subscription is lost, or has shown too many clips; the client comes again with a newer `after`.
        """
        await send(SIGN_OF_LIFE)
        given = Arrivals(after or "")
        async with aclosing(self.arrivals(doorbell, after, given, parts)) as arriving:
            async for part in arriving:
                if part is None:
                    await send(SIGN_OF_LIFE)
                elif data := part.data or await self._read_if_there(doorbell, part.clip, part.seq, part.dropped):
                    await send(_framed(data))
                    if parse_head(data).link.record.final:
                        given.ends(part.clip, part.seq)

    async def arrivals(
        self, doorbell: str, after: str | None, given: Arrivals, parts: Subscription
    ) -> AsyncGenerator[Stored | None]:
        """Yield what `follow_doorbell` says, also where it was stored by another relay; None where nothing came.

        What is yielded may be gone when it is read, if its owner deleted it meanwhile.
        """
        look_at = came_at = self._monotonic()
        since, before = after or "", frozenset[Place]()
        if after is None:
            since, before = await self._newest(doorbell)
            look_at += self._patience.look_s
        while not parts.lost and not given.full:
            now = self._monotonic()
            if parts.missed or now >= look_at:
                parts.missed = False
                async for part in self._looked(doorbell, since, before, given):
                    yield part
                    came_at = now
                grows = now < came_at + self._patience.idle_s
                look_at = now + (self._patience.look_s if grows else self._patience.quiet_look_s)
            next_part = await parts.next(min(look_at - now, self._patience.keep_alive_s))
            if next_part is None:
                yield None
            elif given.is_new(next_part.clip, next_part.seq, next_part.dropped):
                came_at = now
                look_at = min(look_at, now + self._patience.look_s)
                yield next_part

    async def _looked(
        self, doorbell: str, since: str, before: frozenset[Place], given: Arrivals
    ) -> AsyncGenerator[Stored]:
        stored = await self._in_thread(lambda: list(self._archive.oldest_first(doorbell, since)))
        for clip in given.to_look_at(stored):
            for name in await self.names(doorbell, clip):
                place = clip, name.seq, name.dropped
                if place not in before and given.is_new(*place):
                    yield Stored(*place, None)

    async def _newest(self, doorbell: str) -> tuple[str, frozenset[Place]]:
        """Return what sorts right before the newest clip, and what is stored of that clip."""
        clip = await self._in_thread(lambda: next(self._archive.newest_first(doorbell), None))
        if clip is None:
            return "", frozenset()
        names = await self.names(doorbell, clip)
        return f"{max(int(clip, 16) - 1, 0):032x}", frozenset((clip, name.seq, name.dropped) for name in names)

    def _note(self, order: Order, waiting: dict[int, bool], parts: Sequence[Name | Stored]) -> None:
        for part in parts:
            if order.came(part.seq, self._monotonic()):
                waiting[part.seq] = part.dropped
            elif part.seq in waiting and not part.dropped:
                waiting[part.seq] = False  # it had been dropped and arrived after all, before either was sent

    async def _read(self, doorbell: str, clip: str, seq: int, dropped: bool) -> bytes:
        data = await self._read_if_there(doorbell, clip, seq, dropped)
        if data is None:
            raise DamagedError(f"the store lost part {seq} of {clip}")
        return data

    async def _read_if_there(self, doorbell: str, clip: str, seq: int, dropped: bool) -> bytes | None:
        return await self._in_thread(lambda: self._archive.read(doorbell, clip, seq, dropped))

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


def _framed(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data
