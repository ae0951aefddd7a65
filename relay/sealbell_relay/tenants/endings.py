"""What has ended for good: clips, doorbells, tokens, owners and invites, each with the proof of who ended it.

    ended/{kind}/{name}     the owner's signed tombstone, or the operator's word; of an invite the card that used it

Nothing under `ended/` is ever removed, so whatever order two relays do things in, the ending wins: who deletes writes
the ending first and then removes what it finds; who stores asks before and once more after, and removes what it put.
"""

from collections.abc import Callable, Iterator
from typing import Literal, get_args

from sealbell_relay.store.store import Store

ENDED = "ended"
MAX_PROOF_BYTES = 65_536
REMEMBERED_S = 0.5
MAX_REMEMBERED_NAMES = 65_536
ENDLESS_S = float("inf")
REVOKED, DELETED = b"revoked", b"deleted"  # what an operator's word begins with; a tombstone begins with its magic

# `clips`: all of a doorbell, by its id, is to go, though its own ending says only that it was revoked
Kind = Literal["clip", "clips", "doorbell", "token", "owner", "invite"]
KINDS: tuple[Kind, ...] = get_args(Kind)


def operators_word(when: str, delete: bool) -> bytes:
    """Return the proof of an ending that no owner signed; `when` is a time for people, `delete` whether all may go."""
    return (DELETED if delete else REVOKED) + f" by the operator of the relay, {when}\n".encode("ascii")


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


class RecentEndings:
    """Endings for whoever asks again and again: what had not ended REMEMBERED_S ago is taken for not ended.

    So an ending that any relay writes holds here within that time and one look at the store; and from then on without
    a look, since nothing that has ended begins anew. `monotonic` returns seconds.
    """

    def __init__(self, endings: Endings, monotonic: Callable[[], float]) -> None:
        self._endings = endings
        self._monotonic = monotonic
        self._remembered: dict[str, float] = {}  # until when to believe that it has not ended; without end if it has

    def ended(self, kind: Kind, name: str) -> bool:
        """Whether it has ended."""
        path, asked_s = _path(kind, name), self._monotonic()
        until_s = self._remembered.get(path)
        if until_s is not None and (until_s == ENDLESS_S or asked_s < until_s):
            return until_s == ENDLESS_S
        ended = self._endings.ended(kind, name)
        if len(self._remembered) >= MAX_REMEMBERED_NAMES:
            self._remembered.clear()
        self._remembered[path] = ENDLESS_S if ended else asked_s + REMEMBERED_S
        return ended


def _path(kind: Kind, name: str) -> str:
    return f"{ENDED}/{kind}/{name}"
