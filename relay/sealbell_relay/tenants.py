"""How many tenants a store knows, by the names in it alone: for the operator, also of a relay that does not serve."""

from datetime import UTC, datetime
from typing import Any

from sealbell_relay.allow import DOORBELLS, OWNERS
from sealbell_relay.endings import Endings
from sealbell_relay.invites import Invites
from sealbell_relay.store import Store


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
