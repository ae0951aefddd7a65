"""Who is enrolled: doorbells and owners, each by the card of public keys that they handed over. Written once.

doorbells/{id}.json            the doorbell's card
owners/{key}.json              the owner's card
owned/{owner's key}/{id}       empty: which doorbells an owner's token shows
tokens/{SHA-256 of a token}    whose token it is; the token itself is nowhere
phones/{owner's key}/{hash}    the day on which a phone's token was added; the owner's own stands on the card

Whoever has ended (endings.py) is nobody here, though what was written stays.
"""

import hashlib
import hmac
import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sealbell_relay.errors import DamagedError, RelayError
from sealbell_relay.store.store import Store
from sealbell_relay.tenants.endings import Endings, Kind
from sealbell_wire.enrolment import MAX_FILE_BYTES, DoorbellCard, OwnerCard, parse_card
from sealbell_wire.errors import WireError

DOORBELLS = "doorbells"
OWNERS = "owners"
OWNED = "owned"
TOKENS = "tokens"
PHONES = "phones"
MAX_DOORBELLS_PER_OWNER = 256  # ever enrolled; those that have ended count, or they could be made without end
MAX_PHONES_PER_OWNER = 256  # likewise
MAX_DOORBELLS_REMEMBERED = 16_384
TAKEN = "this token was revoked, or is known here already"
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z", re.ASCII)

Card = TypeVar("Card", DoorbellCard, OwnerCard)


class Asked(Protocol):
    """Whom to ask about endings: a store's Endings at each use, or RecentEndings."""

    def ended(self, kind: Kind, name: str) -> bool:
        """Whether it has ended."""
        ...


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who shows a token: the owner, its SHA-256 in hex, and whether it is a phone's or the owner's own."""

    owner: OwnerCard
    token: str
    phone: bool


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone of an owner: SHA-256 of its token in hex, and the day (YYYY-MM-DD, UTC) on which it was added."""

    token_hash: str
    added: str


class Register:
    """The enrolled doorbells and owners in a store. Every method may raise StoreError.

    `endings` is asked at each use; without one the store is.
    """

    def __init__(self, store: Store, endings: Asked | None = None) -> None:
        self._store = store
        self._endings = endings or Endings(store)
        self._doorbells: OrderedDict[str, DoorbellCard] = OrderedDict()

    def allow(self, card: DoorbellCard | OwnerCard) -> bool:
        """Enrol whoever the card names; False if that was done before.

        RelayError if another card was enrolled, if it has ended, or if the owner has too many.
        """
        if isinstance(card, OwnerCard):
            return self._allow_owner(card)
        if self._has_ended(card):
            raise RelayError("this doorbell or its owner was revoked here", hint="set it up anew: it draws a new key")
        owned = self._store.list(f"{OWNED}/{card.owner}").objects
        if len(owned) >= MAX_DOORBELLS_PER_OWNER and card.doorbell not in {entry.name for entry in owned}:
            raise RelayError(f"this owner has had {MAX_DOORBELLS_PER_OWNER} doorbells here, and may have no more")
        made = self._put_card(f"{DOORBELLS}/{card.doorbell}.json", card, "doorbell")
        self._store.put(f"{OWNED}/{card.owner}/{card.doorbell}", b"")
        return made

    def _allow_owner(self, card: OwnerCard) -> bool:
        if self._endings.ended("owner", card.key) or self._endings.ended("token", card.token_hash):
            raise RelayError("this owner was revoked here", hint="an owner of new words is another owner")
        self._claim(card.token_hash, card)
        return self._put_card(f"{OWNERS}/{card.key}.json", card, "owner")

    def add_phone(self, owner: OwnerCard, token_hash: str, day: str) -> Phone:
        """Let a phone in by the SHA-256 of its token; the same again changes nothing.

        RelayError if the token is another's, has ended, or if the owner has too many.
        """
        name = f"{PHONES}/{owner.key}/{token_hash}"
        if self._endings.ended("token", token_hash) or token_hash == owner.token_hash:
            raise RelayError(TAKEN, hint="a phone draws a new one")
        phones = self.phones(owner)
        if len(phones) >= MAX_PHONES_PER_OWNER and token_hash not in {phone.token_hash for phone in phones}:
            raise RelayError(f"this owner has had {MAX_PHONES_PER_OWNER} phones here, and may have no more")
        self._claim(token_hash, owner)
        self._store.put(name, day.encode("ascii"))
        return Phone(token_hash, self._day(name) or day)

    def phones(self, owner: OwnerCard) -> list[Phone]:
        """Return every phone that was ever added, sorted by hash."""
        names = (entry.name for entry in self._store.list(f"{PHONES}/{owner.key}").objects)
        days = ((name, self._day(f"{PHONES}/{owner.key}/{name}")) for name in names)
        return [Phone(name, day) for name, day in days if day is not None]

    def doorbell(self, doorbell: str) -> DoorbellCard | None:
        """Return a doorbell's card; None if it is not enrolled, or it or its owner has ended."""
        card = self.card_of(doorbell)
        return None if card is None or self._has_ended(card) else card

    def card_of(self, doorbell: str) -> DoorbellCard | None:
        """Return the card that a doorbell was enrolled with, also if it has ended; None if it never was.

        Cards never change, so one that was read is kept.
        """
        if card := self._doorbells.get(doorbell):
            return card
        card = self._card(f"{DOORBELLS}/{doorbell}.json", DoorbellCard)
        if card is not None:
            self._doorbells[doorbell] = card
            if len(self._doorbells) > MAX_DOORBELLS_REMEMBERED:
                self._doorbells.popitem(last=False)
        return card

    def owned(self, owner: OwnerCard, doorbell: str) -> DoorbellCard | None:
        """Return the card of a doorbell of this owner; None if it is another's, or not there, after the same work."""
        if self._store.read(f"{OWNED}/{owner.key}/{doorbell}", 0, 0) is None:
            return None
        card = self.doorbell(doorbell)
        return card if card is not None and card.owner == owner.key else None

    def visitor(self, token: bytes) -> Visitor | None:
        """Return whose 32-byte token this is; None if it is nobody's, or token or owner has ended."""
        shown = hashlib.sha256(token).hexdigest()
        key = self._store.read(f"{TOKENS}/{shown}", 0, 64)
        if not key:
            return None
        owner = self._card(f"{OWNERS}/{key.decode('ascii', 'replace')}.json", OwnerCard)
        if owner is None or not self.welcome(owner, shown):
            return None
        # The name was found by its hash already; compared again, so that only what the owner said counts.
        if hmac.compare_digest(owner.token_hash, shown):
            return Visitor(owner, shown, phone=False)
        return Visitor(owner, shown, phone=True) if self._day(f"{PHONES}/{owner.key}/{shown}") else None

    def owner_by_token(self, token: bytes) -> OwnerCard | None:
        """Return the owner whose 32-byte token this is; None if it is nobody's."""
        visitor = self.visitor(token)
        return visitor.owner if visitor else None

    def welcome(self, owner: OwnerCard, token: str, doorbell: str | None = None) -> bool:
        """Whether none of these has ended: who was let in may go on."""
        return not (
            self._endings.ended("token", token)
            or self._endings.ended("owner", owner.key)
            or (doorbell is not None and self._endings.ended("doorbell", doorbell))
        )

    def owned_by(self, owner: OwnerCard) -> list[DoorbellCard]:
        """Return the cards of an owner's doorbells, sorted by id."""
        names = (entry.name for entry in self._store.list(f"{OWNED}/{owner.key}").objects)
        cards = (self.doorbell(name) for name in names)
        return [card for card in cards if card is not None and card.owner == owner.key]

    def doorbells(self) -> list[DoorbellCard]:
        """Return every card that a doorbell was enrolled with, also of those that have ended, sorted by id."""
        names = (entry.name.removesuffix(".json") for entry in self._store.list(DOORBELLS).objects)
        return [card for card in map(self.card_of, names) if card is not None]

    def owners(self) -> list[OwnerCard]:
        """Return every card that an owner was enrolled with, also of those that have ended, sorted by key."""
        names = (entry.name for entry in self._store.list(OWNERS).objects)
        return [card for card in (self._card(f"{OWNERS}/{name}", OwnerCard) for name in names) if card is not None]

    def owner(self, key: str) -> OwnerCard | None:
        """Return the card that an owner was enrolled with; None if there is none."""
        return self._card(f"{OWNERS}/{key}.json", OwnerCard)

    def _claim(self, token_hash: str, owner: OwnerCard) -> None:
        # First of all, so that a card, or an owner's list of phones, names no token that is another owner's.
        key = owner.key.encode("ascii")
        if not self._store.put(f"{TOKENS}/{token_hash}", key) and self._store.read(f"{TOKENS}/{token_hash}") != key:
            raise RelayError(TAKEN, hint="whoever has the token shows another's: draw a new one")

    def _has_ended(self, card: DoorbellCard) -> bool:
        return self._endings.ended("doorbell", card.doorbell) or self._endings.ended("owner", card.owner)

    def _day(self, name: str) -> str | None:
        data = self._store.read(name, 0, MAX_FILE_BYTES)
        if data is None:
            return None
        day = data.decode("ascii", "replace")
        if not DAY.match(day):
            raise DamagedError(f"the store holds a damaged {name}: it is not a day")
        return day

    def _put_card(self, name: str, card: DoorbellCard | OwnerCard, what: str) -> bool:
        data = card.encode()
        if self._store.put(name, data):
            return True
        if self._store.read(name) == data:
            return False
        raise RelayError(
            f"this {what}'s key is enrolled already, with other words on its card",
            hint=f"a {what} that was set up anew has a new key; ask for the card of today",
        )

    def _card(self, name: str, kind: type[Card]) -> Card | None:
        data = self._store.read(name, 0, MAX_FILE_BYTES + 1)
        if data is None:
            return None
        try:
            card = parse_card(data)
        except WireError as damage:
            raise DamagedError(f"the store holds a damaged {name}: {damage}") from damage
        if not isinstance(card, kind):
            raise DamagedError(f"the store holds a {type(card).__name__} under {name}")
        return card
