"""What has ended for good: clips, doorbells, tokens and owners, each with the proof of who ended it. Written once.

    ended/{kind}/{name}     the owner's signed tombstone, or the operator's word

Nothing under `ended/` is ever removed, so whatever order two relays do things in, the ending wins: who deletes writes
the ending first and then removes what it finds; who stores asks before and once more after, and removes what it put.
"""

from collections.abc import Iterator
from typing import Literal, get_args

from sealbell_relay.store import Store

ENDED = "ended"
MAX_PROOF_BYTES = 65_536

Kind = Literal["clip", "doorbell", "token", "owner"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class Endings:
    """The endings in a store; a clip's name is DOORBELL/CLIP, others are one piece. Methods may raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def end(self, kind: Kind, name: str, proof: bytes) -> bool:
        """End something durably; False if that was done before."""
        return self._store.put(_path(kind, name), proof)

    def ended(self, kind: Kind, name: str) -> bool:
        """Whether it has ended."""
        return self._store.read(_path(kind, name), 0, 0) is not None

    def proof(self, kind: Kind, name: str) -> bytes | None:
        """Return who ended it, as it was given; None if it has not ended."""
        return self._store.read(_path(kind, name), 0, MAX_PROOF_BYTES)

    def names(self, kind: Kind) -> Iterator[str]:
        """Yield the names of all that have ended, sorted."""
        listing = self._store.list(f"{ENDED}/{kind}")
        yield from (entry.name for entry in listing.objects)
        for folder in listing.folders:
            yield from (f"{folder}/{entry.name}" for entry in self._store.list(f"{ENDED}/{kind}/{folder}").objects)


def _path(kind: Kind, name: str) -> str:
    return f"{ENDED}/{kind}/{name}"
