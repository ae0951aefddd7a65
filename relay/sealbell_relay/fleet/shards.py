"""Which of the 256 shards of doorbells this relay holds, of all relays that live: nobody assigns, each reckons. Pure.

Theory. Every relay ranks all relays for each shard by a hash of both names (rendezvous hashing: Thaler and Ravishankar,
1998), and the first that lives owns the shard. So a relay that joins or goes moves its own share alone, and relays that
see the same others agree without a word. They do not always see the same: then a shard has two holders for a while,
which costs work twice and nothing else, since storing is put-if-absent; or none, which costs a delay, since a doorbell
without a receipt sends again. Two are better than none: a shard is taken as soon as it is ours, and let go only once it
has been another's for a grace time. That is also what keeps a relay that comes and goes from moving anything at all.
"""

from collections.abc import Collection
from hashlib import sha256

SHARDS = tuple(f"{number:02x}" for number in range(256))
GRACE_S = 10.0  # longer than relays need to agree: membership.MAX_SILENT_BEATS and some


def owner(shard: str, relays: Collection[str]) -> str:
    """Return which of `relays`, at least one, a shard belongs to."""
    return max(relays, key=lambda relay: sha256(f"{shard} {relay}".encode()).digest())


def share(relay: str, relays: Collection[str]) -> frozenset[str]:
    """Return the shards that belong to `relay` among `relays`."""
    return frozenset(shard for shard in SHARDS if owner(shard, relays) == relay)


class Holding:
    """The shards that one relay holds: its share, and what was its share until a moment ago."""

    def __init__(self, relay: str, grace_s: float = GRACE_S) -> None:
        self._relay = relay
        self._grace_s = grace_s
        self._ours_at: dict[str, float] = {}

    def hold(self, live: Collection[str], now: float) -> frozenset[str]:
        """Return what to hold while `live`, itself among them, are the relays; `now` in seconds, never going back."""
        self._ours_at |= dict.fromkeys(share(self._relay, live), now)
        self._ours_at = {shard: at for shard, at in self._ours_at.items() if now < at + self._grace_s}
        return frozenset(self._ours_at)
