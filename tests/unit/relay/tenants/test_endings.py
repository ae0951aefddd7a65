"""What has ended: for good, for everybody, and heard of in time by whoever remembers."""

import pytest

from sealbell_relay.errors import StoreError
from sealbell_relay.tenants.endings import REMEMBERED_S, Endings, RecentEndings
from store_doubles import FailingStore, MemoryStore

NAME = "ab" * 16


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_an_ending_is_written_once_with_its_proof() -> None:
    endings = Endings(MemoryStore())
    assert not endings.ended("doorbell", NAME)
    assert endings.end("doorbell", NAME, b"proof")
    assert not endings.end("doorbell", NAME, b"another proof")
    assert endings.ended("doorbell", NAME)
    assert endings.proof("doorbell", NAME) == b"proof"
    assert not endings.ended("token", NAME)


def test_an_ending_of_another_relay_holds_here_within_half_a_second() -> None:
    store, clock = MemoryStore(), Clock()
    recent = RecentEndings(Endings(store), clock)
    assert not recent.ended("owner", NAME)
    Endings(store).end("owner", NAME, b"elsewhere")
    clock.now_s += REMEMBERED_S
    assert recent.ended("owner", NAME)
    assert REMEMBERED_S <= 0.5


def test_the_store_is_asked_seldom_and_of_what_has_ended_never_again() -> None:
    store, clock = MemoryStore(), Clock()
    recent = RecentEndings(Endings(store), clock)
    for _ in range(10):
        assert not recent.ended("owner", NAME)
    assert store.calls["read"] == 1
    Endings(store).end("owner", NAME, b"proof")
    clock.now_s += REMEMBERED_S
    assert recent.ended("owner", NAME)
    asked = store.calls["read"]
    clock.now_s += 1_000
    assert recent.ended("owner", NAME)
    assert store.calls["read"] == asked


def test_a_store_that_fails_lets_nobody_pass_for_not_ended() -> None:
    clock, store = Clock(), FailingStore(MemoryStore())
    recent = RecentEndings(Endings(store), clock)
    assert not recent.ended("owner", NAME)
    store.broken = frozenset({"read"})
    clock.now_s += REMEMBERED_S
    with pytest.raises(StoreError):
        recent.ended("owner", NAME)
