"""Receipts on their way out: those of one clip that wait together leave together, and never more than a bound wait."""

import asyncio
from collections import OrderedDict, deque

from sealbell_relay.intake.intake import MAX_ANSWER_BYTES

MAX_WAITING_MESSAGES = 4_096
MAX_RECEIPTS_TOGETHER = 256


class Outgoing:
    """A queue of (topic, payload). What is dropped at a bound is no loss: doorbells ask again. For one event loop."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[tuple[str, int], list[bytes]] = OrderedDict()
        self._takers: deque[asyncio.Future[None]] = deque()
        self._idle = asyncio.Event()
        self._idle.set()
        self._under_way = 0
        self._answers = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add_receipt(self, topic: str, receipt: bytes) -> None:
        """Queue one receipt, behind those for the same topic that have not left yet."""
        waiting = self._waiting.setdefault((topic, 0), [])
        if len(waiting) < MAX_RECEIPTS_TOGETHER:
            waiting.append(receipt)
        self._added()

    def add_answer(self, topic: str, payload: bytes) -> None:
        """Queue a whole message, at most MAX_ANSWER_BYTES long, that is not to be joined with others."""
        assert len(payload) <= MAX_ANSWER_BYTES
        self._answers += 1
        self._waiting[topic, self._answers] = [payload]
        self._added()

    async def take(self) -> tuple[str, bytes]:
        """Return the next message to publish, once there is one; `done` has to follow, whatever became of it."""
        while not self._waiting:
            woken = asyncio.get_running_loop().create_future()
            self._takers.append(woken)
            await woken
        (topic, _), frames = self._waiting.popitem(last=False)
        self._under_way += 1
        return topic, b"".join(frames)

    def done(self) -> None:
        """Note that a message that was taken has left, or cannot."""
        self._under_way -= 1
        if not self._waiting and not self._under_way:
            self._idle.set()

    async def drained(self) -> None:
        """Return once nothing waits and nothing is under way."""
        await self._idle.wait()

    def _added(self) -> None:
        self._idle.clear()
        if len(self._waiting) > MAX_WAITING_MESSAGES:
            self._waiting.popitem(last=False)
        while self._takers:  # one is enough, and lets others' receipts join meanwhile; who was cancelled takes nothing
            woken = self._takers.popleft()
            if not woken.done():
                woken.set_result(None)
                break
