"""The X25519 recipient type (C2SP age.md, "The X25519 recipient type"); in Sealbell only for releases to outsiders."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sealbell_wire.age import bech32
from sealbell_wire.age.errors import HeaderFailure
from sealbell_wire.age.header import FILE_KEY_BYTES, Stanza, decode_base64, encode_base64
from sealbell_wire.errors import FormatError

STANZA_TYPE = "X25519"
RECIPIENT_PREFIX = "age"
IDENTITY_PREFIX = "AGE-SECRET-KEY-"
INFO = b"age-encryption.org/v1/X25519"
KEY_BYTES = 32
BODY_BYTES = FILE_KEY_BYTES + 16
WRAP_NONCE = bytes(12)  # safe although fixed: every wrap key comes from a fresh share and seals one file key
PROBE = X25519PrivateKey.from_private_bytes(bytes(KEY_BYTES))  # clamped to 2^254, which only small orders annihilate


@dataclass(frozen=True)
class X25519Recipient:
    """A public key of 32 bytes, checked once and used for many files. Raises FormatError for one of small order."""

    public: bytes
    _key: X25519PublicKey = field(init=False, repr=False, compare=False)

    post_quantum = False

    def __post_init__(self) -> None:
        if len(self.public) != KEY_BYTES:
            raise FormatError(f"an X25519 recipient is {KEY_BYTES} bytes, this one {len(self.public)}")
        key = X25519PublicKey.from_public_bytes(self.public)
        if has_small_order(key):
            raise FormatError("this X25519 recipient has small order: anyone could open what is sealed to it")
        object.__setattr__(self, "_key", key)

    @classmethod
    def from_string(cls, text: str) -> Self:
        """The recipient in `text`. Raises FormatError, which never quotes it."""
        return cls(bech32.decode_key(RECIPIENT_PREFIX, text))

    def __str__(self) -> str:
        return bech32.encode(RECIPIENT_PREFIX, self.public)

    def wrap(self, file_key: bytes, random: Callable[[int], bytes]) -> Stanza:
        """The stanza that hands the 16-byte `file_key` to this reader, under a share drawn from `random`."""
        ephemeral = X25519PrivateKey.from_private_bytes(random(KEY_BYTES))
        share = ephemeral.public_key().public_bytes_raw()
        key = _wrap_key(ephemeral.exchange(self._key), share, self.public)
        body = ChaCha20Poly1305(key).encrypt(WRAP_NONCE, file_key, None)
        return Stanza((STANZA_TYPE, encode_base64(share)), body)


@dataclass(frozen=True)
class X25519Identity:
    """A secret of 32 bytes. Raises FormatError for another length."""

    secret: bytes = field(repr=False)
    recipient: X25519Recipient = field(init=False, compare=False)
    _key: X25519PrivateKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise FormatError(f"an X25519 identity is {KEY_BYTES} bytes, this one {len(self.secret)}")
        key = X25519PrivateKey.from_private_bytes(self.secret)
        object.__setattr__(self, "_key", key)
        object.__setattr__(self, "recipient", X25519Recipient(key.public_key().public_bytes_raw()))

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
        share = only_argument(stanza, KEY_BYTES, BODY_BYTES)
        try:
            shared_secret = self._key.exchange(X25519PublicKey.from_public_bytes(share))
        except ValueError:
            raise HeaderFailure("an X25519 share has small order") from None
        key = _wrap_key(shared_secret, share, self.recipient.public)
        try:
            return ChaCha20Poly1305(key).decrypt(WRAP_NONCE, stanza.body, None)
        except InvalidTag:
            return None


def only_argument(stanza: Stanza, argument_bytes: int, body_bytes: int) -> bytes:
    """The one argument after the type. Raises HeaderFailure if there is none or another, or a length is wrong.

    The body's length is checked before it is opened against partitioning oracles (C2SP age.md).
    """
    stanza_type, *arguments = stanza.arguments
    if len(arguments) != 1:
        raise HeaderFailure(f"a {stanza_type} stanza has one argument, this one {len(arguments)}")
    argument = decode_base64(arguments[0].encode("ascii"))
    if len(argument) != argument_bytes or len(stanza.body) != body_bytes:
        raise HeaderFailure(f"a {stanza_type} stanza has a share or a body of the wrong length")
    return argument


def has_small_order(key: X25519PublicKey) -> bool:
    """Whether every shared secret with `key` is zero, so that everyone knows it (RFC 7748, section 6.1)."""
    try:
        PROBE.exchange(key)
    except ValueError:
        return True
    return False


def _wrap_key(shared_secret: bytes, share: bytes, recipient: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=share + recipient, info=INFO).derive(shared_secret)
