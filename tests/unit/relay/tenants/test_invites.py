"""Invites: each lets one owner in, until a moment, and is kept as a hash."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sealbell_relay.errors import RelayError
from sealbell_relay.tenants.invites import MAX_OPEN_INVITES, Invites
from sealbell_wire.invite import invite_hash, parse_invite
from store_doubles import MemoryStore

NOW_MS = 1_790_000_000_000
LATER_MS = NOW_MS + 1_000
RANDOM = bytes(range(17))
HASH = invite_hash(RANDOM)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def invites(store: MemoryStore) -> Invites:
    made = Invites(store)
    assert parse_invite(made.make(RANDOM, LATER_MS, NOW_MS)) == RANDOM
    return made


def test_an_invite_is_open_until_it_is_used_and_then_used_up(invites: Invites) -> None:
    assert [(each.hash, each.expires_ms) for each in invites.open(NOW_MS)] == [(HASH, LATER_MS)]
    assert invites.use(HASH, b"card", NOW_MS)
    assert invites.open(NOW_MS) == []
    assert not invites.use(HASH, b"another card", NOW_MS)
    invites.close(HASH)
    assert not invites.use(HASH, b"another card", NOW_MS)


def test_an_owner_who_did_not_hear_the_answer_may_ask_again(invites: Invites) -> None:
    assert invites.use(HASH, b"card", NOW_MS)
    assert invites.use(HASH, b"card", NOW_MS)
    invites.close(HASH)
    assert invites.use(HASH, b"card", LATER_MS + 1)


def test_an_invite_that_is_too_old_lets_nobody_in(invites: Invites) -> None:
    assert invites.open(LATER_MS) == []
    assert not invites.use(HASH, b"card", LATER_MS)
    assert invites.use(HASH, b"card", LATER_MS - 1)


def test_an_invite_that_was_cancelled_lets_nobody_in(invites: Invites) -> None:
    assert invites.cancel(HASH, b"by the operator")
    assert invites.open(NOW_MS) == []
    assert not invites.use(HASH, b"card", NOW_MS)
    assert not invites.cancel(HASH, b"by the operator")


def test_nobody_is_let_in_by_an_invite_that_was_never_made(store: MemoryStore) -> None:
    assert not Invites(store).use(HASH, b"card", NOW_MS)
    assert store.objects == {}


def test_the_store_never_holds_a_code(invites: Invites, store: MemoryStore) -> None:
    invites.use(HASH, b"card", NOW_MS)
    kept = "".join(store.objects) + "".join(data.decode() for data in store.objects.values())
    assert RANDOM.hex() not in kept
    assert set(store.objects) == {f"invites/{HASH}", f"ended/invite/{HASH}"}


def test_of_many_who_show_one_invite_at_once_to_several_relays_one_is_let_in(store: MemoryStore) -> None:
    Invites(store).make(RANDOM, LATER_MS, NOW_MS)
    together = threading.Barrier(8)

    def show(number: int) -> bool:
        together.wait()
        return Invites(store).use(HASH, f"card {number}".encode(), NOW_MS)

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(show, range(8))) == 1


def test_only_so_many_are_open_and_old_ones_make_room(store: MemoryStore) -> None:
    invites = Invites(store)
    for number in range(MAX_OPEN_INVITES):
        store.put(f"invites/{number:064x}", str(LATER_MS).encode())
    with pytest.raises(RelayError, match="may be no more"):
        invites.make(RANDOM, LATER_MS, NOW_MS)
    invites.make(RANDOM, LATER_MS + 5, LATER_MS)
    assert [each.hash for each in invites.open(LATER_MS)] == [HASH]


@pytest.mark.parametrize("damage", [b"", b"-1", b"soon", b"1e9", "\u0661".encode(), b"9" * 17])
def test_a_damaged_invite_lets_nobody_in_unless_it_is_a_time(store: MemoryStore, damage: bytes) -> None:
    store.objects[f"invites/{HASH}"] = damage
    assert Invites(store).use(HASH, b"card", NOW_MS) == (damage == b"9" * 17)
