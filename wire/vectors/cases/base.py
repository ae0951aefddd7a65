"""What every case is built from. Texts, frames and signatures are put together here as SPEC.md says, a second time:
nothing is imported from sealbell_wire, so that a vector can contradict it.
"""

import hashlib
import json
import math
import struct
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Case = dict[str, Any]
Pieces = list[dict[str, Any]]

CLIP = "0190f3a1b2c3" + "5a" * 10
ZERO_ID, ZERO_HASH = "0" * 32, "0" * 64
WALL_MS = 1_720_000_000_000


def accepted(name: str, why: str, do: str, given: dict[str, Any], value: Any) -> Case:
    """A case in which `do` succeeds and yields `value`."""
    return {"name": name, "why": why, "do": do, "input": given, "expect": "ok", "value": value}


def refused(name: str, why: str, do: str, given: dict[str, Any], error: str = "FormatError") -> Case:
    """A case in which `do` fails with the error of this name (SPEC 14)."""
    return {"name": name, "why": why, "do": do, "input": given, "expect": error}


def seed(label: str) -> bytes:
    """32 fixed bytes for a secret key of the vectors."""
    return hashlib.sha256(f"sealbell vectors: {label}".encode()).digest()


def signing_key(label: str) -> Ed25519PrivateKey:
    """A fixed Ed25519 key."""
    return Ed25519PrivateKey.from_private_bytes(seed(label))


def public(label: str) -> bytes:
    """The public half of the fixed key of this label."""
    return signing_key(label).public_key().public_bytes_raw()


def string(data: bytes) -> bytes:
    """An SSH string: u32 length, bytes."""
    return struct.pack(">I", len(data)) + data


def preamble(namespace: str, message: bytes) -> bytes:
    """What an SSHSIG signs (SPEC 4)."""
    fields = (namespace.encode(), b"", b"sha512", hashlib.sha512(message).digest())
    return b"SSHSIG" + b"".join(map(string, fields))


def signature(label: str, namespace: str, message: bytes) -> bytes:
    """A signature by the fixed key of this label."""
    return signing_key(label).sign(preamble(namespace, message))


def sha256(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def doorbell_of(label: str) -> str:
    """The id of the doorbell that signs with the key of this label (SPEC 3)."""
    return sha256(public(label))[:32]


DOORBELL = doorbell_of("doorbell")


def compact(value: Any) -> str:
    """JSON with sorted keys and no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def record_fields(seq: int = 2, kind: str = "media", /, **changes: Any) -> dict[str, Any]:
    """The lines of a record in their order (SPEC 5.2), each with a fitting value unless changed."""
    fields: dict[str, Any] = {
        "doorbell": DOORBELL,
        "clip": CLIP,
        "seq": seq,
        "kind": kind,
        "prev": ZERO_HASH if seq == 0 else "11" * 32,
        "head": "22" * 32,
        "body": "33" * 32,
        "size": 4096,
        "final": int(kind == "manifest"),
        "boot": "44" * 16,
        "monotonic": 61_000 + seq * 1_000,
        "wall": WALL_MS + seq * 1_000,
        "synced": 1,
    }
    if kind == "media":
        fields["keyframe"] = 1
    if seq == 0:
        fields |= {"counter": 7, "last": "55" * 32}
    return fields | changes


def lines(version: str, fields: dict[str, Any]) -> str:
    """A version line, then `key value` a line (SPEC 2.1)."""
    return "".join([f"{version}\n", *(f"{key} {value}\n" for key, value in fields.items())])


def record(seq: int = 2, kind: str = "media", /, **changes: Any) -> str:
    """The text of a record."""
    return lines("sealbell-part-v1", record_fields(seq, kind, **changes))


def record_value(fields: dict[str, Any]) -> dict[str, Any]:
    """What a parser reports of a record with these lines."""
    as_written = ("doorbell", "clip", "seq", "kind", "prev", "head", "body", "size", "boot")
    value = {key: fields[key] for key in as_written}
    value |= {"monotonic_ms": fields["monotonic"], "wall_ms": fields["wall"]}
    value |= {key: bool(fields[key]) for key in ("final", "synced")}
    value |= {"keyframe": bool(fields["keyframe"]) if "keyframe" in fields else None}
    value |= {"counter": fields.get("counter"), "last": fields.get("last")}
    return value | {"hash": sha256(lines("sealbell-part-v1", fields).encode())}


def statement(magic: str, text: str, signed: bytes) -> Pieces:
    """A statement frame (SPEC 7.1)."""
    length = struct.pack(">H", len(text.encode()))
    return [{"text": magic}, {"hex": length.hex()}, {"text": text}, {"hex": signed.hex()}]


def padded_length(length: int) -> int:
    """The Padme length (SPEC 9.1), by the paper's formula in floating point, not by the code's shifts."""
    exponent = math.floor(math.log2(length))
    kept = math.floor(math.log2(exponent)) + 1
    step = 2 ** max(0, exponent - kept)
    return math.ceil(length / step) * step


def zeros(count: int) -> dict[str, Any]:
    """A piece of so many zero bytes."""
    return {"hex": "00", "times": count}


def join(pieces: Pieces) -> bytes:
    """The bytes that pieces stand for (wire/vectors/README.md), base64 left out: cases are built without it."""
    return b"".join(
        (bytes.fromhex(piece["hex"]) if "hex" in piece else piece["text"].encode()) * piece.get("times", 1)
        for piece in pieces
    )
