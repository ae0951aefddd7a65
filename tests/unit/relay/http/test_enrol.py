"""Who is let in: by an invite once, by two signatures, and again by whoever was interrupted."""

from dataclasses import dataclass, field

import pytest

from parts_factory import Doorbell, Owner
from sealbell_relay.broker.credentials import Credentials
from sealbell_relay.errors import RelayError, RequestError, StoreError
from sealbell_relay.http.bodies import Joining
from sealbell_relay.http.enrol import NO_INVITE, Enrolling
from sealbell_relay.store.store import Store
from sealbell_relay.tenants.allow import Phone, Register
from sealbell_relay.tenants.endings import Endings
from sealbell_relay.tenants.invites import DAY_MS, Invites
from sealbell_wire.enrolment import Introduction
from sealbell_wire.invite import invite_hash
from store_doubles import MemoryStore

NOW_MS = 1_790_000_000_000
TODAY = "2026-09-21"
OWNER, OTHER = Owner(1), Owner(2)
BELL = Doorbell(1, OWNER)
SECRET = "5e" * 32
INTRODUCTION = Introduction.sign(BELL.key, OWNER.card.key, SECRET)
RANDOM = bytes(range(17))
INVITE = invite_hash(RANDOM)


@dataclass
class CutStore(MemoryStore):
    """Fails at the so-manieth put and from then on, as a relay does that is killed."""

    puts_left: int = 1_000
    names: list[str] = field(default_factory=list)

    def put(self, name: str, data: bytes) -> bool:
        self.puts_left -= 1
        if self.puts_left < 0:
            raise StoreError("killed")
        self.names.append(name)
        return super().put(name, data)

    def remove(self, name: str) -> None:
        if self.puts_left < 0:
            raise StoreError("killed")
        super().remove(name)


def enrolling(store: Store, now_ms: int = NOW_MS) -> Enrolling:
    return Enrolling(store, Register(store), lambda: now_ms)


def invited(store: Store) -> None:
    Invites(store).make(RANDOM, NOW_MS + DAY_MS, NOW_MS)


def test_an_invite_enrols_one_owner_and_is_gone() -> None:
    store = MemoryStore()
    invited(store)
    assert enrolling(store).owner(Joining(OWNER.card, INVITE))
    assert Register(store).owner_by_token(OWNER.token) == OWNER.card
    assert Invites(store).open(NOW_MS) == []
    with pytest.raises(RequestError):
        enrolling(store).owner(Joining(OTHER.card, INVITE))
    assert Register(store).owner_by_token(OTHER.token) is None


def test_whatever_is_wrong_with_an_invite_the_answer_and_the_work_are_the_same() -> None:
    answers = set()
    for how in ("unknown", "used", "used and cleared", "expired", "cancelled", "mistyped"):
        store, now_ms = MemoryStore(), NOW_MS
        if how != "unknown":
            invited(store)
        if how.startswith("used"):
            Invites(store).use(INVITE, OTHER.card.encode(), NOW_MS)
        if how == "used and cleared":
            Invites(store).close(INVITE)
        if how == "cancelled":
            Invites(store).cancel(INVITE, b"by the operator")
        if how == "expired":
            now_ms += DAY_MS
        store.calls.clear()
        with pytest.raises(RequestError) as refused:
            enrolling(store, now_ms).owner(Joining(OWNER.card, None if how == "mistyped" else INVITE))
        reads = 0 if how == "mistyped" else store.calls["read"]
        answers.add((refused.value.status, str(refused.value), reads or 2))
        assert Register(store).owner_by_token(OWNER.token) is None
    assert answers == {(403, NO_INVITE, 2)}


@pytest.mark.parametrize("puts", range(5))
def test_an_owner_who_was_interrupted_is_enrolled_by_the_same_request(puts: int) -> None:
    store = CutStore()
    invited(store)
    store.puts_left = puts
    try:
        enrolling(store).owner(Joining(OWNER.card, INVITE))
    except StoreError:
        store.puts_left = 1_000
        enrolling(store).owner(Joining(OWNER.card, INVITE))
    store.puts_left = 1_000
    assert Register(store).owner_by_token(OWNER.token) == OWNER.card
    assert not enrolling(store).owner(Joining(OWNER.card, INVITE))


def test_an_owners_key_is_not_enrolled_with_another_token() -> None:
    store = MemoryStore()
    invited(store)
    Register(store).allow(OWNER.card)
    forged = type(OWNER.card)(OWNER.card.key, OTHER.card.token_hash)
    with pytest.raises(RelayError, match="enrolled already"):
        enrolling(store).owner(Joining(forged, INVITE))
    assert Register(store).owner_by_token(OTHER.token) is None


def test_a_doorbell_is_enrolled_with_its_credential_by_the_owner_that_it_names() -> None:
    store = MemoryStore()
    Register(store).allow(OWNER.card)
    assert enrolling(store).doorbell(OWNER.card, INTRODUCTION)
    assert not enrolling(store).doorbell(OWNER.card, INTRODUCTION)
    assert Register(store).owned_by(OWNER.card) == [BELL.card]
    assert Credentials(store).account(BELL.id) is not None
    assert all(SECRET.encode() not in data for data in store.objects.values())


def test_another_owner_neither_takes_a_doorbell_nor_learns_that_it_is_there() -> None:
    empty, full = MemoryStore(), MemoryStore()
    enrolling(full).doorbell(OWNER.card, INTRODUCTION)
    said = []
    for store in (empty, full):
        before = dict(store.objects)
        store.calls.clear()
        with pytest.raises(RequestError) as refused:
            enrolling(store).doorbell(OTHER.card, INTRODUCTION)
        said.append((refused.value.status, str(refused.value), dict(store.calls)))
        assert store.objects == before
    assert said[0] == said[1]


def test_a_doorbell_has_one_credential_for_good() -> None:
    store = MemoryStore()
    enrolling(store).doorbell(OWNER.card, INTRODUCTION)
    before = Credentials(store).account(BELL.id)
    with pytest.raises(RelayError, match="another credential"):
        enrolling(store).doorbell(OWNER.card, Introduction.sign(BELL.key, OWNER.card.key, "5f" * 32))
    assert Credentials(store).account(BELL.id) == before


@pytest.mark.parametrize("puts", range(4))
def test_a_doorbell_that_was_interrupted_is_enrolled_by_the_same_request(puts: int) -> None:
    store = CutStore(puts_left=puts)
    try:
        enrolling(store).doorbell(OWNER.card, INTRODUCTION)
    except StoreError:
        store.puts_left = 1_000
        enrolling(store).doorbell(OWNER.card, INTRODUCTION)
    assert Register(store).owned_by(OWNER.card) == [BELL.card]
    assert Credentials(store).account(BELL.id) is not None


@pytest.mark.parametrize(("kind", "name"), [("doorbell", BELL.id), ("owner", OWNER.card.key)])
def test_what_has_ended_is_not_enrolled_again(kind: str, name: str) -> None:
    store = MemoryStore()
    Endings(store).end(kind, name, b"over")  # type: ignore[arg-type] # kinds are the test's
    with pytest.raises(RelayError, match="was revoked"):
        enrolling(store).doorbell(OWNER.card, INTRODUCTION)
    assert Credentials(store).names() == []


def test_a_doorbell_of_an_owner_who_ends_meanwhile_ends_too() -> None:
    @dataclass
    class RevokedMeanwhile(MemoryStore):
        def put(self, name: str, data: bytes) -> bool:
            if name.startswith("credentials/"):
                self.objects[f"ended/owner/{OWNER.card.key}"] = b"meanwhile"
            return super().put(name, data)

    store = RevokedMeanwhile()
    with pytest.raises(RequestError) as refused:
        enrolling(store).doorbell(OWNER.card, INTRODUCTION)
    assert refused.value.status == 401
    assert Endings(store).proof("doorbell", BELL.id) == b"meanwhile"


def test_phones_are_added_with_the_day_and_listed_until_they_end() -> None:
    store = MemoryStore()
    assert enrolling(store).phone(OWNER.card, "ab" * 32) == (Phone("ab" * 32, TODAY), True)
    assert enrolling(store, NOW_MS + DAY_MS).phone(OWNER.card, "ab" * 32) == (Phone("ab" * 32, TODAY), False)
    assert enrolling(store).phones(OWNER.card) == [Phone("ab" * 32, TODAY)]
    Endings(store).end("token", "ab" * 32, b"stolen")
    assert enrolling(store).phones(OWNER.card) == []
