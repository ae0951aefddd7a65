"""Which notices arrived: one object each, found by arrival, and gone with their clip."""

from hypothesis import given
from hypothesis import strategies as st

from sealbell_relay.noticed import Noticed, NoticeShelf, parse_noticed
from store_doubles import MemoryStore

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
