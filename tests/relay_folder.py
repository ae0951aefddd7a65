"""A relay's folder with everything in it that a relay keeps, made without one: quick, and the same in every run."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from parts_factory import Doorbell, hash_of
from sealbell_relay.broker.credentials import Credentials
from sealbell_relay.folder import Folder
from sealbell_relay.intake.healths import HealthShelf, Kept
from sealbell_relay.store.archive import Archive
from sealbell_relay.store.places import object_path
from sealbell_relay.store.store import DirectoryStore
from sealbell_relay.tenants.allow import Register
from sealbell_testing.relay import credential_of
from sealbell_wire.enrolment import RelayCard
from sealbell_wire.part import Part
from sealbell_wire.receipt import Receipt
from sealbell_wire.sshsig import verify_key_of

SEED = bytes(range(32))
ARRIVED_MS = 1_790_000_100_000
ADDED = "2026-11-24"


def make(root: Path) -> Folder:
    """A relay that served once and has let nobody in."""
    folder = Folder(root)
    folder.make(SEED)
    DirectoryStore(folder.store).make()
    folder.write_card(RelayCard("mqtt://127.0.0.1:1", "http://127.0.0.1:2", verify_key_of(folder.key()).hex()))
    (root / "lock").touch(0o600)
    (root / "broker").mkdir(mode=0o700)
    (root / "broker" / "nats.conf").write_text("the broker's own")
    return folder


def let_in(folder: Folder, bell: Doorbell) -> None:
    """Enrol a doorbell with its credential, its owner, and a phone of the owner's."""
    store = DirectoryStore(folder.store)
    register = Register(store)
    register.allow(bell.owner.card)
    register.allow(bell.card)
    Credentials(store).enrol(bell.id, credential_of(bell.id))
    register.add_phone(bell.owner.card, phone_of(bell), ADDED)


def phone_of(bell: Doorbell) -> str:
    """SHA-256 of the token of the phone of a doorbell's owner."""
    return hashlib.sha256(f"phone of {bell.owner.card.key}".encode()).hexdigest()


def keep(folder: Folder, parts: Iterable[Part]) -> None:
    """Store parts as a relay does, each with its receipt behind it."""
    archive = Archive(DirectoryStore(folder.store), lambda _: None)
    for part in parts:
        record, dropped = part.record, part.sealed is None
        data = part.encode() + receipt(part).sign(folder.key())
        assert archive.put(record.doorbell, record.clip, record.seq, dropped, data)


def keep_health(folder: Folder, bell: Doorbell, number: int) -> None:
    """Store a health message."""
    kept = Kept(number, ARRIVED_MS + number, bell.health(number).encode())
    HealthShelf(DirectoryStore(folder.store)).keep(bell.id, kept)


def receipt(part: Part) -> Receipt:
    """What the relay says of a part that it stored."""
    record = part.record
    verdict = "dropped" if part.sealed is None else "stored"
    return Receipt(record.doorbell, record.clip, record.seq, hash_of(part), verdict, "-", ARRIVED_MS + record.seq)


def stored_bytes(part: Part) -> bytes:
    """A part as the relay with SEED keeps it."""
    return part.encode() + receipt(part).sign(Ed25519PrivateKey.from_private_bytes(SEED))


def path_of(folder: Folder, part: Part) -> Path:
    """Where a part lies."""
    record = part.record
    return folder.store / object_path(record.doorbell, record.clip, record.seq, part.sealed is None)
