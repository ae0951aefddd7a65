"""A whole sealed clip, and single sealed parts that must not be believed (SPEC 5.1, 5.6).

Encapsulation takes no seed, so these are generated once and afterwards only opened.
"""

import base64
import struct
from collections.abc import Sequence
from typing import Any

from cases.base import (
    CLIP,
    Case,
    accepted,
    compact,
    join,
    lines,
    padded_length,
    public,
    record_fields,
    refused,
    seed,
    sha256,
    signature,
)
from cases.contents import FRAGMENT, HEADER, READERS, binding, manifest_text, notice, notice_text, padded, place
from cases.recipients import IDENTITIES
from sealbell_wire.age import file as age
from sealbell_wire.age import payload
from sealbell_wire.age.mlkem768x25519 import HybridIdentity, HybridRecipient

THROWN_AWAY = HybridIdentity(seed("thrown away")).recipient
TO_TWO_READERS = (IDENTITIES["root"].recipient, IDENTITIES["phone"].recipient, THROWN_AWAY, THROWN_AWAY)


def sealed(plaintext: bytes, recipients: Sequence[HybridRecipient] = TO_TWO_READERS) -> tuple[bytes, bytes]:
    """Head and body of an age file."""
    file = age.seal(plaintext, recipients)
    return bytes(file.head), bytes(file.body)


def part(fields: dict[str, Any], head: bytes, body: bytes, label: str = "doorbell") -> bytes:
    """A frame whose record names this head and body, signed by the key of this label."""
    fields = fields | {"head": sha256(head), "body": sha256(body), "size": len(head) + len(body)}
    text = lines("sealbell-part-v1", fields).encode()
    return framed(text, signature(label, "part@sealbell", text), head + body)


def framed(text: bytes, signed: bytes, age_file: bytes) -> bytes:
    """A frame of these three."""
    return b"SBP1" + struct.pack(">H", len(text)) + text + signed + struct.pack(">I", len(age_file)) + age_file


def record_of(frame: bytes) -> bytes:
    """The record in a frame."""
    return frame[6 : 6 + struct.unpack_from(">H", frame, 4)[0]]


def clips() -> list[Case]:
    """The clip, and the parts that must not be believed."""
    plaintexts = _plaintexts()
    parts: list[bytes] = []
    for seq, (kind, plaintext) in enumerate(plaintexts):
        prev = sha256(record_of(parts[-1])) if parts else "0" * 64
        parts.append(part(record_fields(seq, kind, prev=prev), *sealed(plaintext)))
    value = {
        "plaintexts": [{"kind": kind, "sha256": sha256(plaintext)} for kind, plaintext in plaintexts],
        "mp4": sha256(b"".join(plaintext for kind, plaintext in plaintexts if kind in ("init", "media"))),
        "end": sha256(record_of(parts[-1])),
    }
    whole = {"parts": [_base64(frame) for frame in parts], "key": public("doorbell").hex()}
    return [
        accepted("a whole clip", "two readers, two stanzas thrown away", "clip",
                 whole | {"identity": IDENTITIES["root"].encode()}, value),
        *_disbelieved(plaintexts[2][1]),
    ]  # fmt: skip


def _plaintexts() -> list[tuple[str, bytes]]:
    media = [join(padded([*binding(compact(place(seq))), {"hex": FRAGMENT.hex()}])) for seq in (2, 3)]
    init_text = compact(place(1) | {"firmware": "0.1.0", "readers": READERS})
    parts = [
        ("notice", join(notice(compact(notice_text())))),
        ("init", join(padded([{"hex": HEADER.hex()}, *binding(init_text)]))),
        *(("media", plaintext) for plaintext in media),
    ]
    hashes = [sha256(plaintext) for _, plaintext in parts]
    end = compact(manifest_text(seq=4, parts=hashes, dropped=[]))
    return [*parts, ("manifest", (end + " " * (padded_length(len(end)) - len(end))).encode())]


def _disbelieved(plaintext: bytes) -> list[Case]:
    head, body = sealed(plaintext)
    honest = part(record_fields(2), head, body)
    phone = IDENTITIES["phone"]
    file_key = age.unwrap(head, [phone])
    forged_body = payload.seal(file_key, seed("nonce")[:16], plaintext.replace(FRAGMENT, bytes(len(FRAGMENT))))
    text = record_of(honest)
    signed = honest[6 + len(text) : 6 + len(text) + 64]
    other_id = sha256(public("other doorbell"))[:32]
    bad_mac = head[:-44] + base64.b64encode(bytes(33))[:43] + b"\n"

    def case(name: str, why: str, frame: bytes, error: str, reader: str = "phone", key: str = "doorbell") -> Case:
        given = {"part": _base64(frame), "key": public(key).hex(), "identity": IDENTITIES[reader].encode()}
        return refused(name, why, "open", given, error)

    return [
        accepted("one part, opened by the second reader", "any stanza may be one's own", "open",
                 {"part": _base64(honest), "key": public("doorbell").hex(), "identity": phone.encode()},
                 {"sha256": sha256(plaintext)}),
        case("opened by someone who is no reader", "no stanza fits", honest, "NoMatch", reader="viewer"),
        case("a body that a reader made under the file key", "only the record's body tells",
             framed(text, signed, head + forged_body), "ContradictionError"),
        case("a head that was made anew", "readers of the original check the head too",
             framed(text, signed, age.rewrap(head, [phone], TO_TWO_READERS) + body), "ContradictionError"),
        case("signed by another doorbell as its own", "the plaintext says whose it is",
             part(record_fields(2, doorbell=other_id), head, body, "other doorbell"), "ContradictionError",
             key="other doorbell"),
        case("signed for another place", "the plaintext says where it belongs",
             part(record_fields(3), head, body), "ContradictionError"),
        case("signed for another clip", "the plaintext says where it belongs",
             part(record_fields(2, clip=CLIP[:-1] + "b"), head, body), "ContradictionError"),
        case("signed as an init part", "the plaintext is of another kind",
             part(record_fields(2, "init"), head, body), "FormatError"),
        case("a MAC that does not fit", "the header was altered", part(record_fields(2), bad_mac, body), "MacFailure"),
        case("a payload that was altered", "one byte",
             part(record_fields(2), head, body[:-1] + bytes([body[-1] ^ 1])), "PayloadFailure"),
        case("a payload that was cut", "not even its nonce", part(record_fields(2), head, body[:15]), "HeaderFailure"),
    ]  # fmt: skip


def _base64(data: bytes) -> list[dict[str, Any]]:
    return [{"base64": base64.b64encode(data).decode()}]
