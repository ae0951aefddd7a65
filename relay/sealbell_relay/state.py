"""What the relay can say about itself: counts and whether it works, with no name of a doorbell, clip or owner."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sealbell_relay.intake.heard import Heard


@dataclass(slots=True)
class State:
    """Changed by the event loop alone. `store_failure` and `broker_failure` are None while all is well.

    `holding` is why the relay takes nothing although all works: it stops, or is being restored. `turned_away` counts
    HTTP connections and requests by the reason of their refusal.
    """

    stored: int = 0
    dropped: int = 0
    resent: int = 0
    receipts: int = 0  # to parts, whatever they say
    healths: int = 0
    stored_bytes: int = 0
    deleted: int = 0  # tombstones that were obeyed
    expired: int = 0  # clips whose days were over
    over_quota: int = 0  # clips that went since their owner's quota was full
    relays: int = 1
    shards: int = 256
    refused: Counter[str] = field(default_factory=Counter)
    store_failure: str | None = None
    broker_failure: str | None = "not connected yet"
    certificate_failure: str | None = None  # the one in use stays, as long as it lasts
    certificate_ends_s: int | None = None  # Unix seconds; None without TLS
    holding: str | None = None
    turned_away: Counter[str] = field(default_factory=Counter)
    heard: Heard = field(default_factory=Heard)

    @property
    def healthy(self) -> bool:
        """Whether parts can come in and be kept."""
        return self.store_failure is None and self.broker_failure is None

    @property
    def unready(self) -> str | None:
        """Why doorbells and owners should be sent elsewhere; None if they are welcome."""
        return self.holding or self.broker_failure or self.store_failure

    def report(self) -> dict[str, Any]:
        """Return what `sealbell-relay status` shows."""
        return {
            "healthy": self.healthy,
            "store": self.store_failure or "ok",
            "broker": self.broker_failure or "ok",
            "certificate": self.certificate_failure or "ok",
            "stored": self.stored,
            "dropped": self.dropped,
            "resent": self.resent,
            "healths": self.healths,
            "stored_bytes": self.stored_bytes,
            "deleted": self.deleted,
            "expired": self.expired,
            "over_quota": self.over_quota,
            "relays": self.relays,
            "shards": self.shards,
            "refused": dict(sorted(self.refused.items())),
            "turned_away": dict(sorted(self.turned_away.items())),
        }
