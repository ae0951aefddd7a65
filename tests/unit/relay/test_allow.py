"""Who is enrolled, and whose token it is."""

import pytest

from parts_factory import Doorbell, Owner
from sealbell_relay.allow import Register
from sealbell_relay.errors import DamagedError, RelayError
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
        register.doorbell(BELL.id)
    assert store.calls["read"] == 1


@pytest.mark.parametrize("damage", [b"", b"{}", OWNER.card.encode()])
def test_a_damaged_card_lets_nobody_in(damage: bytes) -> None:
    store = MemoryStore()
    store.objects[f"doorbells/{BELL.id}.json"] = damage
    with pytest.raises(DamagedError):
        Register(store).doorbell(BELL.id)
