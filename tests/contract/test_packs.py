"""Packs on the real stores: a clip reads the same before and after, and goes as a whole."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from parts_factory import Doorbell
from relay_folder import SEED, stored_bytes
from sealbell_relay.store.archive import Archive
from sealbell_relay.store.buckets import open_store
from sealbell_relay.store.packing import Packing
from sealbell_relay.store.places import clip_folder
from sealbell_relay.store.store import DirectoryStore, Listing, Store
from sealbell_wire.sshsig import verify_key_of

BELL = Doorbell()
CLIP = BELL.clip_id()
PARTS = BELL.clip(12, size=600_000)


@pytest.fixture(params=["directory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "s3":
        return open_store(request.getfixturevalue("bucket"))
    directory = DirectoryStore(tmp_path / "store")
    directory.make()
    return directory


def test_a_clip_is_packed_read_and_removed_as_a_whole(store: Store) -> None:
    archive = Archive(store, lambda damage: pytest.fail(str(damage)))
    for part in PARTS:
        assert archive.stage(BELL.id, CLIP, part.record.seq, False, stored_bytes(part))
    archive.settle(BELL.id, CLIP)
    before = archive.names(BELL.id, CLIP), archive.summary(BELL.id, CLIP)
    packing = Packing(store, verify_key_of(Ed25519PrivateKey.from_private_bytes(SEED)))
    assert packing.pack(BELL.id, CLIP, BELL.verify_key) == len(PARTS)
    packs = store.list(clip_folder(BELL.id, CLIP)).objects
    assert len(packs) == 3
    assert all(2**20 <= entry.size <= 2**22 for entry in packs)
    assert (archive.names(BELL.id, CLIP), archive.summary(BELL.id, CLIP)) == before
    for part in PARTS:
        assert archive.read(BELL.id, CLIP, part.record.seq, False) == stored_bytes(part)
    assert archive.remove_all(BELL.id, CLIP) == len(packs)
    assert store.list(clip_folder(BELL.id, CLIP)) == Listing((), ())
    assert archive.read(BELL.id, CLIP, 0, False) is None
