"""What is remembered of clips is bounded, and what was forgotten is read again."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from parts_factory import Doorbell
from sealbell_relay.intake import neighbours
from sealbell_relay.intake.ingest import Around
from sealbell_relay.intake.neighbours import MAX_CLIPS_REMEMBERED, MAX_LINKS_PER_CLIP, Neighbours
from sealbell_relay.store.archive import Archive
from sealbell_relay.store.store import Listing
from sealbell_relay.store.stored import Link
from sealbell_wire.part import Part
from store_doubles import MemoryStore

BELL = Doorbell(1)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def link(part: Part) -> Link:
    return Link(part.record, part.hash, part.sealed is None)


def keep(archive: Archive, part: Part) -> None:
    record = part.record
    archive.put(record.doorbell, record.clip, record.seq, part.sealed is None, part.encode() + b"receipt")


def test_all_four_neighbours_are_found_in_memory_and_in_the_store() -> None:
    clip = BELL.clip(6)
    archive = Archive(MemoryStore(), lambda _: None)
    remembered = Neighbours(archive)
    for part in (clip[1], BELL.dropped(clip[3]), clip[5]):
        keep(archive, part)
        remembered.add(link(part))
    for known in (remembered, Neighbours(archive)):
        end = link(clip[5])
        mark = link(BELL.dropped(clip[3]))
        assert known.around(BELL.id, BELL.clip_id(), 2) == Around(None, link(clip[1]), mark, end)
        assert known.around(BELL.id, BELL.clip_id(), 5) == Around(end, None, None, end)
        assert known.around(BELL.id, BELL.clip_id(), 0) == Around(None, None, link(clip[1]), end)
        assert known.around(BELL.id, BELL.clip_id(), 9_000) == Around(None, None, None, end)
        assert known.around(BELL.id, BELL.clip_id(2), 0) == Around()


def test_a_part_outweighs_its_mark() -> None:
    clip = BELL.clip(3)
    archive = Archive(MemoryStore(), lambda _: None)
    known = Neighbours(archive)
    for part in (BELL.dropped(clip[1]), clip[1]):
        keep(archive, part)
        known.add(link(part))
    assert known.around(BELL.id, BELL.clip_id(), 1).same == link(clip[1])
    assert Neighbours(archive).around(BELL.id, BELL.clip_id(), 1).same == link(clip[1])


def test_memory_is_bounded_and_what_was_forgotten_is_found_again() -> None:
    store = MemoryStore()
    archive = Archive(store, lambda _: None)
    known = Neighbours(archive)
    clip = BELL.clip(2 * MAX_LINKS_PER_CLIP)
    for part in clip:
        keep(archive, part)
        known.add(link(part))
    store.calls.clear()
    assert known.around(BELL.id, BELL.clip_id(), 0).after == link(clip[1])
    assert store.calls["read"] == 2
    for number in range(2, MAX_CLIPS_REMEMBERED + 2):
        known.around(BELL.id, BELL.clip_id(number), 0)
    store.calls.clear()
    assert known.around(BELL.id, BELL.clip_id(), 1).before == link(clip[0])
    assert store.calls["list"] == 1


@pytest.mark.parametrize("forget", [lambda known: known.forget(BELL.id, BELL.clip_id()), Neighbours.forget_all])
def test_a_clip_that_is_forgotten_on_purpose_is_read_anew(forget: Callable[[Neighbours], None]) -> None:
    archive = Archive(MemoryStore(), lambda _: None)
    known = neighbours.Neighbours(archive)
    assert known.around(BELL.id, BELL.clip_id(), 1) == Around()
    first = BELL.clip(1)[0]
    keep(archive, first)
    assert known.around(BELL.id, BELL.clip_id(), 1) == Around()
    forget(known)
    assert known.around(BELL.id, BELL.clip_id(), 1).before == link(first)


def test_a_clip_begins_only_if_it_is_newer_than_all_that_are_or_were_stored_of_its_doorbell() -> None:
    archive = Archive(store := MemoryStore(), lambda _: None)
    keep(archive, BELL.clip(1, number=3)[0])
    known = Neighbours(archive)
    assert not known.begins(BELL.id, BELL.clip_id(2))
    assert not known.begins(BELL.id, BELL.clip_id(3))
    store.calls.clear()
    assert known.begins(BELL.id, BELL.clip_id(5))
    assert not known.begins(BELL.id, BELL.clip_id(4))
    assert not store.calls
    assert known.remembers(BELL.id, BELL.clip_id(5))
    assert known.around(BELL.id, BELL.clip_id(5), 0) == Around()
    assert known.begins(Doorbell(2).id, BELL.clip_id(1))
    assert set(store.calls) == {"list"}


def test_a_clip_whose_later_parts_came_first_does_not_begin_once_it_is_forgotten() -> None:
    archive = Archive(MemoryStore(), lambda _: None)
    known = Neighbours(archive)
    assert known.begins(BELL.id, BELL.clip_id(1))
    late = BELL.clip(3, number=2)[1]
    assert known.around(BELL.id, BELL.clip_id(2), 1) == Around()
    keep(archive, late)
    known.add(link(late))
    known.forget(BELL.id, BELL.clip_id(2))
    assert not known.begins(BELL.id, BELL.clip_id(2))
    assert known.around(BELL.id, BELL.clip_id(2), 0).after == link(late)


def test_nothing_that_was_found_before_all_was_forgotten_is_believed_after() -> None:
    class Changing(MemoryStore):
        """Another relay stores a clip, and this one is told so, while it looks."""

        def list(self, prefix: str) -> Listing:
            found = super().list(prefix)
            if not self.calls["told"]:
                self.calls["told"] += 1
                keep(archive, BELL.clip(1, number=4)[0])
                known.forget_all()
            return found

    archive = Archive(Changing(), lambda _: None)
    known = Neighbours(archive)
    assert not known.begins(BELL.id, BELL.clip_id(3))
    assert not known.begins(BELL.id, BELL.clip_id(4))
    assert known.begins(BELL.id, BELL.clip_id(5))


@pytest.mark.parametrize("forget", [lambda known: known.doubt(BELL.id, BELL.clip_id(1)), Neighbours.forget_all])
def test_where_another_relay_stores_too_the_newest_clip_is_looked_for_again(
    forget: Callable[[Neighbours], None],
) -> None:
    archive = Archive(MemoryStore(), lambda _: None)
    known = Neighbours(archive)
    assert known.begins(BELL.id, BELL.clip_id(1))
    keep(archive, BELL.clip(1, number=2)[0])
    forget(known)
    assert not known.begins(BELL.id, BELL.clip_id(2))
