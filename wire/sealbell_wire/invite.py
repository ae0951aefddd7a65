"""The code by which an operator lets an owner in, once: 17 random bytes that a person can type (SPEC 11.3)."""

import hashlib

from sealbell_wire.errors import FormatError
from sealbell_wire.limits import MAX_INVITE_CHARS

RANDOM_BYTES = 17
CHECK_BYTES = 3
GROUP_CHARS = 4

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base32: without I, L, O, U
_BITS = 5
_CHARS = (RANDOM_BYTES + CHECK_BYTES) * 8 // _BITS
_READ_AS = str.maketrans("OIL", "011", "- ")


def new_invite(random_bytes: bytes) -> str:
    """Return the code of 17 random bytes: 8 groups of 4. ValueError on another length."""
    if len(random_bytes) != RANDOM_BYTES:
        raise ValueError(f"an invite takes {RANDOM_BYTES} random bytes, got {len(random_bytes)}")
    number = int.from_bytes(random_bytes + _check(random_bytes))
    code = "".join(_ALPHABET[number >> shift & 31] for shift in range((_CHARS - 1) * _BITS, -1, -_BITS))
    return "-".join(code[at : at + GROUP_CHARS] for at in range(0, _CHARS, GROUP_CHARS))


def parse_invite(text: str) -> bytes:
    """Return the 17 random bytes of a code as somebody typed it; FormatError, not repeating it, if it is none."""
    code = text.upper().translate(_READ_AS) if text.isascii() and len(text) <= MAX_INVITE_CHARS else ""
    if len(code) != _CHARS or not set(code) <= set(_ALPHABET):
        raise FormatError(f"the invite is not {_CHARS} letters and digits")
    number = 0
    for char in code:
        number = number << _BITS | _ALPHABET.index(char)
    data = number.to_bytes(RANDOM_BYTES + CHECK_BYTES)
    if _check(data[:RANDOM_BYTES]) != data[RANDOM_BYTES:]:
        raise FormatError("the invite is mistyped: its last letters do not fit the others")
    return data[:RANDOM_BYTES]


def invite_hash(random_bytes: bytes) -> str:
    """Return the name under which a relay knows an invite: SHA-256 of its random bytes."""
    return hashlib.sha256(random_bytes).hexdigest()


def _check(random_bytes: bytes) -> bytes:
    return hashlib.sha256(b"sealbell invite " + random_bytes).digest()[:CHECK_BYTES]
