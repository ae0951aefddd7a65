"""What the relay can say about itself: counts and whether it works, with no name of a doorbell, clip or owner."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class State:
    """Changed by the event loop alone. `store_failure` and `broker_failure` are None while all is well."""

    stored: int = 0
    dropped: int = 0
    resent: int = 0
    healths: int = 0
    stored_bytes: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    store_failure: str | None = None
    broker_failure: str | None = "not connected yet"
    certificate_failure: str | None = None  # the one in use stays, as long as it lasts
    certificate_ends_s: int | None = None  # Unix seconds; None without TLS

    @property
    def healthy(self) -> bool:
        """Whether parts can come in and be kept."""
        return self.store_failure is None and self.broker_failure is None

    def report(self) -> dict[str, Any]:
        """Return what `GET /healthz` and `sealbell-relay status` show."""
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
            "refused": dict(sorted(self.refused.items())),
        }
