"""Who is enrolled, whose token it is, and that nobody is who has ended."""

import hashlib
from collections import Counter

import pytest

from parts_factory import Doorbell, Owner
from sealbell_relay.errors import DamagedError, RelayError
from sealbell_relay.tenants.allow import MAX_DOORBELLS_PER_OWNER, MAX_PHONES_PER_OWNER, Phone, Register, Visitor
from sealbell_relay.tenants.endings import Endings
from sealbell_wire.enrolment import DoorbellCard, OwnerCard
from store_doubles import MemoryStore

OWNER, OTHER = Owner(1), Owner(2)
BELL, SECOND = Doorbell(1, OWNER), Doorbell(2, OWNER)


def register_with(*cards: DoorbellCard | OwnerCard) -> Register:
    register = Register(MemoryStore())
    for card in cards:
        assert register.allow(card)
    return register


@pytest.mark.parametrize("cards", [(OWNER.card, BELL.card), (BELL.card, OWNER.card)])
def test_cards_come_in_any_order_and_twice(cards: tuple[DoorbellCard | OwnerCard, ...]) -> None:
    register = register_with(*cards)
    assert not register.allow(BELL.card)
    assert not register.allow(OWNER.card)
    assert register.doorbell(BELL.id) == BELL.card
    assert register.owner_by_token(OWNER.token) == OWNER.card
    assert register.owned_by(OWNER.card) == [BELL.card]


def test_an_owner_sees_all_their_doorbells_and_no_others() -> None:
    register = register_with(OWNER.card, OTHER.card, BELL.card, SECOND.card, Doorbell(3, OTHER).card)
    assert {card.doorbell for card in register.owned_by(OWNER.card)} == {BELL.id, SECOND.id}
    assert [card.doorbell for card in register.owned_by(OTHER.card)] == [Doorbell(3, OTHER).id]
    assert len(register.doorbells()) == 3
    assert len(register.owners()) == 2


def test_a_doorbell_is_shown_to_the_owner_on_its_card_and_to_nobody_else() -> None:
    store = MemoryStore()
    register = Register(store)
    for card in (OWNER.card, OTHER.card, BELL.card):
        register.allow(card)
    store.put(f"owned/{OTHER.card.key}/{BELL.id}", b"")
    assert register.owned_by(OTHER.card) == []


def test_a_token_that_is_not_enrolled_is_nobodys() -> None:
    register = register_with(OWNER.card)
    for token in (OTHER.token, bytes(32), OWNER.token[::-1], b""):
        assert register.owner_by_token(token) is None


def test_a_token_counts_only_while_its_owners_card_names_it() -> None:
    store = MemoryStore()
    Register(store).allow(OWNER.card)
    store.objects[f"tokens/{OTHER.card.token_hash}"] = OWNER.card.key.encode()
    assert Register(store).owner_by_token(OTHER.token) is None
    store.objects[f"tokens/{OTHER.card.token_hash}"] = b"../x\xff"
    assert Register(store).owner_by_token(OTHER.token) is None


def test_an_enrolled_doorbell_cannot_be_enrolled_with_another_owner() -> None:
    register = register_with(BELL.card)
    with pytest.raises(RelayError, match="enrolled already"):
        register.allow(DoorbellCard(BELL.card.key, OTHER.card.key))
    assert register.doorbell(BELL.id) == BELL.card
    assert register.owned_by(OTHER.card) == []


def test_an_owners_token_cannot_be_replaced() -> None:
    register = register_with(OWNER.card)
    with pytest.raises(RelayError, match="enrolled already"):
        register.allow(OwnerCard(OWNER.card.key, OTHER.card.token_hash))
    assert register.owner_by_token(OTHER.token) is None


def test_a_doorbells_card_is_read_once() -> None:
    store = MemoryStore()
    register = Register(store)
    register.allow(BELL.card)
    store.calls.clear()
    for _ in range(10):
        register.card_of(BELL.id)
    assert store.calls["read"] == 1


@pytest.mark.parametrize("damage", [b"", b"{}", OWNER.card.encode()])
def test_a_damaged_card_lets_nobody_in(damage: bytes) -> None:
    store = MemoryStore()
    store.objects[f"doorbells/{BELL.id}.json"] = damage
    with pytest.raises(DamagedError):
        Register(store).doorbell(BELL.id)


PHONE = bytes(range(32))
HASH = hashlib.sha256(PHONE).hexdigest()
DAY = "2026-11-24"


def enrolled() -> tuple[MemoryStore, Register]:
    store = MemoryStore()
    register = Register(store)
    for card in (OWNER.card, OTHER.card, BELL.card, SECOND.card):
        register.allow(card)
    return store, register


def test_an_owner_may_have_phones_each_with_a_token_of_its_own() -> None:
    store, register = enrolled()
    assert register.visitor(PHONE) is None
    assert register.add_phone(OWNER.card, HASH, DAY) == Phone(HASH, DAY)
    assert register.add_phone(OWNER.card, HASH, "2027-01-01") == Phone(HASH, DAY)
    assert Register(store).visitor(PHONE) == Visitor(OWNER.card, HASH, phone=True)
    assert Register(store).visitor(OWNER.token) == Visitor(OWNER.card, OWNER.card.token_hash, phone=False)
    assert register.phones(OWNER.card) == [Phone(HASH, DAY)]
    assert register.phones(OTHER.card) == []


def test_a_token_is_one_owners_alone() -> None:
    _, register = enrolled()
    register.add_phone(OWNER.card, HASH, DAY)
    for taken in (HASH, OWNER.card.token_hash, OTHER.card.token_hash):
        with pytest.raises(RelayError, match="is known here already"):
            register.add_phone(OTHER.card, taken, DAY)
    assert register.phones(OTHER.card) == []
    visitor = register.visitor(PHONE)
    assert visitor is not None
    assert visitor.owner == OWNER.card


def test_nobody_enrols_with_a_token_that_is_another_owners() -> None:
    store, register = enrolled()
    thief = OwnerCard(Owner(7).card.key, OWNER.card.token_hash)
    with pytest.raises(RelayError, match="is known here already"):
        register.allow(thief)
    assert f"owners/{thief.key}.json" not in store.objects
    assert register.owner_by_token(OWNER.token) == OWNER.card


def test_a_token_that_ended_is_nobodys_and_never_comes_back() -> None:
    store, register = enrolled()
    register.add_phone(OWNER.card, HASH, DAY)
    Endings(store).end("token", HASH, b"stolen")
    assert register.visitor(PHONE) is None
    assert register.visitor(OWNER.token) is not None
    with pytest.raises(RelayError, match="was revoked"):
        register.add_phone(OWNER.card, HASH, DAY)
    Endings(store).end("token", OWNER.card.token_hash, b"stolen")
    assert register.owner_by_token(OWNER.token) is None
    with pytest.raises(RelayError, match="was revoked"):
        register.allow(OWNER.card)


def test_a_doorbell_that_ended_is_a_stranger_and_never_comes_back() -> None:
    store, register = enrolled()
    assert register.doorbell(BELL.id) == BELL.card
    Endings(store).end("doorbell", BELL.id, b"stolen")
    assert register.doorbell(BELL.id) is None
    assert register.owned(OWNER.card, BELL.id) is None
    assert register.owned_by(OWNER.card) == [SECOND.card]
    with pytest.raises(RelayError, match="was revoked"):
        register.allow(BELL.card)
    assert register.card_of(BELL.id) == BELL.card
    assert BELL.card in register.doorbells()


def test_of_an_owner_who_ended_nothing_is_let_in() -> None:
    store, register = enrolled()
    register.add_phone(OWNER.card, HASH, DAY)
    Endings(store).end("owner", OWNER.card.key, b"moved away")
    assert register.visitor(OWNER.token) is register.visitor(PHONE) is None
    assert register.doorbell(BELL.id) is None
    assert register.owned_by(OWNER.card) == []
    for card in (OWNER.card, BELL.card, Doorbell(9, OWNER).card):
        with pytest.raises(RelayError, match="was revoked"):
            register.allow(card)
    assert register.owner_by_token(OTHER.token) == OTHER.card
    assert OWNER.card in register.owners()


@pytest.mark.parametrize(
    ("kind", "name"),
    [("token", OWNER.card.token_hash), ("owner", OWNER.card.key), ("doorbell", BELL.id)],
)
def test_whoever_was_let_in_is_welcome_until_something_ends(kind: str, name: str) -> None:
    store, register = enrolled()
    assert register.welcome(OWNER.card, OWNER.card.token_hash, BELL.id)
    Endings(store).end(kind, name, b"over")  # type: ignore[arg-type] # kinds are the test's
    assert not register.welcome(OWNER.card, OWNER.card.token_hash, BELL.id)
    assert register.welcome(OTHER.card, OTHER.card.token_hash)


def test_anothers_doorbell_and_none_at_all_take_the_same_work() -> None:
    store, register = enrolled()
    work = []
    for name in (BELL.id, "f" * 32):
        store.calls = Counter()
        assert register.owned(OTHER.card, name) is None
        work.append(dict(store.calls))
    assert work == [{"read": 1}] * 2


def test_an_owner_may_have_so_many_doorbells_and_phones() -> None:
    store, register = enrolled()
    for number in range(MAX_DOORBELLS_PER_OWNER - 2):
        store.put(f"owned/{OWNER.card.key}/{number:032x}", b"")
    with pytest.raises(RelayError, match="no more"):
        register.allow(Doorbell(9, OWNER).card)
    assert not register.allow(BELL.card)
    register.allow(Doorbell(9, OTHER).card)
    register.add_phone(OWNER.card, HASH, DAY)
    for number in range(MAX_PHONES_PER_OWNER - 1):
        store.put(f"phones/{OWNER.card.key}/{number:064x}", DAY.encode())
    with pytest.raises(RelayError, match="no more"):
        register.add_phone(OWNER.card, "ee" * 32, DAY)
    assert register.add_phone(OWNER.card, HASH, DAY) == Phone(HASH, DAY)


@pytest.mark.parametrize("damage", [b"", b"2026", b"2026-11-24\n", b"\xff"])
def test_a_phone_whose_day_is_damaged_is_let_in_by_nobody(damage: bytes) -> None:
    store, register = enrolled()
    register.add_phone(OWNER.card, HASH, DAY)
    store.objects[f"phones/{OWNER.card.key}/{HASH}"] = damage
    with pytest.raises(DamagedError, match="not a day"):
        register.visitor(PHONE)
