"""The post-quantum recipient type (C2SP age.md, "The MLKEM768-X25519 ... recipient type"): every reader in Sealbell."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from sealbell_wire.age import bech32
from sealbell_wire.age.errors import HeaderFailure
from sealbell_wire.age.header import FILE_KEY_BYTES, Stanza, encode_base64
from sealbell_wire.age.x25519 import has_small_order, only_argument
from sealbell_wire.errors import FormatError

STANZA_TYPE = "mlkem768x25519"
RECIPIENT_PREFIX = "age1pq"
IDENTITY_PREFIX = "AGE-SECRET-KEY-PQ-"
INFO = b"age-encryption.org/mlkem768x25519"
SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
SEED_BYTES = 32
MLKEM_SEED_BYTES = 64
MLKEM_PUBLIC_BYTES = 1184
X25519_BYTES = 32
PUBLIC_BYTES = MLKEM_PUBLIC_BYTES + X25519_BYTES
ENC_BYTES = 1088 + X25519_BYTES
BODY_BYTES = FILE_KEY_BYTES + 16


@dataclass(frozen=True)
class HybridRecipient:
    """A public key of 1216 bytes, ML-KEM-768 before X25519, checked once and used for many files.

    Raises FormatError if either half can never be sealed to.
    """

    public: bytes = field(repr=False)
    _key: MLKEM768X25519PublicKey = field(init=False, repr=False, compare=False)

    post_quantum = True

    def __post_init__(self) -> None:
        if len(self.public) != PUBLIC_BYTES:
            raise FormatError(f"a post-quantum recipient is {PUBLIC_BYTES} bytes, this one {len(self.public)}")
        try:
            mlkem = MLKEM768PublicKey.from_public_bytes(self.public[:MLKEM_PUBLIC_BYTES])
        except ValueError:
            raise FormatError("the ML-KEM half of this recipient is no public key") from None
        x25519 = X25519PublicKey.from_public_bytes(self.public[MLKEM_PUBLIC_BYTES:])
        if has_small_order(x25519):
            raise FormatError("the X25519 half of this recipient has small order")
        object.__setattr__(self, "_key", MLKEM768X25519PublicKey(mlkem, x25519))

    @classmethod
    def from_string(cls, text: str) -> Self:
        """The recipient in `text`. Raises FormatError, which never quotes it."""
        return cls(bech32.decode_key(RECIPIENT_PREFIX, text))

    def __str__(self) -> str:
        return bech32.encode(RECIPIENT_PREFIX, self.public)

    def wrap(self, file_key: bytes, random: Callable[[int], bytes]) -> Stanza:
        """The stanza that hands the 16-byte `file_key` to this reader.

        `random` is not used, though every recipient type is handed it: `cryptography` draws the encapsulation itself.
        """
        sealed = SUITE.encrypt(file_key, self._key, INFO)
        return Stanza((STANZA_TYPE, encode_base64(sealed[:ENC_BYTES])), sealed[ENC_BYTES:])


@dataclass(frozen=True)
class HybridIdentity:
    """A seed of 32 bytes, from which both secret keys are expanded. Raises FormatError for another length."""

    secret: bytes = field(repr=False)
    recipient: HybridRecipient = field(init=False, compare=False)
    _key: MLKEM768X25519PrivateKey = field(init=False, repr=False, compare=False)
    _x25519: X25519PrivateKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.secret) != SEED_BYTES:
            raise FormatError(f"a post-quantum identity is {SEED_BYTES} bytes, this one {len(self.secret)}")
        expanded = hashlib.shake_256(self.secret).digest(MLKEM_SEED_BYTES + X25519_BYTES)
        mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:MLKEM_SEED_BYTES])
        x25519 = X25519PrivateKey.from_private_bytes(expanded[MLKEM_SEED_BYTES:])
        public = mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()
        object.__setattr__(self, "_key", MLKEM768X25519PrivateKey(mlkem, x25519))
        object.__setattr__(self, "_x25519", x25519)
        object.__setattr__(self, "recipient", HybridRecipient(public))

    @classmethod
    def from_string(cls, text: str) -> Self:
        """The identity in `text`. Raises FormatError, which never quotes it."""
        return cls(bech32.decode_key(IDENTITY_PREFIX, text))

    def encode(self) -> str:
        """The identity as a line of an identity file: a secret, never to be logged."""
        return bech32.encode(IDENTITY_PREFIX, self.secret)

    def unwrap(self, stanza: Stanza) -> bytes | None:
        """The file key, or None when the stanza is for someone else. Raises HeaderFailure if it is malformed."""
        if stanza.arguments[0] != STANZA_TYPE:
            return None
        enc = only_argument(stanza, ENC_BYTES, BODY_BYTES)
        try:
            return SUITE.decrypt(enc + stanza.body, self._key, INFO)
        except InvalidTag:
            # `cryptography` says the same of a wrong key and of a share of small order, which no honest writer makes.
            if has_small_order(X25519PublicKey.from_public_bytes(enc[-X25519_BYTES:])):
                raise HeaderFailure("an X25519 share has small order") from None
            return None
