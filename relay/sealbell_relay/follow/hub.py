"""Hands each part that was stored on to whoever follows its doorbell, without ever waiting for them.

What other relays stored comes without its data (news.py). News can be lost; whoever notices that some may have been
says so (`missed`), and followers look at the store.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

MAX_QUEUED_BYTES = 2_097_152  # of parts a follower; beyond this it reads them from the store when their turn comes
MAX_ENDED_CLIPS = 4_096
MAX_QUEUED_PARTS = 20_000  # hours of parts, by name alone; a follower that is further behind is let go


@dataclass(frozen=True, slots=True)
class Stored:
    """A part that is durable by now; `data` is the stored object, None where it has to be read again."""

    clip: str
    seq: int
    dropped: bool
    data: bytes | None


class Subscription:
    """One follower's queue, in order of arrival. `lost` once it fell too far behind, or the relay stops.

    `missed` once parts may have been stored that are not in the queue; for the follower to put back. `ended` are the
    clips that were deleted since.
    """

    def __init__(self) -> None:
        self.lost = False
        self.missed = False
        self.ended: set[str] = set()
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

    def end(self, clip: str) -> None:
        """Tell the follower that a clip was deleted, and give it nothing more of that."""
        self.ended.add(clip)
        if len(self.ended) > MAX_ENDED_CLIPS:
            self.close()
        self._queue = deque(stored for stored in self._queue if stored.clip != clip)
        self._bytes = sum(len(stored.data or b"") for stored in self._queue)
        self.miss()

    def close(self) -> None:
        """End the subscription: the follower sees `lost` and has to come again."""
        self.lost = True
        self._queue.clear()
        self._bytes = 0
        self._news.set()

    def miss(self) -> None:
        """Tell the follower that parts may have been stored of which it was not told."""
        self.missed = True
        self._news.set()

    async def next(self, timeout_s: float) -> Stored | None:
        """Return the next part; None if there was none for `timeout_s`, or it is `lost`, or has `missed` some."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not self._queue and not self.lost and not self.missed:
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
        self._announce: Callable[[str, Stored], None] = lambda _doorbell, _stored: None
        self._interest: Callable[[], None] = lambda: None

    def join(self, announce: Callable[[str, Stored], None], interest: Callable[[], None]) -> None:
        """Be one of several: `announce` is told what is published here, `interest` when `followed` has changed."""
        self._announce, self._interest = announce, interest

    @property
    def followed(self) -> frozenset[str]:
        """The doorbells that somebody follows here."""
        return frozenset(self._followers)

    def publish(self, doorbell: str, stored: Stored) -> None:
        """Hand a part that was stored here to the doorbell's followers, also to those elsewhere."""
        self.heard(doorbell, stored)
        self._announce(doorbell, stored)

    def heard(self, doorbell: str, stored: Stored) -> None:
        """Hand a part that another relay stored to the doorbell's followers here."""
        for subscription in self._followers.get(doorbell, ()):
            subscription.add(stored)

    def end(self, doorbell: str, clip: str | None) -> None:
        """Tell a doorbell's followers here that a clip was deleted; let them go if the doorbell itself was (None)."""
        for subscription in list(self._followers.get(doorbell, ())):
            if clip is None:
                subscription.close()
            else:
                subscription.end(clip)

    def missed(self) -> None:
        """Tell every follower that parts may have been stored of which this hub was not told."""
        for subscription in [each for followers in self._followers.values() for each in followers]:
            subscription.miss()

    @contextlib.contextmanager
    def subscribe(self, doorbell: str) -> Iterator[Subscription]:
        """Follow a doorbell for as long as the context lasts."""
        subscription = Subscription()
        if self._closed:
            subscription.close()
        followers = self._followers.setdefault(doorbell, set())
        followers.add(subscription)
        if len(followers) == 1:
            self._interest()
        try:
            yield subscription
        finally:
            followers.discard(subscription)
            if not followers and self._followers.get(doorbell) is followers:
                del self._followers[doorbell]
                self._interest()

    def close(self) -> None:
        """Let every follower go, now and from now on."""
        self._closed = True
        for subscription in [each for followers in self._followers.values() for each in followers]:
            subscription.close()
