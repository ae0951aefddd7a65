"""A store that is timed does what it did, and tells how long that took; failures are told apart."""

import pytest

from sealbell_relay.errors import StoreError
from sealbell_relay.intake.heard import WINDOW_S, Heard
from sealbell_relay.store.timed import VERBS, TimedStore
from store_doubles import FailingStore, MemoryStore


def test_every_operation_is_passed_on_and_timed() -> None:
    seen: list[tuple[str, float, bool]] = []
    now = iter(float(number) for number in range(100))
    inner = MemoryStore()
    store = TimedStore(inner, lambda *what: seen.append(what), lambda: next(now))
    assert store.put("a/b", b"abc") is True
    assert store.put("a/b", b"other") is False
    assert store.read("a/b", 1, 1) == b"b"
    assert [entry.name for entry in store.list("a").objects] == ["b"]
    store.settle("a")
    store.remove("a/b")
    assert inner.objects == {}
    assert [(verb, failed) for verb, _, failed in seen] == [
        (verb, False) for verb in ("put", "put", "read", "list", "settle", "remove")
    ]
    assert {seconds for _, seconds, _ in seen} == {1.0}


@pytest.mark.parametrize("verb", VERBS)
def test_a_failure_is_timed_and_comes_out_as_it_was(verb: str) -> None:
    seen: list[tuple[str, bool]] = []
    store = TimedStore(
        FailingStore(MemoryStore(), frozenset(VERBS)), lambda verb, _, failed: seen.append((verb, failed)), lambda: 0.0
    )
    calls = {
        "put": lambda: store.put("a", b""),
        "read": lambda: store.read("a"),
        "list": lambda: store.list("a"),
        "settle": lambda: store.settle("a"),
        "remove": lambda: store.remove("a"),
    }
    with pytest.raises(StoreError):
        calls[verb]()  # type: ignore[no-untyped-call]
    assert seen == [(verb, True)]


def test_doorbells_are_counted_for_a_while() -> None:
    heard = Heard()
    for doorbell, now in (("a", 0.0), ("b", 10.0), ("a", 20.0)):
        heard.note(doorbell, now)
    assert heard.count(20.0) == 2
    assert heard.count(10.0 + WINDOW_S + 1) == 1
    assert heard.count(20.0 + WINDOW_S + 1) == 0
