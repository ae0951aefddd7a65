"""Names and listings of clips: newest first in pages, and what damage does."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from parts_factory import Doorbell, hash_of
from sealbell_relay.errors import DamagedError
from sealbell_relay.store.archive import Archive
from sealbell_relay.store.store import Store
from sealbell_wire.ids import ZERO_ID, new_clip_id
from sealbell_wire.part import Part
from sealbell_wire.receipt import Receipt
from store_doubles import MemoryStore

BELL = Doorbell(1)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
BUCKET_MS = 2**24


def archive_with(*parts: Part, store: Store | None = None) -> Archive:
    archive = Archive(store or MemoryStore(), lambda _: None)
    for part in parts:
        keep(archive, part)
    return archive


def keep(archive: Archive, part: Part) -> None:
    record, dropped = part.record, part.sealed is None
    verdict = "dropped" if dropped else "stored"
    arrived_ms = 5_000 + record.seq
    receipt = Receipt(record.doorbell, record.clip, record.seq, hash_of(part), verdict, "-", arrived_ms).sign(KEY)
    assert archive.put(record.doorbell, record.clip, record.seq, dropped, part.encode() + receipt)


def test_a_summary_counts_parts_marks_and_bytes() -> None:
    clip = BELL.clip(4)
    mark = BELL.dropped(clip[2])
    archive = archive_with(clip[0], clip[1], mark, clip[3])
    summary = archive.summary(BELL.id, BELL.clip_id())
    assert summary is not None
    assert (summary.parts, summary.dropped) == (3, 1)
    assert summary.size == sum(name.size for name in archive.names(BELL.id, BELL.clip_id()))
    assert summary.first is not None
    signed = clip[0].record_bytes + clip[0].signature
    assert summary.first.signed == len(clip[0].record_bytes).to_bytes(2) + signed
    assert summary.newest.link.hash == hash_of(clip[3])
    assert summary.newest.link.record.final
    assert summary.arrived_ms == 5_003


def test_a_clip_whose_first_part_is_missing_says_so() -> None:
    archive = archive_with(BELL.clip(4)[2])
    summary = archive.summary(BELL.id, BELL.clip_id())
    assert summary is not None
    assert summary.first is None
    assert summary.newest.link.record.seq == 2


def test_where_mark_and_part_are_stored_the_part_counts() -> None:
    clip = BELL.clip(3)
    archive = archive_with(BELL.dropped(clip[1]), clip[1])
    (name,) = archive.names(BELL.id, BELL.clip_id())
    assert not name.dropped
    assert len(archive.all_names(BELL.id, BELL.clip_id())) == 2


def test_pages_go_newest_first_and_meet_every_clip_once() -> None:
    ids = [new_clip_id(None, n * BUCKET_MS // 3, bytes(10)) for n in range(1, 12)]
    archive = archive_with(*(BELL.part(clip, 0, "notice", "0" * 64, b"x\n--- y\n") for clip in ids))
    seen: list[str] = []
    before: str | None = None
    pages = 0
    while True:
        page, before = archive.page(BELL.id, 4, before)
        seen += [summary.clip for summary in page]
        pages += 1
        if before is None:
            break
        assert before == seen[-1]
    assert seen == sorted(ids, reverse=True)
    assert pages == 3
    assert list(archive.oldest_first(BELL.id, ZERO_ID)) == sorted(ids)
    assert list(archive.oldest_first(BELL.id, ids[4])) == ids[5:]
    assert archive.page(BELL.id, 4, min(ids)) == ([], None)


def test_a_full_last_page_is_not_followed_by_an_empty_one() -> None:
    archive = archive_with(*(BELL.clip(1, number=n)[0] for n in range(1, 5)))
    assert archive.page(BELL.id, 4, None)[1] is None


def test_a_page_of_the_newest_clips_does_not_list_the_old_ones() -> None:
    calls = []
    for clips in (10, 200):
        store = MemoryStore()
        ids = [new_clip_id(None, n * BUCKET_MS, bytes(10)) for n in range(1, clips)]
        archive = archive_with(*(BELL.part(clip, 0, "notice", "0" * 64, b"x\n--- y\n") for clip in ids), store=store)
        store.calls.clear()
        archive.page(BELL.id, 4, None)
        calls.append(store.calls)
    assert calls[0] == calls[1]


def test_another_doorbells_clips_are_not_listed() -> None:
    archive = archive_with(BELL.clip(1)[0], Doorbell(2).clip(1)[0])
    assert [summary.clip for summary in archive.page(BELL.id, 9, None)[0]] == [BELL.clip_id()]


def test_a_damaged_clip_is_told_and_the_others_are_listed() -> None:
    damages: list[DamagedError] = []
    store = MemoryStore()
    archive = Archive(store, damages.append)
    for number in (1, 2, 3):
        keep(archive, BELL.clip(1, number=number)[0])
    name = next(name for name in store.objects if BELL.clip_id(2) in name)
    store.objects[name] = store.objects[name][:40]
    assert [summary.clip for summary in archive.page(BELL.id, 9, None)[0]] == [BELL.clip_id(3), BELL.clip_id(1)]
    assert len(damages) == 1


@pytest.mark.parametrize("keep_bytes", [0, 5, 100, 1_500])
def test_a_cut_object_is_damaged_not_believed(keep_bytes: int) -> None:
    store = MemoryStore()
    archive = archive_with(BELL.clip(1)[0], store=store)
    (name,) = store.objects
    store.objects[name] = store.objects[name][:keep_bytes]
    with pytest.raises(DamagedError):
        archive.receipt(BELL.id, BELL.clip_id(), 0, dropped=False)


def test_files_that_are_no_parts_are_passed_over() -> None:
    store = MemoryStore()
    archive = archive_with(BELL.clip(1)[0], store=store)
    folder = f"clips/{BELL.id}/{BELL.clip_id()[:6]}"
    store.put(f"{folder}/{BELL.clip_id()}/000001.part~", b"x")
    store.put(f"{folder}/lost+found/x", b"x")
    assert [name.seq for name in archive.names(BELL.id, BELL.clip_id())] == [0]
    assert len(archive.page(BELL.id, 9, None)[0]) == 1
