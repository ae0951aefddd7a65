"""Who is enrolled: doorbells and owners, each by the card of public keys that they handed over. Written once.

doorbells/{id}.json            the doorbell's card
owners/{key}.json              the owner's card
owned/{owner's key}/{id}       empty: which doorbells an owner's token shows
tokens/{SHA-256 of a token}    whose token it is; the token itself is nowhere
"""

import hashlib
import hmac
from collections import OrderedDict
from typing import TypeVar

from sealbell_relay.errors import DamagedError, RelayError
from sealbell_relay.store import Store
from sealbell_wire.enrolment import MAX_FILE_BYTES, DoorbellCard, OwnerCard, parse_card
from sealbell_wire.errors import WireError

DOORBELLS = "doorbells"
OWNERS = "owners"
OWNED = "owned"
TOKENS = "tokens"
MAX_DOORBELLS_REMEMBERED = 16_384

Card = TypeVar("Card", DoorbellCard, OwnerCard)


class Register:
    """The enrolled doorbells and owners in a store. Every method may raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._doorbells: OrderedDict[str, DoorbellCard] = OrderedDict()

    def allow(self, card: DoorbellCard | OwnerCard) -> bool:
        """Enrol whoever the card names; False if that was done before. RelayError if another card was enrolled."""
        if isinstance(card, DoorbellCard):
            made = self._put_card(f"{DOORBELLS}/{card.doorbell}.json", card, "doorbell")
            self._store.put(f"{OWNED}/{card.owner}/{card.doorbell}", b"")
            return made
        made = self._put_card(f"{OWNERS}/{card.key}.json", card, "owner")
        self._store.put(f"{TOKENS}/{card.token_hash}", card.key.encode("ascii"))
        return made

    def doorbell(self, doorbell: str) -> DoorbellCard | None:
        """Return a doorbell's card; None if it is not enrolled. Cards never change, so one that was read is kept."""
        if card := self._doorbells.get(doorbell):
            return card
        card = self._card(f"{DOORBELLS}/{doorbell}.json", DoorbellCard)
        if card is not None:
            self._doorbells[doorbell] = card
            if len(self._doorbells) > MAX_DOORBELLS_REMEMBERED:
                self._doorbells.popitem(last=False)
        return card

    def owner_by_token(self, token: bytes) -> OwnerCard | None:
        """Return the owner whose 32-byte token this is; None if it is nobody's."""
        shown = hashlib.sha256(token).hexdigest()
        key = self._store.read(f"{TOKENS}/{shown}", 0, 64)
        if not key:
            return None
        card = self._card(f"{OWNERS}/{key.decode('ascii', 'replace')}.json", OwnerCard)
        # The name was found by its hash already; compared again, so that the card alone says which token counts.
        return card if card is not None and hmac.compare_digest(card.token_hash, shown) else None

    def owned_by(self, owner: OwnerCard) -> list[DoorbellCard]:
        """Return the cards of an owner's doorbells, sorted by id."""
        names = (entry.name for entry in self._store.list(f"{OWNED}/{owner.key}").objects)
        cards = (self.doorbell(name) for name in names)
        return [card for card in cards if card is not None and card.owner == owner.key]

    def doorbells(self) -> list[DoorbellCard]:
        """Return every enrolled doorbell's card, sorted by id."""
        names = (entry.name.removesuffix(".json") for entry in self._store.list(DOORBELLS).objects)
        return [card for card in map(self.doorbell, names) if card is not None]

    def owners(self) -> list[OwnerCard]:
        """Return every enrolled owner's card, sorted by key."""
        names = (entry.name for entry in self._store.list(OWNERS).objects)
        return [card for card in (self._card(f"{OWNERS}/{name}", OwnerCard) for name in names) if card is not None]

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
