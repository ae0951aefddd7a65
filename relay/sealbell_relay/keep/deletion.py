"""Ends what an owner's tombstone names, and removes all of it (SPEC 16.1).

    1  ledger       a second copy of the tombstone, elsewhere, if the operator has one kept
    2  ended/       from here on nothing of it is shown or taken, whoever asks whichever relay
    3  tombstones/  which tombstones are this owner's
    4  clips/ ...   removed
    5  receipt      signed, once the removal is durable

Whoever dies in between is asked again, by an owner who has no receipt or by the sweeper, and every step may be taken
twice. What a relay stores at the same time it removes itself, since it asks again once it has stored (intake.py).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sealbell_relay.follow.noticed import NOTICES
from sealbell_relay.intake.healths import HEALTH
from sealbell_relay.store.archive import Archive
from sealbell_relay.store.places import bucket_of
from sealbell_relay.store.store import Store
from sealbell_relay.tenants.allow import TOKENS, Register
from sealbell_relay.tenants.endings import DELETED, ENDED, Endings
from sealbell_wire.errors import WireError
from sealbell_wire.ids import ZERO_ID
from sealbell_wire.limits import MAX_TOMBSTONES_PER_REQUEST
from sealbell_wire.receipt import NO_REASON, Receipt
from sealbell_wire.tombstone import MAGIC, Tombstone, read_tombstone

TOMBSTONES = "tombstones"
MAX_FRAME_BYTES = 2_048


class Ledger(Protocol):
    """A second copy of what must not be forgotten."""

    def note(self, frame: bytes) -> None:
        """Return once `frame` is durable in it; StoreError if that fails."""
        ...


@dataclass(frozen=True, slots=True)
class Page:
    """Some of an owner's tombstones as frames; `next` is where to go on, None if these are the last."""

    frames: tuple[bytes, ...]
    next: str | None


class Deletion:
    """Synchronous and blocking. `wall_ms` returns Unix milliseconds. Every method may raise StoreError."""

    def __init__(
        self,
        store: Store,
        archive: Archive,
        register: Register,
        key: Ed25519PrivateKey,
        wall_ms: Callable[[], int],
        ledger: Ledger | None,
    ) -> None:
        self._store = store
        self._archive = archive
        self._register = register
        self._endings = Endings(store)
        self._key = key
        self._wall_ms = wall_ms
        self._ledger = ledger

    def may(self, owner: str, tombstone: Tombstone) -> bool:
        """Whether the owner with this key may end what the tombstone names: it is theirs, or nobody's token here."""
        if tombstone.owner != owner:
            return False
        if tombstone.kind == "token":
            whose = self._store.read(f"{TOKENS}/{tombstone.name}", 0, 64)
            return whose is None or whose.decode("ascii", "replace") == owner
        card = self._register.card_of(tombstone.doorbell)
        return card is not None and card.owner == owner

    def obey(self, tombstone: Tombstone, frame: bytes) -> bytes:
        """End and remove what the tombstone names, which its owner may do (`may`); return the signed receipt."""
        if self._ledger is not None:
            self._ledger.note(frame)
        self.end(tombstone, frame)
        clip = tombstone.name if tombstone.kind == "clip" else ZERO_ID
        receipt = Receipt(tombstone.doorbell, clip, 0, tombstone.hash, "deleted", NO_REASON, self._wall_ms())
        return receipt.sign(self._key)

    def end(self, tombstone: Tombstone, frame: bytes) -> None:
        """Do the same without a receipt, and without noting it in the ledger."""
        kind, doorbell, name = tombstone.kind, tombstone.doorbell, tombstone.name
        self._endings.end(kind, {"clip": f"{doorbell}/{name}", "doorbell": doorbell, "token": name}[kind], frame)
        self._store.put(f"{TOMBSTONES}/{tombstone.owner}/{pointer(tombstone)}", b"")
        if kind == "clip":
            self._archive.remove_all(doorbell, name)
        elif kind == "doorbell":
            self.remove_doorbell(doorbell)

    def page(self, owner: str, after: str | None) -> Page:
        """Return up to MAX_TOMBSTONES_PER_REQUEST of an owner's tombstones, those whose names sort behind `after`."""
        names = [entry.name for entry in self._store.list(f"{TOMBSTONES}/{owner}").objects]
        names = [name for name in names if after is None or name > after]
        shown = names[:MAX_TOMBSTONES_PER_REQUEST]
        more = shown[-1] if len(names) > len(shown) else None
        return Page(tuple(frame for name in shown if (frame := self._frame(name))), more)

    def leftovers(self) -> Iterator[tuple[str, str]]:
        """Yield (doorbell, clip) of what has ended and is still there: one listing a doorbell and bucket."""
        for doorbell in self._store.list(f"{ENDED}/clip").folders:
            stored = set(self._archive.buckets(doorbell))
            ended = [entry.name for entry in self._store.list(f"{ENDED}/clip/{doorbell}").objects]
            for bucket in sorted(stored & {bucket_of(clip) for clip in ended}):
                there = set(self._archive.clips_in(doorbell, bucket))
                yield from ((doorbell, clip) for clip in ended if clip in there)
        for doorbell in self._deleted_doorbells():
            yield from ((doorbell, clip) for clip in self._archive.oldest_first(doorbell, ""))

    def finish(self) -> int:
        """Remove what has ended and is still there, because a relay died; return how many clips that were."""
        found = 0
        for doorbell, clip in self.leftovers():
            self._archive.remove_all(doorbell, clip)
            found += 1
        for doorbell in self._deleted_doorbells():
            self._remove_rest(doorbell)
        return found

    def _deleted_doorbells(self) -> Iterator[str]:
        """Yield those of which all is to go: what the operator has only revoked is kept for its days."""
        for doorbell in self._endings.names("doorbell"):
            proof = self._endings.proof("doorbell", doorbell) or b""
            if proof.startswith((MAGIC, DELETED)) or self._endings.ended("clips", doorbell):
                yield doorbell

    def remove_doorbell(self, doorbell: str) -> None:
        """Take away all clips, health and notices of a doorbell that has ended."""
        for clip in self._archive.oldest_first(doorbell, ""):
            self._archive.remove_all(doorbell, clip)
        self._remove_rest(doorbell)

    def _remove_rest(self, doorbell: str) -> None:
        for prefix in (f"{HEALTH}/{doorbell}", f"{NOTICES}/{doorbell}"):
            for entry in self._store.list(prefix).objects:
                self._store.remove(f"{prefix}/{entry.name}")
            self._store.settle(prefix)

    def _frame(self, name: str) -> bytes | None:
        kind, _, rest = name.partition("-")
        frame = self._endings.proof(kind, rest.replace("-", "/"))  # type: ignore[arg-type] # names are our own
        try:
            read_tombstone(frame or b"")
        except WireError:  # the operator had ended it before; fsck tells if it is damage
            return None
        return frame


def pointer(tombstone: Tombstone) -> str:
    """Return the last piece of the name under which an owner's tombstone is found again."""
    match tombstone.kind:
        case "clip":
            return f"clip-{tombstone.doorbell}-{tombstone.name}"
        case "doorbell":
            return f"doorbell-{tombstone.doorbell}"
        case _:
            return f"token-{tombstone.name}"
