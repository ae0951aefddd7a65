"""Receipts on their way: together where they can be, in order, and bounded while the broker is away."""

import asyncio

from sealbell_relay.intake.outgoing import MAX_RECEIPTS_TOGETHER, MAX_WAITING_MESSAGES, Outgoing


def taken(outgoing: Outgoing, count: int) -> list[tuple[str, bytes]]:
    async def take() -> list[tuple[str, bytes]]:
        return [await outgoing.take() for _ in range(count)]

    return asyncio.run(asyncio.wait_for(take(), 5))


def test_receipts_of_one_clip_leave_together_in_order() -> None:
    outgoing = Outgoing()
    for n, topic in enumerate(["a", "b", "a", "a"]):
        outgoing.add_receipt(topic, b"%d" % n)
    assert taken(outgoing, 2) == [("a", b"023"), ("b", b"1")]


def test_an_answer_leaves_alone_also_an_empty_one() -> None:
    outgoing = Outgoing()
    outgoing.add_receipt("a", b"1")
    outgoing.add_answer("a", b"")
    outgoing.add_answer("a", b"2")
    outgoing.add_receipt("a", b"3")
    assert taken(outgoing, 3) == [("a", b"13"), ("a", b""), ("a", b"2")]


def test_while_the_broker_is_away_only_so_much_waits() -> None:
    outgoing = Outgoing()
    for n in range(MAX_WAITING_MESSAGES + 10):
        outgoing.add_receipt(f"topic {n}", b"x")
    for _ in range(MAX_RECEIPTS_TOGETHER + 10):
        outgoing.add_receipt("last", b"x")
    messages = taken(outgoing, MAX_WAITING_MESSAGES)
    assert messages[-1] == ("last", b"x" * MAX_RECEIPTS_TOGETHER)
    assert messages[0] == ("topic 11", b"x")


def test_whoever_waits_is_woken() -> None:
    async def scenario() -> None:
        outgoing = Outgoing()
        waiting = asyncio.create_task(outgoing.take())
        await asyncio.sleep(0)
        outgoing.add_receipt("a", b"1")
        assert await waiting == ("a", b"1")

    asyncio.run(scenario())
