"""fsck looks into packs as into files, and at a bucket as at a folder."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import relay_folder
from parts_factory import Doorbell
from relay_folder import keep, keep_health, let_in
from sealbell_relay.audit.fsck import Fsck
from sealbell_relay.audit.look import Finding
from sealbell_relay.folder import Folder
from sealbell_relay.store.packing import Packing
from sealbell_relay.store.places import clip_folder
from sealbell_relay.store.store import DirectoryStore, Store
from sealbell_wire.pack import encode_pack, parse_index
from sealbell_wire.sshsig import verify_key_of
from store_doubles import FailingStore, MemoryStore

BELL, OTHER = Doorbell(1), Doorbell(2)
CLIP = BELL.clip(6)
PACK = f"store/{clip_folder(BELL.id, BELL.clip_id())}/000000-000005.pack"
LATER_S = 4_000_000_000.0


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A relay's folder with one clip in a pack, one of whose parts came twice, and one not in a pack."""
    folder = relay_folder.make(tmp_path / "relay")
    let_in(folder, BELL)
    keep_health(folder, BELL, 7)
    keep(folder, [*CLIP[:2], BELL.dropped(CLIP[2]), *CLIP[3:]])
    store = DirectoryStore(folder.store)
    assert Packing(store, verify_key_of(folder.key())).pack(BELL.id, BELL.clip_id(), BELL.verify_key) == 6
    keep(folder, [CLIP[2]])
    keep(folder, BELL.clip(4, number=2, last=CLIP[-1].hash)[:3])
    return folder


def look(folder: Folder, bucket: Store | None = None) -> tuple[list[Finding], Fsck]:
    findings: list[Finding] = []
    fsck = Fsck(folder, LATER_S, findings.append, lambda objects, size: None, bucket)
    assert fsck.run() is not bool(findings)
    return findings, fsck


def moved_to_a_bucket(folder: Folder) -> MemoryStore:
    store = MemoryStore()
    for path in folder.store.rglob("*"):
        if path.is_file():
            store.objects[str(path.relative_to(folder.store))] = path.read_bytes()
    shutil.rmtree(folder.store)
    return store


def test_packs_in_order_are_in_order_and_each_object_counts(folder: Folder) -> None:
    findings, fsck = look(folder)
    assert findings == []
    files = sum(path.is_file() for path in folder.store.rglob("*"))
    assert fsck.objects == files - 1 + len(CLIP)


def test_a_bucket_is_looked_at_like_a_folder(folder: Folder) -> None:
    _, before = look(folder)
    bucket = moved_to_a_bucket(folder)
    findings, fsck = look(folder, bucket)
    assert findings == []
    assert (fsck.objects, fsck.bytes) == (before.objects, before.bytes)
    bucket.objects["strange/thing"] = b"x"
    path = PACK.removeprefix("store/")
    bucket.objects[path] = flipped(bucket.objects[path], -1)
    assert [finding.path for finding in look(folder, bucket)[0]] == [f"{PACK}#5", "store/strange"]


def test_a_bucket_that_fails_is_told(folder: Folder) -> None:
    bucket = moved_to_a_bucket(folder)
    findings, _ = look(folder, FailingStore(bucket, frozenset({"read"})))
    assert {finding.what.partition(":")[0] for finding in findings} >= {"cannot be read"}


def flipped(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def object_in(pack: bytes, seq: int) -> slice:
    one = next(one for one in parse_index(pack, len(pack)) if one.seq == seq)
    return slice(one.start, one.start + one.size)


def exchanged(pack: bytes) -> bytes:
    """Two objects under each other's numbers."""
    of = [(one.seq, one.dropped, pack[one.start : one.start + one.size]) for one in parse_index(pack, len(pack))]
    of[3], of[4] = (*of[3][:2], of[4][2]), (*of[4][:2], of[3][2])
    return encode_pack(of)


@pytest.mark.parametrize(
    ("change", "where", "what"),
    [
        (lambda pack: b"", "", "is empty"),
        (lambda pack: pack[:-1], "", "is damaged: pack: is"),
        (lambda pack: pack + b"x", "", "is damaged: pack: is"),
        (lambda pack: b"SBK2" + pack[4:], "", "is damaged: pack: does not begin"),
        (lambda pack: pack[: object_in(pack, 5).start], "", "is damaged: pack: is"),
        (lambda pack: flipped(pack, object_in(pack, 3).start + 500), "#3", "is"),
        (lambda pack: flipped(pack, object_in(pack, 4).stop - 1), "#4", "has a receipt that this relay's key"),
        (exchanged, "#3", "holds another part than its name says"),
    ],
)
def test_what_is_wrong_in_a_pack_is_told_with_its_place(
    folder: Folder, change: Callable[[bytes], bytes], where: str, what: str
) -> None:
    path = folder.root / PACK
    path.write_bytes(change(path.read_bytes()))
    findings, _ = look(folder)
    assert findings[0].path == PACK + where
    assert findings[0].what.startswith(what)


def test_a_pack_under_another_packs_name_is_told(folder: Folder) -> None:
    path = folder.root / PACK
    path.rename(path.with_name("000000-000004.pack"))
    findings, _ = look(folder)
    assert [finding.what for finding in findings] == ["holds other parts than its name says"]


def test_a_part_beside_its_pack_is_no_fault(folder: Folder) -> None:
    keep(folder, [CLIP[3]])
    assert look(folder)[0] == []
