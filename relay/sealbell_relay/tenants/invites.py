"""The codes by which an operator lets owners in, each once. A code is nowhere here, only its SHA-256.

    invites/{hash}          until when it may be used, Unix milliseconds; gone once used, cancelled or too old
    ended/invite/{hash}     the card of the owner who used it, or the operator's word

Of all relays that are asked at once, one puts the ending, and the invite was used by the owner whose card it put.
"""

from dataclasses import dataclass

from sealbell_relay.errors import RelayError
from sealbell_relay.store.store import Store
from sealbell_relay.tenants.endings import Endings
from sealbell_wire.invite import invite_hash, new_invite

INVITES = "invites"
DEFAULT_DAYS = 7
MAX_DAYS = 365
MAX_OPEN_INVITES = 1_000
MAX_OBJECT_BYTES = 16
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Invite:
    """An invite that nobody has used yet: SHA-256 of its code, and until when it may be, Unix milliseconds."""

    hash: str
    expires_ms: int


class Invites:
    """The invites in a store. Every method may raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._endings = Endings(store)

    def make(self, random_bytes: bytes, expires_ms: int, now_ms: int) -> str:
        """Make an invite of 17 random bytes and return its code, which is kept nowhere.

        RelayError if too many are open. What is too old is cleared away before.
        """
        self._sweep(now_ms)
        if len(self._store.list(INVITES).objects) >= MAX_OPEN_INVITES:
            raise RelayError(
                f"{MAX_OPEN_INVITES} invites are open, and there may be no more",
                hint="cancel some: sealbell-relay revoke DIR invite HASH; sealbell-relay status lists them",
            )
        self._store.put(f"{INVITES}/{invite_hash(random_bytes)}", str(expires_ms).encode("ascii"))
        return new_invite(random_bytes)

    def open(self, now_ms: int) -> list[Invite]:
        """Return the invites that may still be used, sorted by hash."""
        found = (Invite(entry.name, self._expires_ms(entry.name)) for entry in self._store.list(INVITES).objects)
        return [each for each in found if each.expires_ms > now_ms and not self._endings.ended("invite", each.hash)]

    def use(self, invite: str, card: bytes, now_ms: int) -> bool:
        """Use an invite, by its hash, for the owner with this card; False if it is none.

        True again for the same card, whose owner may not have heard the answer. To be followed by `close`.
        """
        if self._expires_ms(invite) > now_ms and self._endings.end("invite", invite, card):
            return True
        return self._endings.proof("invite", invite) == card

    def close(self, invite: str) -> None:
        """Clear an invite away whose owner is enrolled."""
        self._store.remove(f"{INVITES}/{invite}")

    def cancel(self, invite: str, proof: bytes) -> bool:
        """Let nobody use an invite any more; False if it was used or cancelled before."""
        cancelled = self._endings.end("invite", invite, proof)
        self.close(invite)
        return cancelled

    def _sweep(self, now_ms: int) -> None:
        for entry in self._store.list(INVITES).objects:
            if self._expires_ms(entry.name) <= now_ms or self._endings.ended("invite", entry.name):
                self.close(entry.name)

    def _expires_ms(self, invite: str) -> int:
        data = self._store.read(f"{INVITES}/{invite}", 0, MAX_OBJECT_BYTES) or b""
        return int(data) if data.isdigit() else 0
