"""What only a folder has to promise as a store, beyond the contract of all (tests/contract/test_store.py)."""

import resource
import stat
from pathlib import Path

import pytest

from sealbell_relay.errors import StoreError
from sealbell_relay.store.store import DirectoryStore, Entry, Listing
from store_doubles import FailingStore, MemoryStore


def directory(root: Path) -> DirectoryStore:
    store = DirectoryStore(root / "store")
    store.make()
    return store


def test_a_failing_store_fails_until_it_is_mended() -> None:
    store = FailingStore(MemoryStore(), frozenset({"put"}))
    with pytest.raises(StoreError):
        store.put("a", b"x")
    assert store.read("a") is None
    store.broken = frozenset()
    assert store.put("a", b"x")


def test_a_folder_shows_nothing_to_other_users(tmp_path: Path) -> None:
    store = directory(tmp_path)
    store.put("a/b", b"x")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "store").rglob("*")}
    assert modes == {0o700, 0o600}
    assert stat.S_IMODE((tmp_path / "store").stat().st_mode) == 0o700


def test_nothing_half_written_is_ever_listed_or_stays(tmp_path: Path) -> None:
    store = directory(tmp_path)
    (tmp_path / "store" / "tmp" / "left").write_bytes(b"half")
    store.put("a/b", b"x")
    store.sweep()
    assert not list((tmp_path / "store" / "tmp").iterdir())
    assert store.list("a") == Listing((), (Entry("b", 1),))


def test_a_full_disk_is_a_store_error_and_leaves_nothing(tmp_path: Path) -> None:
    store = directory(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))  # the kernel refuses to write more, also to root
    try:
        with pytest.raises(StoreError, match="cannot write a/b: file too large"):
            store.put("a/b", bytes(2_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert store.read("a/b") is None
    assert not list((tmp_path / "store" / "tmp").iterdir())
    assert store.put("a/b", bytes(2_000))


def test_a_folder_that_vanished_is_a_store_error(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "never" / "made")
    for call in (lambda: store.put("a", b"x"), store.make, lambda: store.settle("a")):
        with pytest.raises(StoreError):
            call()


def test_a_file_in_a_folders_place_is_a_store_error(tmp_path: Path) -> None:
    store = directory(tmp_path)
    store.put("a/b", b"x")
    with pytest.raises(StoreError):
        store.put("a/b/c", b"x")
