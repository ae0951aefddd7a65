"""What the operator ends by a word of their own: a doorbell, an owner with all doorbells, a token, an invite.

It is for good, like what an owner ends. What was stored stays until its retention is over, unless all of it is to go.
"""

from sealbell_relay.errors import RelayError
from sealbell_relay.intake.healths import HEALTH
from sealbell_relay.store.archive import Archive
from sealbell_relay.store.store import Store
from sealbell_relay.tenants.allow import DOORBELLS, OWNED, OWNERS, TOKENS
from sealbell_relay.tenants.endings import Endings, Kind
from sealbell_relay.tenants.invites import INVITES, Invites
from sealbell_wire.ids import ZERO_ID

MIN_NAME_CHARS = 6
KNOWN: dict[Kind, str] = {"doorbell": DOORBELLS, "owner": OWNERS, "token": TOKENS, "invite": INVITES}


class Revocation:
    """Acts on a store, whether or not a relay serves it. Every method may raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._endings = Endings(store)
        self._archive = Archive(store, lambda _: None)

    def find(self, kind: Kind, name: str) -> str:
        """Return the whole name of what begins with `name`; RelayError unless that is one thing."""
        known = [entry.name.removesuffix(".json") for entry in self._store.list(KNOWN[kind]).objects]
        found = [each for each in known if each.startswith(name)] if len(name) >= MIN_NAME_CHARS else []
        if len(found) != 1:
            why = f"{len(found)} begin with it" if found else "there is none"
            raise RelayError(
                f"no {kind} is meant by {name!r}: {why}",
                hint=f"give its id, hash or key, at least the first {MIN_NAME_CHARS} digits: sealbell-relay knows DIR, "
                "for invites sealbell-relay status DIR",
            )
        return found[0]

    def end(self, kind: Kind, name: str, proof: bytes) -> bool:
        """End it; False if that was done before. With an owner end the doorbells, whose brokers know no owners."""
        if kind == "invite":
            return Invites(self._store).cancel(name, proof)
        ended = self._endings.end(kind, name, proof)
        for doorbell in self._doorbells(kind, name):
            self._endings.end("doorbell", doorbell, proof)
        return ended

    def remove(self, kind: Kind, name: str, proof: bytes) -> int:
        """Take away all clips and health of a doorbell, or of an owner's doorbells; return how many clips that were.

        That all is to go is written first, also of a doorbell that was only revoked until now. Relays may take parts
        for REMEMBERED_S after an ending: ask again then.
        """
        clips = 0
        for doorbell in self._doorbells(kind, name):
            self._endings.end("clips", doorbell, proof)
            for clip in self._archive.oldest_first(doorbell, ZERO_ID):
                self._archive.remove_all(doorbell, clip)
                clips += 1
            for entry in self._store.list(f"{HEALTH}/{doorbell}").objects:
                self._store.remove(f"{HEALTH}/{doorbell}/{entry.name}")
            self._store.settle(f"{HEALTH}/{doorbell}")
        return clips

    def _doorbells(self, kind: Kind, name: str) -> list[str]:
        if kind == "owner":
            return [entry.name for entry in self._store.list(f"{OWNED}/{name}").objects]
        return [name] if kind == "doorbell" else []
