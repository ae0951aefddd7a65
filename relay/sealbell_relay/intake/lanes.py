"""Keeps each doorbell's messages in order and doorbells out of each other's way, within a bounded memory.

What waits in a lane is given out together, since several cost a store hardly more than one.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sealbell_wire.topics import UpTopic

MAX_QUEUED_BYTES = 67_108_864  # of all doorbells together
MAX_LANE_BYTES = 16_777_216  # of one doorbell, so that none takes the room of all
MAX_QUEUED_MESSAGES = 16_384  # small ones must not escape the limit above
MESSAGE_OVERHEAD_BYTES = 1_024  # what an empty message costs us
MAX_MESSAGES_TOGETHER = 16  # messages; the first one's receipt waits for the last one
MAX_TOGETHER_BYTES = 1_048_576


@dataclass(frozen=True, slots=True)
class Message:
    """One message from a doorbell, on a topic that parsed; `arrived_s` is any monotonic time."""

    topic: UpTopic
    payload: bytes
    arrived_s: float = 0.0

    @property
    def cost(self) -> int:
        """The bytes of memory that it is reckoned at."""
        return len(self.payload) + MESSAGE_OVERHEAD_BYTES


class Lanes:
    """Runs `work` on messages in order: one doorbell's after each other, different doorbells' side by side."""

    def __init__(self, work: Callable[[list[Message]], Awaitable[None]]) -> None:
        self._work = work
        self._lanes: dict[str, deque[Message]] = {}
        self._lane_bytes: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._bytes = 0
        self._messages = 0

    @property
    def queued(self) -> tuple[int, int]:
        """How many messages and bytes are queued or being worked on."""
        return self._messages, self._bytes

    def put(self, message: Message) -> bool:
        """Queue a message; False if there is no room: the doorbell gets no receipt and sends it again later."""
        doorbell = message.topic.doorbell
        lane_bytes = self._lane_bytes.get(doorbell, 0) + message.cost
        if (
            lane_bytes > MAX_LANE_BYTES
            or self._bytes + message.cost > MAX_QUEUED_BYTES
            or self._messages == MAX_QUEUED_MESSAGES
        ):
            return False
        self._bytes += message.cost
        self._messages += 1
        self._lane_bytes[doorbell] = lane_bytes
        if doorbell in self._lanes:
            self._lanes[doorbell].append(message)
            return True
        self._lanes[doorbell] = deque([message])
        task = asyncio.get_running_loop().create_task(self._run(doorbell))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def drain(self, timeout_s: float) -> None:
        """Let what is queued finish, for at most `timeout_s`; the rest is dropped unreceipted."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=timeout_s)
            for task in late:
                task.cancel()

    async def _run(self, doorbell: str) -> None:
        lane = self._lanes[doorbell]
        try:
            while lane:
                together = _take(lane)
                try:
                    await self._work(together)
                finally:
                    cost = sum(message.cost for message in together)
                    self._bytes -= cost
                    self._messages -= len(together)
                    self._lane_bytes[doorbell] -= cost
        finally:
            for message in lane:
                self._bytes -= message.cost
                self._messages -= 1
            del self._lanes[doorbell], self._lane_bytes[doorbell]


def _take(lane: deque[Message]) -> list[Message]:
    together = [lane.popleft()]
    left = MAX_TOGETHER_BYTES - together[0].cost
    while lane and len(together) < MAX_MESSAGES_TOGETHER and lane[0].cost <= left:
        together.append(lane.popleft())
        left -= together[-1].cost
    return together
