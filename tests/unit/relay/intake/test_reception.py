"""Between broker and store: whatever comes, the relay goes on, and says what it did."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from parts_factory import Doorbell, topic_of
from sealbell_relay.follow.hub import Hub
from sealbell_relay.intake.healths import HealthIntake, HealthShelf
from sealbell_relay.intake.intake import Intake
from sealbell_relay.intake.outgoing import Outgoing
from sealbell_relay.intake.reception import Reception
from sealbell_relay.log import Log
from sealbell_relay.state import State
from sealbell_relay.store.archive import Archive
from sealbell_relay.tenants.allow import Register
from sealbell_wire import topics
from sealbell_wire.receipt import Receipt, read_receipts
from sealbell_wire.sshsig import verify_key_of
from store_doubles import FailingStore, MemoryStore

BELL = Doorbell(1)
CLIP = BELL.clip(4)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
DEADLINE_S = 10


class Scene:
    """A reception over a store that can fail."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self.store = FailingStore(MemoryStore())
        self.state, self.hub, self.outgoing, self.lines = State(), Hub(), Outgoing(), io.StringIO()
        register = Register(self.store)
        register.allow(BELL.card)
        intake = Intake(Archive(self.store, lambda _: None), register, KEY, lambda: 1_000)
        log = Log(self.lines, lambda: 0.0)
        healths = HealthIntake(HealthShelf(self.store), register, lambda: 1_000)
        self.reception = Reception(intake, healths, self.hub, self.outgoing, self.state, log, threads)

    async def done(self) -> None:
        await self.reception.lanes.drain(DEADLINE_S)

    async def receipts(self) -> list[Receipt]:
        topic, payload = await self.outgoing.take()
        assert topic == topics.receipt(BELL.id, BELL.clip_id())
        return read_receipts(payload, verify_key_of(KEY))


def run(scenario: Callable[[Scene], Awaitable[None]]) -> None:
    async def within() -> None:
        with ThreadPoolExecutor(2) as threads:
            await asyncio.wait_for(scenario(Scene(threads)), DEADLINE_S)

    asyncio.run(within())


def test_parts_are_stored_followed_receipted_and_counted() -> None:
    async def scenario(scene: Scene) -> None:
        with scene.hub.subscribe(BELL.id) as follower:
            for part in (CLIP[0], CLIP[1], BELL.dropped(CLIP[2]), CLIP[0]):
                scene.reception.receive(topic_of(part), part.encode())
            await scene.done()
            assert [(await follower.next(0.0)).seq for _ in range(3)] == [0, 1, 2]  # type: ignore[union-attr]
        said = await scene.receipts()
        assert [(receipt.seq, receipt.verdict) for receipt in said] == [
            (0, "stored"),
            (1, "stored"),
            (2, "dropped"),
            (0, "stored"),
        ]
        assert (scene.state.stored, scene.state.dropped, scene.state.resent) == (2, 1, 1)

    run(scenario)


def test_have_is_answered_after_what_came_before_it() -> None:
    async def scenario(scene: Scene) -> None:
        scene.reception.receive(topic_of(CLIP[0]), CLIP[0].encode())
        scene.reception.receive(topics.have(BELL.id, BELL.clip_id()), b"")
        await scene.done()
        assert await scene.receipts() == await scene.receipts()

    run(scenario)


def test_a_store_that_fails_is_told_once_no_receipt_leaves_and_it_recovers() -> None:
    async def scenario(scene: Scene) -> None:
        scene.store.broken = frozenset({"put"})
        for part in CLIP:
            scene.reception.receive(topic_of(part), part.encode())
        await scene.done()
        assert scene.state.store_failure == "the store cannot put: no space left on device"
        assert not scene.state.healthy
        assert scene.lines.getvalue().count("error store-fails says='the store cannot put") == 1
        scene.store.broken = frozenset()
        scene.reception.receive(topic_of(CLIP[0]), CLIP[0].encode())
        await scene.done()
        assert [receipt.seq for receipt in await scene.receipts()] == [0]
        assert scene.state.store_failure is None
        assert scene.lines.getvalue().endswith("info store-works-again\n")

    run(scenario)


def test_a_bug_met_by_one_message_does_not_stop_the_next() -> None:
    async def scenario(scene: Scene) -> None:
        class Buggy(MemoryStore):
            def put(self, name: str, data: bytes) -> bool:
                raise ZeroDivisionError("in here\n")

        scene.store.inner = Buggy()
        scene.store.inner.objects[f"doorbells/{BELL.id}.json"] = BELL.card.encode()
        scene.reception.receive(topic_of(CLIP[0]), CLIP[0].encode())
        await scene.done()
        assert "error message-failed" in scene.lines.getvalue()
        assert "'ZeroDivisionError: in here\\n'" in scene.lines.getvalue()
        scene.store.inner = MemoryStore()
        scene.reception.receive(topic_of(CLIP[1]), CLIP[1].encode())
        await scene.done()
        assert [receipt.seq for receipt in await scene.receipts()] == [1]

    run(scenario)


def test_refusals_are_counted_by_reason_and_logged_without_a_peers_text() -> None:
    async def scenario(scene: Scene) -> None:
        lie = BELL.changed(CLIP[0], wall_ms=1)
        for topic, payload in [
            ("sb/1/\x1b[2J\nerror fake", b""),
            (topic_of(CLIP[0]), b"\x1b[2J\nerror fake"),
            (topic_of(CLIP[0]), CLIP[0].encode()),
            (topic_of(CLIP[0]), lie.encode()),
            (topic_of(Doorbell(7).clip(1)[0]), CLIP[0].encode()),
        ]:
            scene.reception.receive(topic, payload)
        await scene.done()
        assert scene.state.refused == {
            "strange-topic": 1,
            "malformed": 1,
            "differs-from-stored": 1,
            "unknown-doorbell": 1,
        }
        for line in scene.lines.getvalue().splitlines():
            assert line.startswith("warn refused reason=")
            assert line.isprintable()

    run(scenario)


def test_when_there_is_no_room_messages_are_dropped_and_counted() -> None:
    async def scenario(scene: Scene) -> None:
        message = BELL.notice_of(1_000_000)
        for _ in range(40):
            scene.reception.receive(topics.part(BELL.id, BELL.clip_id(), 0), message)
        assert scene.state.refused["overloaded"] == 24
        await scene.done()
        assert scene.state.stored == 1
        assert scene.state.resent == 15

    run(scenario)


def test_hello_is_left_alone() -> None:
    async def scenario(scene: Scene) -> None:
        scene.reception.receive(topics.health(BELL.id).replace("health", "hello"), b"x")
        await scene.done()
        assert not scene.state.refused
        assert not scene.lines.getvalue()

    run(scenario)


def test_health_is_kept_without_an_answer_and_what_is_refused_is_counted_and_logged() -> None:
    async def scenario(scene: Scene) -> None:
        for message in (BELL.health(7).encode(), b"\x1b[2J", BELL.health(6).encode(), BELL.health(7).encode()):
            scene.reception.receive(topics.health(BELL.id), message)
        await scene.done()
        assert scene.state.healths == 1
        assert scene.state.refused == {"malformed": 1, "not-newer": 1}
        assert all(line.isprintable() for line in scene.lines.getvalue().splitlines())
        scene.outgoing.add_answer("last", b"")
        assert await scene.outgoing.take() == ("last", b""), "a doorbell is told nothing of its health"

    run(scenario)


def test_health_that_cannot_be_stored_is_a_store_failure_and_the_next_one_ends_it() -> None:
    async def scenario(scene: Scene) -> None:
        scene.store.broken = frozenset({"put"})
        scene.reception.receive(topics.health(BELL.id), BELL.health(1).encode())
        await scene.done()
        assert scene.state.store_failure is not None
        scene.store.broken = frozenset()
        scene.reception.receive(topics.health(BELL.id), BELL.health(2).encode())
        await scene.done()
        assert scene.state.store_failure is None

    run(scenario)


@given(st.text(max_size=200), st.binary(max_size=200))
def test_no_topic_and_no_payload_raises(topic: str, payload: bytes) -> None:
    async def scenario(scene: Scene) -> None:
        for each in (topic, f"sb/1/{topic}", topic_of(CLIP[0]), topics.have(BELL.id, BELL.clip_id())):
            scene.reception.receive(each, payload)
        await scene.done()
        assert not scene.state.refused["internal-error"]

    run(scenario)
