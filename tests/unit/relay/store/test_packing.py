"""Packing: whatever happens between two steps of it, no object is lost, changed or brought back."""

import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from parts_factory import Doorbell
from relay_folder import SEED, stored_bytes
from sealbell_relay.errors import DamagedError
from sealbell_relay.store.archive import Archive, Name
from sealbell_relay.store.packing import AIM_BYTES, MAX_OBJECT_BYTES, Packing, plan
from sealbell_relay.store.places import clip_folder, object_path
from sealbell_relay.store.store import Listing
from sealbell_relay.tenants.endings import Endings
from sealbell_wire.pack import MAX_PACK_OBJECTS, encode_pack
from sealbell_wire.part import Part
from sealbell_wire.sshsig import verify_key_of
from store_doubles import MemoryStore

BELL = Doorbell()
CLIP = BELL.clip_id()
MIB = 1_048_576
PARTS = BELL.clip(6)
LATE = PARTS[3]  # came dropped, and whole after all
RECEIPT_KEY = verify_key_of(Ed25519PrivateKey.from_private_bytes(SEED))
FIRST = [BELL.dropped(part) if part is LATE else part for part in PARTS]


class Killed(Exception):
    """The process died here."""


@dataclass
class Stepping:
    """A store that does something before its nth call, once."""

    inner: MemoryStore
    at: int
    what: Callable[[], None]
    calls: int = 0

    def _step(self) -> None:
        self.calls += 1
        if self.calls == self.at:
            self.what()

    def put(self, name: str, data: bytes) -> bool:
        self._step()
        return self.inner.put(name, data)

    def stage(self, name: str, data: bytes) -> bool:
        return self.put(name, data)

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes | None:
        self._step()
        return self.inner.read(name, start, length)

    def list(self, prefix: str) -> Listing:
        self._step()
        return self.inner.list(prefix)

    def settle(self, *prefixes: str) -> None:
        self._step()

    def remove(self, name: str) -> None:
        self._step()
        self.inner.remove(name)


def stored(*parts: Part) -> MemoryStore:
    store = MemoryStore()
    for part in parts:
        put(store, part)
    return store


def put(store: MemoryStore, part: Part) -> None:
    record = part.record
    path = object_path(record.doorbell, record.clip, record.seq, part.sealed is None)
    store.put(path, stored_bytes(part))


def packing(store: MemoryStore | Stepping) -> Packing:
    return Packing(store, RECEIPT_KEY)


def pack(store: MemoryStore | Stepping) -> int:
    return packing(store).pack(BELL.id, CLIP, BELL.verify_key)


def archive(store: MemoryStore) -> Archive:
    return Archive(store, lambda damage: pytest.fail(str(damage)))


def shown(archive: Archive, names: list[Name] | None = None) -> list[bytes]:
    names = archive.names(BELL.id, CLIP) if names is None else names
    return [archive.read(BELL.id, CLIP, name.seq, name.dropped) or b"lost" for name in names]


def objects(store: MemoryStore) -> list[str]:
    return [entry.name for entry in store.list(clip_folder(BELL.id, CLIP)).objects]


def steps() -> int:
    counting = Stepping(stored(*FIRST), 0, lambda: None)
    pack(counting)
    return counting.calls


WHOLE = [stored_bytes(part) for part in FIRST]


def test_a_packed_clip_reads_in_every_way_as_it_did() -> None:
    store = stored(*FIRST)

    def everything(archive: Archive) -> list[object]:
        names = archive.all_names(BELL.id, CLIP)
        return [
            names,
            archive.names(BELL.id, CLIP),
            [archive.read(BELL.id, CLIP, name.seq, name.dropped) for name in names],
            [archive.read(BELL.id, CLIP, name.seq, name.dropped, 7, 9) for name in names],
            [archive.head(BELL.id, CLIP, name.seq, name.dropped) for name in names],
            [archive.receipt(BELL.id, CLIP, name.seq, name.dropped) for name in names],
            archive.summary(BELL.id, CLIP),
            archive.page(BELL.id, 10, None),
        ]

    before = everything(archive(store))
    assert pack(store) == len(FIRST)
    assert objects(store) == ["000000-000005.pack"]
    assert everything(archive(store)) == before
    assert shown(archive(store)) == WHOLE
    assert archive(store).read(BELL.id, CLIP, 6, False) is None
    assert pack(store) == 0


@pytest.mark.parametrize("parts", [FIRST[:-1], FIRST[:2] + FIRST[3:], FIRST[:1], []])
def test_a_clip_that_is_not_complete_is_left_alone(parts: list[Part]) -> None:
    store = stored(*parts)
    before = dict(store.objects)
    assert pack(store) == 0
    assert store.objects == before


@pytest.mark.parametrize("at", range(1, steps() + 1))
def test_a_packer_that_dies_loses_nothing_and_the_next_one_goes_on(at: int) -> None:
    store = stored(*FIRST)

    def die() -> None:
        raise Killed

    with pytest.raises(Killed):
        pack(Stepping(store, at, die))
    assert shown(archive(store)) == WHOLE
    pack(store)
    assert objects(store) == ["000000-000005.pack"]
    assert shown(archive(store)) == WHOLE


@pytest.mark.parametrize("at", range(1, steps() + 1))
def test_two_packers_at_once_do_what_one_does(at: int) -> None:
    store = stored(*FIRST)
    pack_beside(store, at, lambda: pack(store))
    pack(store)
    assert objects(store) == ["000000-000005.pack"]
    assert shown(archive(store)) == WHOLE


@pytest.mark.parametrize("at", range(1, steps() + 1))
def test_a_pack_of_the_same_name_that_holds_less_costs_nothing(at: int) -> None:
    store = stored(*FIRST)
    less = encode_pack([(seq, False, WHOLE[seq]) for seq in (0, 5)])
    path = f"{clip_folder(BELL.id, CLIP)}/000000-000005.pack"
    pack_beside(store, at, lambda: store.put(path, less))
    assert shown(archive(store)) == WHOLE
    pack(store)
    assert shown(archive(store)) == WHOLE


@pytest.mark.parametrize("at", range(1, steps() + 1))
def test_a_reader_meanwhile_gets_every_part(at: int) -> None:
    store = stored(*FIRST)
    early = archive(store)
    names = early.names(BELL.id, CLIP)  # listed before, read after
    read: list[list[bytes]] = []
    pack_beside(store, at, lambda: read.extend((shown(early, names), shown(archive(store)))))
    read += [shown(early, names), shown(early)]
    assert read == [WHOLE] * 4


@pytest.mark.parametrize("at", range(1, steps() + 1))
def test_a_part_that_comes_late_counts_and_its_dropped_form_is_kept(at: int) -> None:
    store = stored(*FIRST)
    pack_beside(store, at, lambda: put(store, LATE))
    pack(store)
    assert shown(archive(store)) == [stored_bytes(part) for part in PARTS]
    assert len(archive(store).all_names(BELL.id, CLIP)) == len(PARTS) + 1
    dropped = [name.seq for name in archive(store).all_names(BELL.id, CLIP) if name.dropped]
    assert dropped == [LATE.record.seq]


@pytest.mark.parametrize("at", range(1, steps() + 1))
def test_a_clip_that_is_deleted_meanwhile_does_not_come_back(at: int) -> None:
    store = stored(*FIRST)

    def delete() -> None:
        Endings(store).end("clip", f"{BELL.id}/{CLIP}", b"proof")
        archive(store).remove_all(BELL.id, CLIP)

    pack_beside(store, at, delete)
    assert objects(store) == []
    pack(store)
    assert objects(store) == []


@pytest.mark.parametrize("at", range(1, steps() + 1))
def test_a_packer_that_dies_while_the_clip_is_deleted_leaves_what_the_next_deletion_finds(at: int) -> None:
    store = stored(*FIRST)

    def delete_and_die() -> None:
        Endings(store).end("clip", f"{BELL.id}/{CLIP}", b"proof")
        archive(store).remove_all(BELL.id, CLIP)
        raise Killed

    with pytest.raises(Killed):
        pack(Stepping(store, at, delete_and_die))
    assert archive(store).names(BELL.id, CLIP) == []
    assert objects(store) == []


def test_a_clip_that_is_evicted_while_it_is_packed_does_not_come_back() -> None:
    store = stored(*FIRST)
    evicting = Stepping(store, 3, lambda: pack(store) and None)  # behind the look, before the first removal
    Archive(evicting, lambda damage: pytest.fail(str(damage))).remove_all(BELL.id, CLIP)
    assert objects(store) == []


def pack_beside(store: MemoryStore, at: int, what: Callable[[], object]) -> None:
    """Pack, with something else happening in between; a packer may find that the clip is gone, or not as it was."""
    stepping = Stepping(store, at, lambda: what() and None)
    with contextlib.suppress(DamagedError):
        pack(stepping)
    assert stepping.calls >= at


def test_what_is_damaged_is_not_packed_and_stays() -> None:
    store = stored(*FIRST)
    path = object_path(BELL.id, CLIP, 2, False)
    store.objects[path] = store.objects[path][:-1]
    before = dict(store.objects)
    with pytest.raises(DamagedError, match="part 2 of"):
        pack(store)
    assert store.objects == before


def test_an_object_beside_a_pack_that_holds_other_bytes_is_left() -> None:
    store = stored(*FIRST)
    pack(store)
    names = archive(store).names(BELL.id, CLIP)
    other = object_path(BELL.id, CLIP, 2, False)
    for bytes_beside in (stored_bytes(PARTS[2])[:-64] + bytes(64), stored_bytes(PARTS[2]) + b"x"):
        store.objects[other] = bytes_beside
        pack(store)
        assert other in store.objects
        assert shown(archive(store)) == WHOLE
        assert archive(store).names(BELL.id, CLIP) == names


def test_removing_some_of_a_pack_removes_nothing_of_it_and_all_of_it_all() -> None:
    store = stored(*FIRST)
    pack(store)
    names = archive(store).all_names(BELL.id, CLIP)
    archive(store).remove(BELL.id, CLIP, names[1:])
    assert shown(archive(store)) == WHOLE
    archive(store).remove(BELL.id, CLIP, names)
    assert objects(store) == []


@pytest.mark.parametrize("length", [0, 3, 60])
def test_a_damaged_pack_is_told_and_hides_no_other_clip(length: int) -> None:
    store = stored(*FIRST)
    for part in BELL.clip(3, number=2):
        put(store, part)
    pack(store)
    path = f"{clip_folder(BELL.id, CLIP)}/000000-000005.pack"
    store.objects[path] = store.objects[path][:length]
    told: list[DamagedError] = []
    page, _ = Archive(store, told.append).page(BELL.id, 10, None)
    assert [summary.clip for summary in page] == [BELL.clip_id(2)]
    assert "damaged" in str(told[0])


@given(st.lists(st.integers(200, MAX_OBJECT_BYTES), min_size=1, max_size=60))
def test_packs_are_of_one_to_four_mebibytes_or_there_is_one(sizes: list[int]) -> None:
    objects = [((seq, False), size) for seq, size in enumerate(sizes)]
    packs = plan(objects)
    assert [key for keys in packs for key in keys] == [key for key, _ in objects]
    of = dict(objects)
    packed = [sum(of[key] for key in keys) for keys in packs]
    assert len(packs) == 1 or min(packed) >= MIB
    assert max(packed) <= 4 * MIB


def test_a_clip_of_two_megabits_is_packed_in_threes() -> None:
    sizes = random.Random(1).choices(range(200_000, 300_000), k=60)
    packs = plan([((seq, False), size) for seq, size in enumerate(sizes)])
    assert all(2 * MIB <= sum(sizes[seq] for seq, _ in keys) <= 4 * MIB for keys in packs)
    assert len(plan([((seq, False), 10) for seq in range(3_000)])) == -(-3_000 // MAX_PACK_OBJECTS)
    assert AIM_BYTES == 3 * MIB
