"""What a store tells of its tenants: how many there are, who may look, and what has ended, by whose word."""

import base64
from datetime import UTC, datetime
from typing import Any

from sealbell_relay.store.store import Store
from sealbell_relay.tenants.allow import DOORBELLS, OWNERS, Register
from sealbell_relay.tenants.endings import DELETED, REVOKED, Endings, Kind
from sealbell_relay.tenants.invites import Invites
from sealbell_wire.enrolment import OwnerCard


def owner_fields(store: Store, owner: OwnerCard) -> dict[str, Any]:
    """Return all that is known of an owner."""
    phones = [{"token_hash": phone.token_hash, "added": phone.added} for phone in Register(store).phones(owner)]
    ended = ended_by(store, "owner", owner.key)
    return {"key": owner.key, "token_hash": owner.token_hash, "phones": phones, "ended": ended}


def ended_by(store: Store, kind: Kind, name: str) -> str | None:
    """Return whose word ended something: the operator's as it is, an owner's in base64; None if it has not ended."""
    proof = Endings(store).proof(kind, name)
    if proof is None:
        return None
    if proof.startswith((REVOKED, DELETED)):
        return proof.decode("ascii", "backslashreplace").strip()
    return base64.b64encode(proof).decode("ascii")


def tenants(store: Store, now_ms: int) -> dict[str, Any]:
    """Return counts of owners and doorbells that have not ended, and the open invites with their last moment."""
    endings = Endings(store)
    owners = {entry.name.removesuffix(".json") for entry in store.list(OWNERS).objects}
    doorbells = {entry.name.removesuffix(".json") for entry in store.list(DOORBELLS).objects}
    return {
        "owners": len(owners - set(endings.names("owner"))),
        "doorbells": len(doorbells - set(endings.names("doorbell"))),
        "invites": {
            invite.hash: datetime.fromtimestamp(invite.expires_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
            for invite in Invites(store).open(now_ms)
        },
    }
