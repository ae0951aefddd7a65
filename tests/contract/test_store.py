"""One contract for every store that a relay may have, real or double: a folder, a bucket, memory."""

import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sealbell_relay.errors import StoreError
from sealbell_relay.store.buckets import S3Store, open_store, parse_url
from sealbell_relay.store.store import DirectoryStore, Entry, Listing, Store
from seaweed import free_port
from store_doubles import FailingStore, MemoryStore

PIECES = 8
MORE_THAN_AN_ANSWER = 1_100  # S3 lists 1,000 names an answer


def directory(root: Path) -> DirectoryStore:
    store = DirectoryStore(root / "store")
    store.make()
    return store


STORES: dict[str, Callable[[Path], Store]] = {
    "directory": directory,
    "memory": lambda _: MemoryStore(),
    "failing": lambda _: FailingStore(MemoryStore()),
}


@pytest.fixture(params=[*STORES, "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "s3":
        return open_store(request.getfixturevalue("bucket"))
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
    if not isinstance(store, S3Store):  # SeaweedFS does it by and by
        assert store.list("a") == Listing(("x",), ())
    assert store.list("a/b/c") == Listing((), ())
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
    assert {"a", "ab"} <= set(store.list("").folders)


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


def test_what_is_staged_shows_whole_is_never_replaced_and_can_be_settled_together(store: Store) -> None:
    assert store.stage("a/b/c", b"first")
    assert not store.stage("a/b/c", b"second")
    assert not store.put("a/b/c", b"third")
    assert store.stage("a/x/y", b"")
    store.settle("a/b", "a/x", "a/nothing")
    assert store.read("a/b/c") == b"first"
    assert store.list("a") == Listing(("b", "x"), ())
    store.settle()


def test_settling_what_is_there_is_quiet(store: Store) -> None:
    store.put("a/b/c", b"x")
    store.settle("a/b")


def test_a_bucket_keeps_what_lies_elsewhere_in_it_apart(bucket: str) -> None:
    here, beside = open_store(f"{bucket}/a"), open_store(f"{bucket}/ab")
    here.put("x/y", b"here")
    beside.put("x/z", b"beside")
    assert here.list("x") == Listing((), (Entry("y", 4),))
    assert here.read("x/z") is None


def test_a_listing_of_a_bucket_goes_on_where_one_answer_ends(bucket: str) -> None:
    store = open_store(bucket)
    with ThreadPoolExecutor(PIECES) as pool:
        assert all(pool.map(lambda number: store.put(f"many/{number:04d}", b""), range(MORE_THAN_AN_ANSWER)))
    assert [entry.name for entry in store.list("many").objects] == [f"{n:04d}" for n in range(MORE_THAN_AN_ANSWER)]


def test_a_bucket_that_says_no_is_a_store_error_that_tells_no_secret(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush-hush")
    store = open_store(bucket)
    for call in (lambda: store.put("a/b", b"x"), lambda: store.read("a/b"), lambda: store.list("a")):
        with pytest.raises(StoreError, match=r"the store cannot \w+ a(/b)?: the bucket does not allow") as caught:
            call()
        assert "hush" not in str(caught.value)
        assert "AWS" not in str(caught.value)
        assert caught.value.__cause__ is None


def test_a_bucket_that_is_gone_is_a_store_error(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port('127.0.0.1')}")
    with pytest.raises(StoreError, match="the store cannot read a/b: no answer came"):
        S3Store("sealbell", max_retries=0).read("a/b")


def test_a_bucket_that_never_answers_holds_no_thread_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it takes connections and says nothing
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tests")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
        store = S3Store("sealbell", request_timeout_s=0.2, max_retries=1)
        for call in (lambda: store.put("a", b"x"), lambda: store.read("a"), lambda: store.list("a")):
            with pytest.raises(StoreError, match="the bucket did not answer in time"):
                call()


@pytest.mark.parametrize(
    "url",
    ["s3:", "s3://", "s3:///x", "s3://UPPER", "s3://a", "s3://user:pass@bucket", "s3://bucket/../x", "s3://bucket/a//b",
     "s3://bucket?x=1", "s3://bucket/a b", "s3://bucket:80"],
)  # fmt: skip
def test_what_is_no_bucket_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="that is no"):
        open_store(url)


def test_a_folder_is_a_folder(tmp_path: Path) -> None:
    assert isinstance(open_store(tmp_path), DirectoryStore)
    assert parse_url("s3://bucket/a/b-c/") == ("bucket", "a/b-c")
