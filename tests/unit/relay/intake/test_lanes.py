"""Messages of one doorbell stay in order, doorbells do not wait for each other, and memory is bounded."""

import asyncio
from collections import defaultdict

from sealbell_relay.intake.lanes import (
    MAX_LANE_BYTES,
    MAX_MESSAGES_TOGETHER,
    MAX_QUEUED_BYTES,
    MAX_TOGETHER_BYTES,
    Lanes,
    Message,
)
from sealbell_wire.topics import UpTopic

LONG_S = 60.0


def message(doorbell: str, seq: int, payload: bytes = b"") -> Message:
    return Message(UpTopic(doorbell, "part", "c", seq), payload)


class Gate:
    """Work that waits until its doorbell may go on."""

    def __init__(self) -> None:
        self.open: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self.done: list[tuple[str, int | None]] = []
        self.running: set[str] = set()
        self.together: list[tuple[str, int]] = []

    async def work(self, messages: list[Message]) -> None:
        (doorbell,) = {message.topic.doorbell for message in messages}
        assert doorbell not in self.running
        self.running.add(doorbell)
        await self.open[doorbell].wait()
        self.done += [(doorbell, message.topic.seq) for message in messages]
        self.together.append((doorbell, len(messages)))
        self.running.remove(doorbell)


def test_one_doorbells_messages_are_done_in_order_one_at_a_time() -> None:
    async def scenario() -> None:
        gate = Gate()
        lanes = Lanes(gate.work)
        for seq in range(5):
            assert lanes.put(message("a", seq))
        gate.open["a"].set()
        await lanes.drain(LONG_S)
        assert gate.done == [("a", seq) for seq in range(5)]

    asyncio.run(scenario())


def test_what_waits_is_given_out_together_but_never_too_much_of_it() -> None:
    async def scenario() -> None:
        gate = Gate()
        lanes = Lanes(gate.work)
        for seq in range(MAX_MESSAGES_TOGETHER + 3):
            lanes.put(message("a", seq))
        for seq in range(4):
            lanes.put(message("b", seq, bytes(MAX_TOGETHER_BYTES // 2 - 1_024)))
        lanes.put(message("b", 4, bytes(MAX_TOGETHER_BYTES)))
        gate.open["a"].set()
        gate.open["b"].set()
        await lanes.drain(LONG_S)
        assert [count for doorbell, count in gate.together if doorbell == "a"] == [MAX_MESSAGES_TOGETHER, 3]
        assert [count for doorbell, count in gate.together if doorbell == "b"] == [2, 2, 1]
        assert [seq for doorbell, seq in gate.done if doorbell == "b"] == list(range(5))
        assert lanes.queued == (0, 0)

    asyncio.run(scenario())


def test_a_doorbell_that_hangs_holds_up_no_other() -> None:
    async def scenario() -> None:
        gate = Gate()
        lanes = Lanes(gate.work)
        lanes.put(message("a", 0))
        lanes.put(message("b", 0))
        gate.open["b"].set()
        while not gate.done:
            await asyncio.sleep(0)
        assert gate.done == [("b", 0)]
        gate.open["a"].set()
        await lanes.drain(LONG_S)
        assert gate.done == [("b", 0), ("a", 0)]

    asyncio.run(scenario())


def test_neither_one_doorbell_nor_all_take_more_memory_than_they_may() -> None:
    async def scenario() -> None:
        gate = Gate()
        lanes = Lanes(gate.work)
        payload = bytes(1_000_000)
        taken = [lanes.put(message("a", seq, payload)) for seq in range(30)]
        assert taken.count(True) == MAX_LANE_BYTES // message("a", 0, payload).cost
        assert lanes.put(message("b", 0, payload))
        total = taken.count(True) + 1
        total += [lanes.put(message(f"c{n}", 0, payload)) for n in range(100)].count(True)
        assert total == MAX_QUEUED_BYTES // message("a", 0, payload).cost
        for name in ("a", "b", *(f"c{n}" for n in range(100))):
            gate.open[name].set()
        await lanes.drain(LONG_S)
        assert len(gate.done) == total
        assert all(lanes.put(message("a", seq, payload)) for seq in range(taken.count(True)))
        await lanes.drain(LONG_S)

    asyncio.run(scenario())


def test_small_messages_do_not_escape_the_bound() -> None:
    async def scenario() -> None:
        gate = Gate()
        lanes = Lanes(gate.work)
        taken = sum(lanes.put(message(f"d{n}", 0)) for n in range(100_000))
        assert taken == 16_384
        await lanes.drain(0.0)

    asyncio.run(scenario())


def test_what_is_not_done_in_time_is_dropped_at_the_end() -> None:
    async def scenario() -> None:
        gate = Gate()
        lanes = Lanes(gate.work)
        for seq in range(3):
            lanes.put(message("a", seq))
        await lanes.drain(0.0)
        assert gate.done == []

    asyncio.run(scenario())
