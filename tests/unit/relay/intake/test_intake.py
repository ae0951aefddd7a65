"""Messages in, receipts out: with a store that keeps, one that fails, and one that others write to as well."""

from dataclasses import dataclass, field

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from parts_factory import Doorbell, hash_of, topic_of
from sealbell_relay.errors import StoreError
from sealbell_relay.intake.intake import MAX_ANSWER_BYTES, Intake, Outcome, batches
from sealbell_relay.keep.quota import Limits, Quota
from sealbell_relay.store.archive import Archive
from sealbell_relay.store.packing import Packing
from sealbell_relay.store.store import Store
from sealbell_relay.tenants.allow import Register
from sealbell_relay.tenants.endings import Endings, RecentEndings
from sealbell_wire import topics
from sealbell_wire.ids import ZERO_HASH
from sealbell_wire.limits import MAX_RECEIPTS_PER_MESSAGE
from sealbell_wire.part import Part
from sealbell_wire.receipt import Receipt, read_receipts
from sealbell_wire.sshsig import verify_key_of
from store_doubles import FailingStore, MemoryStore

BELL = Doorbell(1)
CLIP = BELL.clip(5)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@dataclass
class Relay:
    """An intake over a store, by a clock that goes a millisecond further at each look."""

    store: Store = field(default_factory=MemoryStore)
    now_ms: int = 1_000

    def __post_init__(self) -> None:
        register = Register(self.store, RecentEndings(Endings(self.store), lambda: 0.0))
        register.allow(BELL.card)
        self.intake = Intake(Archive(self.store, lambda _: None), register, KEY, self.tick)

    def tick(self) -> int:
        self.now_ms += 1
        return self.now_ms

    def take(self, part: Part, message: bytes | None = None, topic: str | None = None) -> Outcome:
        parsed = topics.parse_up(topic or topic_of(part))
        return self.intake.take(parsed, part.encode() if message is None else message)

    def take_all(self, parts: list[Part]) -> list[Outcome]:
        return self.intake.take_all([(topics.parse_up(topic_of(part)), part.encode()) for part in parts])

    def have(self) -> list[bytes]:
        return self.intake.have(topics.parse_up(topics.have(BELL.id, BELL.clip_id())))


def receipts(*frames: bytes | None) -> list[Receipt]:
    return [receipt for frame in frames for receipt in read_receipts(frame or b"", verify_key_of(KEY))]


def receipt(outcome: Outcome) -> Receipt:
    (only,) = receipts(outcome.receipt)
    return only


def test_a_stored_part_is_receipted_and_kept_with_its_receipt() -> None:
    relay = Relay(store := MemoryStore())
    outcome = relay.take(CLIP[0])
    said = receipt(outcome)
    assert said == Receipt(BELL.id, BELL.clip_id(), 0, hash_of(CLIP[0]), "stored", "-", 1_001)
    name = f"clips/{BELL.id}/{BELL.clip_id()[:6]}/{BELL.clip_id()}/000000.part"
    assert store.objects[name] == CLIP[0].encode() + (outcome.receipt or b"")
    assert outcome.stored is not None
    assert outcome.stored.data == store.objects[name]


def test_an_identical_part_gets_the_identical_receipt_and_is_stored_once() -> None:
    relay = Relay(store := MemoryStore())
    first = relay.take(CLIP[0])
    before = dict(store.objects)
    again = relay.take(CLIP[0])
    assert again == Outcome(first.receipt)
    assert store.objects == before


def test_a_resend_to_a_relay_that_was_killed_is_receipted_only_once_it_is_durable() -> None:
    first = Relay(store := MemoryStore()).take(CLIP[0])
    store.calls.clear()
    assert Relay(store).take(CLIP[0]) == Outcome(first.receipt)
    assert store.calls["settle"] == 2  # of the clip, and of the name of its notice
    failing = FailingStore(store, frozenset({"settle"}))
    with pytest.raises(StoreError):
        Relay(failing).take(CLIP[0])


def test_parts_are_stored_in_any_order() -> None:
    relay = Relay()
    for seq in (3, 0, 4, 2, 1):
        assert receipt(relay.take(CLIP[seq])).verdict == "stored"


def test_a_relay_that_starts_anew_knows_the_neighbours() -> None:
    store = MemoryStore()
    Relay(store).take(CLIP[1])
    Relay(store).take(CLIP[4])
    relay = Relay(store)
    assert receipt(relay.take(BELL.changed(CLIP[2], prev="ab" * 32))).reason == "contradicts-neighbour"
    assert receipt(relay.take(BELL.changed(CLIP[3], seq=7))).reason == "after-end"
    assert receipt(relay.take(CLIP[2])).verdict == "stored"


def test_a_refused_part_leaves_the_store_as_it_was() -> None:
    relay = Relay(store := MemoryStore())
    relay.take(CLIP[0])
    before = dict(store.objects)
    lie = BELL.changed(CLIP[0], wall_ms=1)
    outcome = relay.take(lie)
    assert receipt(outcome).record == hash_of(lie)
    assert receipt(outcome).reason == "differs-from-stored"
    assert outcome.stored is None
    assert store.objects == before


def test_an_overheard_record_with_other_bytes_cannot_have_the_doorbells_part_refused() -> None:
    relay = Relay()
    overheard = bytearray(CLIP[0].encode())
    overheard[-1] ^= 1
    outcome = relay.take(CLIP[0], bytes(overheard))
    assert (receipt(outcome).verdict, receipt(outcome).reason) == ("refused", "forged-content")
    assert receipt(outcome).record == ZERO_HASH
    assert receipt(relay.take(CLIP[0])).verdict == "stored"


def test_a_stranger_gets_no_receipt() -> None:
    stranger = Doorbell(9)
    outcome = Relay().take(stranger.clip(1)[0])
    assert outcome.receipt is None
    assert outcome.refused is not None
    assert outcome.refused.reason == "unknown-doorbell"


def test_a_doorbell_that_is_allowed_later_is_heard_without_a_restart() -> None:
    relay, late = Relay(store := MemoryStore()), Doorbell(2)
    assert relay.take(late.clip(1)[0]).receipt is None
    Register(store).allow(late.card)
    assert receipt(relay.take(late.clip(1)[0])).verdict == "stored"


def test_a_dropped_part_is_marked_and_replaced_should_it_arrive() -> None:
    relay = Relay(store := MemoryStore())
    mark = relay.take(BELL.dropped(CLIP[1]))
    assert receipt(mark).verdict == "dropped"
    assert relay.take(BELL.dropped(CLIP[1])) == Outcome(mark.receipt)
    assert receipt(relay.take(CLIP[1])).verdict == "stored"
    assert len([name for name in store.objects if "/000001." in name]) == 2
    assert receipts(*relay.have()) == [receipt(relay.take(CLIP[1]))]


def test_a_mark_after_its_part_gets_the_parts_receipt() -> None:
    relay = Relay(store := MemoryStore())
    stored = relay.take(CLIP[1])
    assert relay.take(BELL.dropped(CLIP[1])) == Outcome(stored.receipt)
    assert not [name for name in store.objects if name.endswith(".dropped")]


@pytest.mark.parametrize("broken", ["put", "list"])
def test_a_store_that_fails_gives_no_receipt_and_the_part_is_taken_once_it_works(broken: str) -> None:
    store = FailingStore(MemoryStore())
    relay = Relay(store)
    store.broken = frozenset({broken})
    for _ in range(2):
        with pytest.raises(StoreError):
            relay.take(CLIP[0])
    store.broken = frozenset()
    assert receipt(relay.take(CLIP[0])).verdict == "stored"


def test_a_part_that_another_relay_stored_meanwhile_is_not_stored_again() -> None:
    store = MemoryStore()
    one, other = Relay(store), Relay(store)
    one.take(CLIP[0])
    other.take(CLIP[1])
    assert receipt(one.take(CLIP[1])).verdict == "stored"
    lie = BELL.changed(CLIP[2], prev="ab" * 32)
    assert receipt(one.take(CLIP[2])).verdict == "stored"
    assert receipt(other.take(lie)).reason == "contradicts-neighbour"


def test_a_store_that_contradicts_itself_gives_no_receipt() -> None:
    class Liar(MemoryStore):
        def put(self, name: str, data: bytes) -> bool:
            return super().put(name, data) and not name.startswith("clips/")

        def list(self, prefix: str):  # type: ignore[no-untyped-def] # a listing that hides all
            return super().list("nowhere")

    relay = Relay(Liar())
    with pytest.raises(StoreError, match="does not show it"):
        relay.take(CLIP[0])


def test_have_answers_with_every_receipt_of_the_clip_and_nothing_else() -> None:
    relay = Relay()
    assert relay.have() == [b""]
    stored = [receipt(relay.take(CLIP[seq])) for seq in (0, 1, 3)]
    relay.take(BELL.clip(1, number=2)[0])
    assert receipts(*relay.have()) == stored


def test_have_is_not_answered_to_a_stranger() -> None:
    stranger = Doorbell(9)
    assert Relay().intake.have(topics.parse_up(topics.have(stranger.id, stranger.clip_id()))) == []


@pytest.mark.parametrize("size", [300, 60_000])
def test_answers_are_few_and_within_limits(size: int) -> None:
    frames = [bytes([n % 256]) * size for n in range(3_000)]
    messages = batches(frames)
    assert b"".join(messages) == b"".join(frames)
    assert max(map(len, messages)) <= MAX_ANSWER_BYTES
    assert max(len(message) // size for message in messages) <= MAX_RECEIPTS_PER_MESSAGE
    assert len(messages) == -(-3_000 // min(MAX_RECEIPTS_PER_MESSAGE, MAX_ANSWER_BYTES // size))


def test_a_growing_clip_costs_no_reading_but_whether_it_has_ended() -> None:
    relay = Relay(store := MemoryStore())
    clip = BELL.clip(60)
    relay.take(clip[0])
    store.calls.clear()
    for part in clip[1:]:
        relay.take(part)
    assert store.calls == {"put": 59, "read": 59, "settle": 59}


def test_several_parts_of_a_clip_wait_for_the_disk_once() -> None:
    relay = Relay(store := MemoryStore())
    clip, other = BELL.clip(10), BELL.clip(2, number=2)
    store.calls.clear()
    outcomes = relay.take_all([*clip, *other, clip[0]])
    assert [outcome.stored is not None for outcome in outcomes] == [True] * 12 + [False]
    assert outcomes[-1].receipt == outcomes[0].receipt
    assert store.calls["settle"] == 2
    assert store.calls["put"] == 12 + 3  # and a name for each notice, also the one that came again


def test_nothing_of_several_parts_is_receipted_if_they_may_still_be_lost() -> None:
    store = FailingStore(MemoryStore(), frozenset({"settle"}))
    relay = Relay(store)
    with pytest.raises(StoreError):
        relay.take_all(BELL.clip(4))
    store.broken = frozenset()
    again = relay.take_all(BELL.clip(4))
    assert [outcome.stored for outcome in again] == [None] * 4
    assert [receipt(outcome).verdict for outcome in again] == ["stored"] * 4


def test_of_several_parts_each_has_the_verdict_it_would_have_alone() -> None:
    clip = BELL.clip(6)
    forged = BELL.changed(clip[2], prev="0" * 64)
    wanted = ["stored", "stored", "refused", "stored", "stored"]
    together = Relay().take_all([clip[0], clip[1], forged, clip[2], clip[3]])
    assert [receipt(outcome).verdict for outcome in together] == wanted


def test_a_clip_that_was_deleted_while_several_parts_were_stored_is_gone_and_said_so() -> None:
    store = MemoryStore()

    class Deleting(FailingStore):
        """The clip's owner deletes it when its third part is being stored."""

        def stage(self, name: str, data: bytes) -> bool:
            if name.endswith("000002.part"):
                Endings(store).end("clip", f"{BELL.id}/{BELL.clip_id()}", b"proof")
            return store.stage(name, data)

    outcomes = Relay(Deleting(store)).take_all(BELL.clip(4))
    assert [receipt(outcome).verdict for outcome in outcomes] == ["deleted"] * 4
    assert not store.list(f"clips/{BELL.id}").folders
    assert not store.list(f"notices/{BELL.id}").objects


def test_a_clip_that_begins_costs_no_look_at_the_store_but_whether_it_has_ended() -> None:
    relay = Relay(store := MemoryStore())
    relay.take(CLIP[0])
    store.calls.clear()
    for number in range(2, 12):
        assert receipt(relay.take(BELL.clip(1, number=number)[0])).verdict == "stored"
    assert store.calls == {"put": 20, "read": 10, "settle": 20}  # of a notice its name, too


def test_a_clip_that_another_relay_began_gets_the_receipt_that_is_stored() -> None:
    store = MemoryStore()
    one, other = Relay(store), Relay(store, 5_000)
    one.take(CLIP[0])
    newer = BELL.clip(3, number=2)
    stored = other.take(newer[0])
    assert one.take(newer[0]) == Outcome(stored.receipt)
    lie = BELL.changed(BELL.clip(3, number=3)[0], wall_ms=1)
    other.take(BELL.clip(3, number=3)[0])
    assert receipt(one.take(lie)).reason == "differs-from-stored"


def test_what_another_relay_took_and_packed_is_not_stored_again_by_one_that_was_told() -> None:
    store = MemoryStore()
    one, other = Relay(store), Relay(store, 5_000)
    one.take(CLIP[0])
    newer = BELL.clip(3, number=2)
    outcomes = [other.take(part) for part in newer]
    assert Packing(store, verify_key_of(KEY)).pack(BELL.id, newer[0].record.clip, BELL.verify_key) == 3
    before = dict(store.objects)
    one.intake.forget_all()
    assert [one.take(part) for part in newer] == [Outcome(outcome.receipt) for outcome in outcomes]
    assert store.objects == before
    lie = BELL.changed(newer[0], wall_ms=1)
    assert receipt(one.take(lie)).reason == "differs-from-stored"


def test_the_first_part_of_a_clip_that_has_ended_leaves_nothing() -> None:
    store = MemoryStore()
    Endings(store).end("clip", f"{BELL.id}/{BELL.clip_id()}", b"proof")
    outcomes = Relay(store).take_all(BELL.clip(3))
    assert [receipt(outcome).verdict for outcome in outcomes] == ["deleted"] * 3
    assert all(outcome.stored is None for outcome in outcomes)
    assert not store.list("clips").folders
    assert not store.list(f"notices/{BELL.id}").objects


def test_no_clip_makes_room_for_one_that_has_ended() -> None:
    store = MemoryStore()
    register, archive = Register(store), Archive(store, lambda _: None)
    register.allow(BELL.card)
    quota = Quota(Limits(max_clips=1), archive, register, lambda: 1_000, lambda: 0.0, lambda *_: None)
    intake = Intake(archive, register, KEY, lambda: 1_000, quota)
    for part in CLIP:
        assert receipt(intake.take(topics.parse_up(topic_of(part)), part.encode())).verdict == "stored"
    ended = BELL.clip(1, number=2)[0]
    Endings(store).end("clip", f"{BELL.id}/{ended.record.clip}", b"proof")
    assert receipt(intake.take(topics.parse_up(topic_of(ended)), ended.encode())).verdict == "deleted"
    assert len(archive.names(BELL.id, BELL.clip_id())) == len(CLIP)
