"""Names on the wire: clips sort by time, doorbells are the hash of their key (SPEC 3)."""

import hashlib
import re

from sealbell_wire.errors import FormatError
from sealbell_wire.limits import MAX_NAME_CHARS

CLIP_RANDOM_BYTES = 10
CLIP_TIME_BITS = 48
ZERO_ID = "0" * 32
ZERO_HASH = "0" * 64

_ID = re.compile(r"[0-9a-f]{32}\Z", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}\Z", re.ASCII)
# Control, line and direction characters. A fixed list, since what Unicode calls printable changes with its version.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")


def check_id(text: str, what: str) -> str:
    """Return `text` if it is 32 lower-case hex digits, else raise FormatError naming `what`."""
    if not _ID.match(text):
        raise FormatError(f"the {what} is not 32 lower-case hex digits")
    return text


def check_hash(text: str, what: str) -> str:
    """Return `text` if it is 64 lower-case hex digits, else raise FormatError naming `what`."""
    if not _HASH.match(text):
        raise FormatError(f"the {what} is not 64 lower-case hex digits")
    return text


def check_name(text: str, what: str) -> str:
    """Return `text` if it is 1 to 64 characters that cannot mislead on a screen, else raise FormatError."""
    if not 1 <= len(text) <= MAX_NAME_CHARS or _UNSAFE.search(text):
        raise FormatError(f"the {what} is not 1 to {MAX_NAME_CHARS} characters without controls")
    return text


def doorbell_id(verify_key: bytes) -> str:
    """Return the first 32 hex digits of SHA-256 of the 32-byte Ed25519 key that signs for the doorbell."""
    return hashlib.sha256(verify_key).hexdigest()[:32]


def new_clip_id(previous: str | None, wall_ms: int, random_bytes: bytes) -> str:
    """Return a clip id: 48 bits of max(previous + 1, `wall_ms`), then 80 random bits.

    A clock that jumps back never makes a later clip sort before an earlier one.
    Raises ValueError unless `random_bytes` holds 10 bytes.
    """
    if len(random_bytes) != CLIP_RANDOM_BYTES:
        raise ValueError(f"a clip id takes {CLIP_RANDOM_BYTES} random bytes, got {len(random_bytes)}")
    floor = 0 if previous is None else clip_time_ms(previous) + 1
    stamp = max(floor, wall_ms, 0) & (2**CLIP_TIME_BITS - 1)
    return f"{stamp:012x}{random_bytes.hex()}"


def clip_time_ms(clip: str) -> int:
    """Return the Unix milliseconds in a clip id: a label to sort by, not a proof of time."""
    return int(check_id(clip, "clip id")[:12], 16)


def shard(doorbell: str) -> str:
    """Return the two hex digits of SHA-256 of a doorbell's id (as ASCII) by which relays share the work."""
    return hashlib.sha256(doorbell.encode("ascii")).hexdigest()[:2]
