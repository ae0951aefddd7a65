"""What an owner gives to a doorbell: a readers document with the root alone, signed by it, and where the relay is."""

from pathlib import Path

from crafted import key_of
from sealbell_wire import sshsig
from sealbell_wire.age.mlkem768x25519 import HybridIdentity
from sealbell_wire.enrolment import OwnerBundle, RelayCard
from sealbell_wire.ids import ZERO_HASH, ZERO_ID
from sealbell_wire.readers import Reader, Readers, sign_readers

OWNER_SEED = 9
IDENTITY = HybridIdentity(bytes(range(32)))
RECEIPT_KEY = sshsig.verify_key_of(key_of(50)).hex()
RELAY = RelayCard("mqtt://127.0.0.1:1883", "http://127.0.0.1:80", RECEIPT_KEY)


def readers() -> Readers:
    """Version 1, written for no doorbell yet."""
    owner = sshsig.verify_key_of(key_of(OWNER_SEED)).hex()
    root = Reader("the words", str(IDENTITY.recipient), owner, "root", ("readers", "orders"))
    return Readers(ZERO_ID, 1, 0, owner, "ab" * 32, ZERO_HASH, (root,))


def write(
    folder: Path, relay: RelayCard = RELAY, document: Readers | None = None, signer_seed: int = OWNER_SEED
) -> Path:
    """Write FOLDER/bundle.json; return it."""
    signed = sign_readers(document or readers(), key_of(signer_seed))
    path = folder / "bundle.json"
    path.write_bytes(OwnerBundle(signed.encode(), relay).encode())
    return path
