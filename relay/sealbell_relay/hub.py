"""Hands each part that was stored on to whoever follows its doorbell, without ever waiting for them."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

MAX_QUEUED_BYTES = 2_097_152  # of parts a follower; beyond this it reads them from the store when their turn comes
MAX_QUEUED_PARTS = 20_000  # hours of parts, by name alone; a follower that is further behind is let go


@dataclass(frozen=True, slots=True)
class Stored:
    """A part that is durable by now; `data` is the stored object, None where it has to be read again."""

    clip: str
    seq: int
    dropped: bool
    data: bytes | None


class Subscription:
    """One follower's queue, in order of arrival. `lost` once it fell too far behind, or the relay stops."""

    def __init__(self) -> None:
        self.lost = False
        self._queue: deque[Stored] = deque()
        self._bytes = 0
        self._news = asyncio.Event()

    def add(self, stored: Stored) -> None:
        """Queue a part; never blocks, and never holds more than the limits above."""
        if len(self._queue) == MAX_QUEUED_PARTS:
            self.close()
        if self.lost:
            return
        if stored.data is not None and self._bytes + len(stored.data) > MAX_QUEUED_BYTES:
            stored = Stored(stored.clip, stored.seq, stored.dropped, None)
        self._bytes += len(stored.data or b"")
        self._queue.append(stored)
        self._news.set()

    def close(self) -> None:
        """End the subscription: the follower sees `lost` and has to come again."""
        self.lost = True
        self._queue.clear()
        self._bytes = 0
        self._news.set()

    async def next(self, timeout_s: float) -> Stored | None:
        """Return the next part; None if there was none for `timeout_s`, or the subscription was closed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not self._queue and not self.lost:
                    self._news.clear()
                    await self._news.wait()
        if not self._queue:
            return None
        stored = self._queue.popleft()
        self._bytes -= len(stored.data or b"")
        return stored


class Hub:
    """Who follows which doorbell. For one event loop only."""

    def __init__(self) -> None:
        self._followers: dict[str, set[Subscription]] = {}
        self._closed = False

    def publish(self, doorbell: str, stored: Stored) -> None:
        """Hand a stored part to the doorbell's followers."""
        for subscription in self._followers.get(doorbell, ()):
            subscription.add(stored)

    @contextlib.contextmanager
    def subscribe(self, doorbell: str) -> Iterator[Subscription]:
        """Follow a doorbell for as long as the context lasts."""
        subscription = Subscription()
        if self._closed:
            subscription.close()
        followers = self._followers.setdefault(doorbell, set())
        followers.add(subscription)
        try:
            yield subscription
        finally:
            followers.discard(subscription)
            if not followers and self._followers.get(doorbell) is followers:
                del self._followers[doorbell]

    def close(self) -> None:
        """Let every follower go, now and from now on."""
        self._closed = True
        for subscription in [each for followers in self._followers.values() for each in followers]:
            subscription.close()
