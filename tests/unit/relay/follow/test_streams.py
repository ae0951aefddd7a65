"""What an owner is sent, and when: over a store in memory, by a clock that the test moves."""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from parts_factory import Doorbell
from sealbell_relay.errors import StoreError
from sealbell_relay.follow.hub import MAX_QUEUED_BYTES, Hub, Stored, Subscription
from sealbell_relay.follow.order import Patience
from sealbell_relay.follow.streams import SIGN_OF_LIFE, Streams
from sealbell_relay.store.archive import Archive
from sealbell_wire.part import Part
from store_doubles import FailingStore, MemoryStore

BELL = Doorbell(1)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PATIENCE = Patience(hole_s=5.0, idle_s=30.0, keep_alive_s=0.01)
RECEIPT = b"receipt"
DEADLINE_S = 10


class Scene:
    """A doorbell's parts being stored, and one owner who is sent them."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self.store = FailingStore(MemoryStore())
        self.archive = Archive(self.store, lambda _: None)
        self.now = 0.0
        self.streams = Streams(self.archive, threads, PATIENCE, lambda: self.now)
        self.hub = Hub()
        self.sent: asyncio.Queue[bytes] = asyncio.Queue()
        self.reading = asyncio.Event()
        self.reading.set()

    async def send(self, data: bytes) -> None:
        await self.reading.wait()
        self.sent.put_nowait(data)

    def keep(self, *parts: Part) -> None:
        for part in parts:
            record, dropped = part.record, part.sealed is None
            self.archive.put(record.doorbell, record.clip, record.seq, dropped, part.encode() + RECEIPT)

    def arrive(self, *parts: Part) -> None:
        for part in parts:
            self.keep(part)
            record, data = part.record, part.encode() + RECEIPT
            self.hub.publish(record.doorbell, Stored(record.clip, record.seq, part.sealed is None, data))

    def follow_clip(self, parts: Subscription, start: int = 0) -> Awaitable[None]:
        names = self.archive.names(BELL.id, BELL.clip_id())
        return self.streams.follow_clip(BELL.id, BELL.clip_id(), names, start, parts, self.send)

    async def next_part(self) -> Part:
        while (data := await self.sent.get()) == SIGN_OF_LIFE:
            pass
        (length,) = struct.unpack(">I", data[:4])
        assert len(data) == 4 + length
        assert data.endswith(RECEIPT)
        return by_message[data[4 : -len(RECEIPT)]]

    async def parts(self, count: int) -> list[Part]:
        return [await self.next_part() for _ in range(count)]


CLIP = BELL.clip(6)
CLIP_ID = BELL.clip_id()
SECOND = BELL.clip(4, number=2)
THIRD = BELL.clip(1, number=3)
MARK = BELL.dropped(CLIP[2])
by_message = {part.encode(): part for part in (*CLIP, *SECOND, *THIRD, MARK)}


def run(scenario: Callable[[Scene], Awaitable[None]]) -> None:
    async def within() -> None:
        with ThreadPoolExecutor(2) as threads:
            await asyncio.wait_for(scenario(Scene(threads)), DEADLINE_S)

    asyncio.run(within())


def test_a_stored_clip_is_sent_in_order_from_where_it_was_asked() -> None:
    async def scenario(scene: Scene) -> None:
        scene.keep(*reversed(CLIP))
        names = await scene.streams.names(BELL.id, BELL.clip_id())
        await scene.streams.send_clip(BELL.id, BELL.clip_id(), names, 2, scene.send)
        assert await scene.parts(4) == CLIP[2:]
        assert scene.sent.empty()

    run(scenario)


def test_a_growing_clip_is_followed_to_its_end() -> None:
    async def scenario(scene: Scene) -> None:
        scene.keep(*CLIP[:2])
        with scene.hub.subscribe(BELL.id) as parts:
            following = asyncio.ensure_future(scene.follow_clip(parts))
            assert await scene.parts(2) == CLIP[:2]
            for part in CLIP[2:]:
                scene.arrive(*SECOND[:1]) if part is CLIP[2] else None
                scene.arrive(part)
                assert await scene.next_part() == part
            await following

    run(scenario)


def test_a_follower_waits_for_a_missing_part_and_gets_it_in_its_place() -> None:
    async def scenario(scene: Scene) -> None:
        scene.keep(CLIP[0])
        with scene.hub.subscribe(BELL.id) as parts:
            following = asyncio.ensure_future(scene.follow_clip(parts))
            assert await scene.next_part() == CLIP[0]
            scene.arrive(*CLIP[2:])
            while scene.sent.qsize() < 3:  # signs of life: the stream goes on and waits
                await asyncio.sleep(0)
            scene.now = 4.9
            scene.arrive(CLIP[1])
            assert await scene.parts(5) == CLIP[1:]
            await following

    run(scenario)


def test_a_part_that_does_not_come_ends_the_stream_and_whoever_comes_again_gets_it_in_its_place() -> None:
    async def scenario(scene: Scene) -> None:
        scene.keep(CLIP[0], CLIP[2])
        with scene.hub.subscribe(BELL.id) as parts:
            following = asyncio.ensure_future(scene.follow_clip(parts))
            assert await scene.next_part() == CLIP[0]
            scene.now = 5.0
            await following
        scene.keep(CLIP[1], *CLIP[3:])
        with scene.hub.subscribe(BELL.id) as parts:
            await scene.follow_clip(parts, start=1)
            assert await scene.parts(5) == CLIP[1:]

    run(scenario)


def test_what_another_relay_stored_is_read_from_the_store() -> None:
    async def scenario(scene: Scene) -> None:
        scene.keep(CLIP[0])
        with scene.hub.subscribe(BELL.id) as one, scene.hub.subscribe(BELL.id) as all_:
            following = asyncio.ensure_future(scene.follow_clip(one))
            assert await scene.next_part() == CLIP[0]
            doorbell = asyncio.ensure_future(scene.streams.follow_doorbell(BELL.id, CLIP_ID, all_, scene.send))
            for part in CLIP[1:]:
                scene.keep(part)
                scene.hub.heard(BELL.id, Stored(CLIP_ID, part.record.seq, False, None))
                assert await scene.next_part() == part
            await following
            scene.keep(SECOND[0])
            scene.hub.heard(BELL.id, Stored(SECOND[0].record.clip, 0, False, None))
            assert await scene.next_part() == SECOND[0]
            doorbell.cancel()

    run(scenario)


@pytest.mark.parametrize("told", [False, True])
def test_lost_news_costs_a_follower_of_a_clip_time_and_no_part(told: bool) -> None:
    async def scenario(scene: Scene) -> None:
        scene.keep(CLIP[0])
        with scene.hub.subscribe(BELL.id) as parts:
            following = asyncio.ensure_future(scene.follow_clip(parts))
            assert await scene.next_part() == CLIP[0]
            scene.keep(*CLIP[1:])
            if told:
                scene.hub.missed()  # at once: the clock stands still
            else:
                scene.now = PATIENCE.look_s
            assert await scene.parts(5) == CLIP[1:]
            await following

    run(scenario)


@pytest.mark.parametrize("after", [CLIP_ID, None])
@pytest.mark.parametrize("told", [False, True])
def test_lost_news_costs_a_follower_of_a_doorbell_time_and_no_part(told: bool, after: str | None) -> None:
    async def scenario(scene: Scene) -> None:
        scene.keep(*CLIP)
        with scene.hub.subscribe(BELL.id) as parts:
            following = asyncio.ensure_future(scene.streams.follow_doorbell(BELL.id, after, parts, scene.send))
            for _ in range(3):
                assert await scene.sent.get() == SIGN_OF_LIFE
            for part in SECOND:
                scene.keep(part)
                if told:
                    scene.hub.missed()
                else:
                    scene.now += PATIENCE.quiet_look_s
                assert await scene.next_part() == part
            scene.hub.heard(BELL.id, Stored(SECOND[1].record.clip, 1, False, None))  # the news was only late
            scene.arrive(THIRD[0])
            assert await scene.next_part() == THIRD[0]
            following.cancel()

    run(scenario)


def test_a_clip_that_is_deleted_under_a_follower_of_its_doorbell_is_left_out() -> None:
    async def scenario(scene: Scene) -> None:
        with scene.hub.subscribe(BELL.id) as parts:
            following = asyncio.ensure_future(scene.streams.follow_doorbell(BELL.id, CLIP_ID, parts, scene.send))
            scene.hub.heard(BELL.id, Stored(SECOND[0].record.clip, 0, False, None))
            scene.arrive(THIRD[0])
            assert await scene.next_part() == THIRD[0]
            following.cancel()

    run(scenario)


def test_a_clip_that_rests_too_long_is_let_go() -> None:
    async def scenario(scene: Scene) -> None:
        scene.keep(CLIP[0])
        with scene.hub.subscribe(BELL.id) as parts:
            following = asyncio.ensure_future(scene.follow_clip(parts))
            assert await scene.next_part() == CLIP[0]
            scene.now = 30.0
            await following

    run(scenario)


def test_a_dropped_part_that_arrives_before_it_was_sent_is_sent_itself() -> None:
    async def scenario(scene: Scene) -> None:
        scene.keep(CLIP[0], MARK)
        with scene.hub.subscribe(BELL.id) as parts:
            following = asyncio.ensure_future(scene.follow_clip(parts))
            assert await scene.next_part() == CLIP[0]
            scene.arrive(CLIP[2], CLIP[1], *CLIP[3:])
            assert await scene.parts(5) == CLIP[1:]
            await following

    run(scenario)


def test_a_mark_is_sent_where_only_the_mark_is_stored() -> None:
    async def scenario(scene: Scene) -> None:
        scene.keep(*CLIP[:2], MARK, *CLIP[3:])
        with scene.hub.subscribe(BELL.id) as parts:
            await scene.follow_clip(parts)
            assert await scene.parts(6) == [*CLIP[:2], MARK, *CLIP[3:]]

    run(scenario)


def test_a_doorbell_is_followed_from_now_on() -> None:
    async def scenario(scene: Scene) -> None:
        scene.keep(*CLIP[:2])
        with scene.hub.subscribe(BELL.id) as parts:
            following = asyncio.ensure_future(scene.streams.follow_doorbell(BELL.id, None, parts, scene.send))
            assert await scene.sent.get() == SIGN_OF_LIFE
            scene.arrive(CLIP[2], SECOND[0], CLIP[3])
            assert await scene.parts(3) == [CLIP[2], SECOND[0], CLIP[3]]
            scene.hub.close()
            await following

    run(scenario)


def test_a_doorbell_is_followed_from_a_clip_on_and_nothing_comes_twice() -> None:
    async def scenario(scene: Scene) -> None:
        scene.keep(*CLIP, *SECOND[:2])
        scene.reading.clear()
        with scene.hub.subscribe(BELL.id) as parts:
            following = asyncio.ensure_future(
                scene.streams.follow_doorbell(BELL.id, BELL.clip_id(1), parts, scene.send)
            )
            scene.arrive(SECOND[2])  # before the store was listed: it is in the queue and in the listing
            scene.hub.publish(BELL.id, Stored(SECOND[1].record.clip, 1, False, SECOND[1].encode() + RECEIPT))
            scene.reading.set()
            assert await scene.parts(3) == SECOND[:3]
            scene.hub.publish(BELL.id, Stored(SECOND[2].record.clip, 2, False, SECOND[2].encode() + RECEIPT))
            scene.arrive(CLIP[0], SECOND[3])  # the older clip was not asked for
            assert await scene.next_part() == SECOND[3]
            following.cancel()

    run(scenario)


def test_a_slow_follower_gets_every_part_from_the_store() -> None:
    async def scenario(scene: Scene) -> None:
        clip = BELL.clip(12, size=MAX_QUEUED_BYTES // 4)
        by_message.update({part.encode(): part for part in clip})
        scene.reading.clear()
        with scene.hub.subscribe(BELL.id) as parts:
            following = asyncio.ensure_future(scene.streams.follow_doorbell(BELL.id, None, parts, scene.send))
            scene.arrive(*clip)
            scene.reading.set()
            assert await scene.parts(12) == clip
            following.cancel()

    run(scenario)


def test_a_quiet_stream_gives_signs_of_life() -> None:
    async def scenario(scene: Scene) -> None:
        with scene.hub.subscribe(BELL.id) as parts:
            following = asyncio.ensure_future(scene.streams.follow_doorbell(BELL.id, None, parts, scene.send))
            for _ in range(3):
                assert await scene.sent.get() == SIGN_OF_LIFE
            following.cancel()

    run(scenario)


def test_a_store_that_fails_ends_the_stream_with_an_error() -> None:
    async def scenario(scene: Scene) -> None:
        scene.keep(*CLIP[:2])
        with scene.hub.subscribe(BELL.id) as parts:
            following = asyncio.ensure_future(scene.follow_clip(parts))
            assert await scene.parts(2) == CLIP[:2]
            scene.store.broken = frozenset({"read"})
            scene.hub.publish(BELL.id, Stored(BELL.clip_id(), 2, False, None))
            with pytest.raises(StoreError):
                await following

    run(scenario)
