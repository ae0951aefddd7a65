"""The owner's keys, all of them derived from the words (SPEC 11.2): the same words always make the same owner.

HKDF-SHA256 over the words' 32 bytes, no salt, one label a purpose and generation. A generation is retired by the
next one, whose key the readers document announces by its hash, so that seen words or a stolen phone can be answered.
"""

import hashlib
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sealbell_wire import sshsig
from sealbell_wire.age.mlkem768x25519 import HybridIdentity
from sealbell_wire.ids import ZERO_HASH, ZERO_ID
from sealbell_wire.readers import Reader, Readers, SignedReaders, sign_readers

SEED_BYTES = 32
SIGNING_LABEL = "sealbell v1 generation {} signing"
RECIPIENT_LABEL = "sealbell v1 generation {} recipient"
TOKEN_LABEL = "sealbell v1 generation {} token"  # noqa: S105 - a label, no secret
ROOT_NAME = "owner"


@dataclass(frozen=True, slots=True)
class Root:
    """One generation of an owner: 32-byte seeds of the signing key and of the age identity, 32-byte token."""

    generation: int
    signing_seed: bytes = field(repr=False)
    recipient_seed: bytes = field(repr=False)
    token: bytes = field(repr=False)

    @property
    def signing_key(self) -> Ed25519PrivateKey:
        """The key that signs readers documents and orders."""
        return Ed25519PrivateKey.from_private_bytes(self.signing_seed)

    @property
    def verify_key(self) -> bytes:
        """Its public half: by this relay and doorbell know the owner."""
        return sshsig.verify_key_of(self.signing_key)

    @property
    def identity(self) -> HybridIdentity:
        """The age identity that opens what is sealed to this owner."""
        return HybridIdentity(self.recipient_seed)


def derive_root(entropy: bytes, generation: int) -> Root:
    """Return the keys of one generation from the words' 32 bytes."""
    labels = (label.format(generation) for label in (SIGNING_LABEL, RECIPIENT_LABEL, TOKEN_LABEL))
    return Root(generation, *(_derive(entropy, label) for label in labels))


def first_readers(entropy: bytes) -> SignedReaders:
    """Return readers version 1: the root alone, written for no doorbell yet and taken only by pinning (SPEC 10)."""
    root, following = derive_root(entropy, 0), derive_root(entropy, 1)
    owner = root.verify_key.hex()
    reader = Reader(ROOT_NAME, str(root.identity.recipient), owner, "root", ("readers", "orders"))
    next_owner = hashlib.sha256(following.verify_key).hexdigest()
    readers = Readers(ZERO_ID, 1, root.generation, owner, next_owner, ZERO_HASH, (reader,))
    return sign_readers(readers, root.signing_key)


def _derive(entropy: bytes, label: str) -> bytes:
    return HKDF(hashes.SHA256(), SEED_BYTES, salt=None, info=label.encode("ascii")).derive(entropy)
