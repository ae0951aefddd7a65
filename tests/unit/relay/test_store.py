"""One contract for every store, real or double; and what only a folder has: what is left after a kill."""

import resource
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from sealbell_relay.errors import StoreError
from sealbell_relay.store import DirectoryStore, Entry, Listing, Store
from store_doubles import FailingStore, MemoryStore

PIECES = 8


def directory(root: Path) -> DirectoryStore:
    store = DirectoryStore(root / "store")
    store.make()
    return store


STORES: dict[str, Callable[[Path], Store]] = {
    "directory": directory,
    "memory": lambda _: MemoryStore(),
    "failing": lambda _: FailingStore(MemoryStore()),
}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return STORES[request.param](tmp_path)


def test_what_was_put_is_read_whole_and_in_pieces(store: Store) -> None:
    assert store.put("a/b/c", b"0123456789")
    assert store.read("a/b/c") == b"0123456789"
    assert store.read("a/b/c", 2, 3) == b"234"
    assert store.read("a/b/c", 8, 100) == b"89"
    assert store.read("a/b/c", 4) == b"456789"


def test_an_object_is_never_replaced(store: Store) -> None:
    assert store.put("a/b", b"first")
    assert not store.put("a/b", b"second")
    assert not store.put("a/b", b"first")
    assert store.read("a/b") == b"first"


def test_an_empty_object_is_an_object(store: Store) -> None:
    assert store.put("a/empty", b"")
    assert store.read("a/empty") == b""
    assert store.list("a") == Listing((), (Entry("empty", 0),))


def test_what_was_removed_leaves_not_even_the_name_of_its_folder(store: Store) -> None:
    for name in ("a/b/c/d", "a/b/c/e", "a/x/y"):
        store.put(name, b"x")
    store.remove("a/b/c/d")
    assert store.list("a").folders == ("b", "x")
    store.remove("a/b/c/e")
    store.settle("a/b/c")
    assert store.list("a") == Listing(("x",), ())
    assert store.put("a/b/c/d", b"again")
    assert store.list("a").folders == ("b", "x")


def test_a_folder_that_is_taken_away_while_others_put_into_it_loses_nothing(store: Store) -> None:
    kept: list[str] = []

    def come_and_go(number: int) -> None:
        for turn in range(40):
            store.put(f"a/b/{number}", b"x")
            store.remove(f"a/b/{number}")
            if store.put(f"a/b/{number}-{turn}", b"x"):
                kept.append(f"{number}-{turn}")
            if turn % 2:
                store.remove(f"a/b/{number}-{turn}")
                kept.remove(f"{number}-{turn}")

    threads = [threading.Thread(target=come_and_go, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [entry.name for entry in store.list("a/b").objects] == sorted(kept)


def test_what_is_not_there_is_none_and_lists_empty(store: Store) -> None:
    store.put("a/b", b"x")
    for name in ("c", "c/d", "a/b/c", "a/c"):
        assert store.read(name) is None
        assert store.list(name) == Listing((), ())


def test_a_listing_shows_one_level_sorted_with_sizes(store: Store) -> None:
    for name in ("a/z", "a/d/one", "a/c/deep/two", "a/b", "ab/other"):
        store.put(name, name.encode())
    assert store.list("a") == Listing(("c", "d"), (Entry("b", 3), Entry("z", 3)))


def test_of_many_writers_of_one_name_one_wins_and_its_bytes_are_whole(store: Store) -> None:
    won: list[bytes] = []

    def write(data: bytes) -> None:
        if store.put("a/contested", data):
            won.append(data)

    writers = [threading.Thread(target=write, args=(bytes([n]) * 100_000,)) for n in range(PIECES)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(won) == 1
    assert store.read("a/contested") == won[0]


def test_what_was_removed_is_gone_and_its_name_is_free(store: Store) -> None:
    store.put("a/b", b"first")
    store.remove("a/b")
    assert store.read("a/b") is None
    assert store.list("a").objects == ()
    store.remove("a/b")
    store.remove("nowhere/at/all")
    assert store.put("a/b", b"second")


def test_settling_what_is_there_is_quiet(store: Store) -> None:
    store.put("a/b/c", b"x")
    store.settle("a/b")


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
