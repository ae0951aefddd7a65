"""Which notices arrived: one object each, found by arrival, and gone with their clip."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from parts_factory import Doorbell, topic_of
from sealbell_relay.follow.noticed import Noticed, NoticeShelf, parse_noticed
from sealbell_relay.intake.intake import Intake
from sealbell_relay.store.archive import Archive
from sealbell_relay.tenants.allow import Register
from sealbell_relay.tenants.endings import Endings
from sealbell_wire.part import Part
from sealbell_wire.topics import parse_up
from store_doubles import MemoryStore

RINGING = Doorbell(1)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))

BELL, OTHER = "0a" * 16, "0b" * 16
CLIPS = [f"{number:032x}" for number in range(5)]


def test_a_notice_is_found_by_its_arrival_and_noted_once() -> None:
    store = MemoryStore()
    shelf = NoticeShelf(store)
    late, early = Noticed(2_000, BELL, CLIPS[0], 0), Noticed(1_000, BELL, CLIPS[1], 7)
    for each in (late, early, late):
        shelf.add(each)
    assert shelf.since(BELL, 0) == [early, late]
    assert shelf.since(BELL, 1_001) == [late]
    assert shelf.since(BELL, 2_001) == []
    assert shelf.since(OTHER, 0) == []
    assert len(store.objects) == 2


def test_a_clip_takes_its_notices_along_and_no_others() -> None:
    store = MemoryStore()
    shelf = NoticeShelf(store)
    for clip in CLIPS:
        shelf.add(Noticed(1, BELL, clip, 0))
    shelf.add(Noticed(2, BELL, CLIPS[2], 5))
    shelf.add(Noticed(1, OTHER, CLIPS[2], 0))
    shelf.forget(BELL, CLIPS[2])
    assert {each.clip for each in shelf.since(BELL, 0)} == set(CLIPS) - {CLIPS[2]}
    assert len(shelf.since(OTHER, 0)) == 1
    assert not any(CLIPS[2] in name for name in store.objects if BELL in name)


@given(st.text(max_size=80))
def test_other_names_are_none(name: str) -> None:
    found = parse_noticed(BELL, name)
    assert found is None or f"{found.clip}-{found.seq:06d}-{found.arrived_ms:012x}" == name


def intake(store: MemoryStore) -> Intake:
    register = Register(store)
    register.allow(RINGING.card)
    times = iter(range(1_000, 2_000))
    return Intake(Archive(store, lambda _: None), register, KEY, lambda: next(times))


def take(taking: Intake, part: Part) -> None:
    taking.take(parse_up(topic_of(part)), part.encode())


def test_a_notice_is_noted_when_it_is_stored_and_nothing_else_is() -> None:
    store = MemoryStore()
    taking = intake(store)
    for part in RINGING.clip(3):
        take(taking, part)
    assert NoticeShelf(store).since(RINGING.id, 0) == [Noticed(1_000, RINGING.id, RINGING.clip_id(), 0)]


def test_a_relay_that_died_before_it_noted_a_notice_notes_it_when_it_is_sent_again() -> None:
    store = MemoryStore()
    take(intake(store), RINGING.clip(1)[0])
    shelf = NoticeShelf(store)
    noted = shelf.since(RINGING.id, 0)
    store.objects = {name: data for name, data in store.objects.items() if not name.startswith("notices/")}
    again = intake(store)
    for _ in range(2):
        take(again, RINGING.clip(1)[0])
        assert shelf.since(RINGING.id, 0) == noted


def test_a_clip_that_its_owner_deleted_is_told_of_no_more() -> None:
    store = MemoryStore()
    taking = intake(store)
    take(taking, RINGING.clip(1)[0])
    Endings(store).end("clip", f"{RINGING.id}/{RINGING.clip_id()}", b"proof")
    take(taking, RINGING.clip(2)[1])
    assert NoticeShelf(store).since(RINGING.id, 0) == []
    assert not [name for name in store.objects if RINGING.clip_id() in name and not name.startswith("ended/")]
