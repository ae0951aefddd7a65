"""Ed25519 signatures in OpenSSH's SSHSIG format, raw on the wire and re-armoured at will (SPEC 4).

What is signed is a fixed preamble and the message's SHA-512 (openssh PROTOCOL.sshsig), so the 64 raw bytes that
travel are exactly those that `ssh-keygen -Y verify` checks. One namespace per purpose keeps one kind of statement
from ever being taken for another.
"""

import base64
import hashlib
import struct
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sealbell_wire.errors import SignatureError

PART = "part@sealbell"
DROPPED = "dropped@sealbell"
READERS = "readers@sealbell"
RECEIPT = "receipt@sealbell"
HEALTH = "health@sealbell"
TOMBSTONE = "tombstone@sealbell"
RETENTION = "retention@sealbell"
RESUMPTION = "resumption@sealbell"
INTRODUCTION = "introduction@sealbell"
OWNER = "owner@sealbell"

SIGNATURE_BYTES = 64
KEY_BYTES = 32
_ARMOR_COLUMNS = 70
_HASH_NAME = b"sha512"
_KEY_TYPE = b"ssh-ed25519"

# The y coordinates of the points of order 1, 2, 4 and 8, with their non-canonical encodings, sign bit cleared:
# under such a key one signature fits every message (libsodium, ge25519_has_small_order).
_SMALL_ORDER = frozenset(
    bytes.fromhex(y)
    for y in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
)


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def signed_bytes(namespace: str, message: bytes) -> bytes:
    """Return the bytes that an SSHSIG over `message` signs: preamble, namespace, hash name, SHA-512."""
    digest = hashlib.sha512(message).digest()
    fields = (namespace.encode("ascii"), b"", _HASH_NAME, digest)
    return b"SSHSIG" + b"".join(_string(field) for field in fields)


def verify_key_of(key: Ed25519PrivateKey) -> bytes:
    """Return the 32 raw bytes of the public half of a signing key."""
    return key.public_key().public_bytes_raw()


def check_key(verify_key: bytes) -> bytes:
    """Return `verify_key` if it can be trusted; SignatureError if it is malformed or of small order."""
    if len(verify_key) != KEY_BYTES:
        raise SignatureError("a verification key is not 32 bytes long")
    if verify_key[:31] + bytes([verify_key[31] & 0x7F]) in _SMALL_ORDER:
        raise SignatureError("a verification key has small order: a signature under it fits any message")
    return verify_key


def sign(key: Ed25519PrivateKey, namespace: str, message: bytes) -> bytes:
    """Return the 64 raw bytes of an SSHSIG by `key` over `message` under `namespace`."""
    return key.sign(signed_bytes(namespace, message))


def verify(verify_key: bytes, namespace: str, message: bytes, signature: bytes) -> None:
    """Check a raw signature; SignatureError if it does not fit or the key can never be trusted."""
    check_key(verify_key)
    if len(signature) != SIGNATURE_BYTES:
        raise SignatureError("a signature is not 64 bytes long")
    try:
        _public_key(verify_key).verify(signature, signed_bytes(namespace, message))
    except InvalidSignature:
        raise SignatureError(f"the {namespace} signature does not fit its text and key") from None


@lru_cache(maxsize=1_024)  # a relay meets the same few keys at every part, and reading one costs half a check
def _public_key(verify_key: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(verify_key)


def _key_blob(verify_key: bytes) -> bytes:
    return _string(_KEY_TYPE) + _string(verify_key)


def public_line(verify_key: bytes) -> str:
    """Return a key as OpenSSH writes it, `ssh-ed25519 AAAA...`."""
    return f"ssh-ed25519 {base64.b64encode(_key_blob(verify_key)).decode('ascii')}"


def allowed_signer(principal: str, namespace: str, verify_key: bytes) -> str:
    """Return one line of an `allowed_signers` file that admits this key for this namespace only."""
    return f'{principal} namespaces="{namespace}" {public_line(verify_key)}\n'


def armor(verify_key: bytes, namespace: str, signature: bytes) -> str:
    """Return the signature file that `ssh-keygen -Y verify -s` reads, from the 64 raw bytes."""
    blob = (
        b"SSHSIG"
        + struct.pack(">I", 1)
        + _string(_key_blob(verify_key))
        + _string(namespace.encode("ascii"))
        + _string(b"")
        + _string(_HASH_NAME)
        + _string(_string(_KEY_TYPE) + _string(signature))
    )
    text = base64.b64encode(blob).decode("ascii")
    lines = [text[i : i + _ARMOR_COLUMNS] for i in range(0, len(text), _ARMOR_COLUMNS)]
    return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""])
