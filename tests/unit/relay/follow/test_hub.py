"""Followers get every part; a slow one costs a bounded memory and holds nobody up."""

import asyncio

from sealbell_relay.follow.hub import MAX_QUEUED_BYTES, MAX_QUEUED_PARTS, Hub, Stored, Subscription

NOW = 0.0


def stored(seq: int, data: bytes = b"data", clip: str = "c", *, dropped: bool = False) -> Stored:
    return Stored(clip, seq, dropped, data)


async def taken(subscription: Subscription) -> list[Stored]:
    got = []
    while (part := await subscription.next(NOW)) is not None:
        got.append(part)
    return got


def test_each_follower_of_the_doorbell_gets_each_part_in_order() -> None:
    async def scenario() -> None:
        hub = Hub()
        with hub.subscribe("a") as one, hub.subscribe("a") as two, hub.subscribe("b") as other:
            for seq in range(3):
                hub.publish("a", stored(seq))
            assert await taken(one) == await taken(two) == [stored(0), stored(1), stored(2)]
            assert await taken(other) == []

    asyncio.run(scenario())


def test_a_waiting_follower_is_woken() -> None:
    async def scenario() -> None:
        hub = Hub()
        with hub.subscribe("a") as follower:
            waiting = asyncio.create_task(follower.next(60))
            await asyncio.sleep(0)
            hub.publish("a", stored(0))
            assert await waiting == stored(0)

    asyncio.run(scenario())


def test_a_follower_that_does_not_take_keeps_names_only_and_loses_none() -> None:
    async def scenario() -> None:
        data = bytes(MAX_QUEUED_BYTES // 4)
        subscription = Subscription()
        for seq in range(20):
            subscription.add(stored(seq, data))
        got = await taken(subscription)
        assert [part.seq for part in got] == list(range(20))
        assert sum(len(part.data or b"") for part in got) <= MAX_QUEUED_BYTES
        assert got[0].data == data
        assert got[19].data is None
        subscription.add(stored(20, data))
        assert (await taken(subscription))[0].data == data

    asyncio.run(scenario())


def test_a_follower_that_is_hours_behind_is_let_go() -> None:
    async def scenario() -> None:
        hub = Hub()
        with hub.subscribe("a") as slow, hub.subscribe("a") as quick:
            for seq in range(MAX_QUEUED_PARTS + 1):
                hub.publish("a", stored(seq))
                assert await quick.next(NOW) is not None
            assert slow.lost
            assert not quick.lost
            assert await slow.next(60) is None
            slow.add(stored(0))
            assert await taken(slow) == []

    asyncio.run(scenario())


def test_nobody_is_kept_after_the_end() -> None:
    async def scenario() -> None:
        hub = Hub()
        with hub.subscribe("a") as follower:
            hub.close()
            assert follower.lost
        with hub.subscribe("a") as late:
            assert late.lost

    asyncio.run(scenario())
