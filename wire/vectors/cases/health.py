"""Health messages and the reports in them (SPEC 15)."""

import base64
import struct
from typing import Any

from cases.base import (
    CLIP,
    DOORBELL,
    WALL_MS,
    ZERO_HASH,
    ZERO_ID,
    Case,
    Pieces,
    accepted,
    compact,
    join,
    lines,
    public,
    refused,
    seed,
    sha256,
    signature,
    zeros,
)
from cases.clips import TO_TWO_READERS
from cases.recipients import IDENTITIES
from sealbell_wire.age import file as age
from sealbell_wire.age import payload

HEAD = b"age-encryption.org/v1\n-> mlkem768x25519 c2hhcmU\nYm9keQ\n--- " + b"A" * 43 + b"\n"
BODY = b"a sealed report"
HEALTH_BYTES, MAX_HEALTH_BYTES = 4_096, 32_768
NUMBER = WALL_MS + 5
KEY = public("doorbell").hex()
TIP = {"counter": 7, "clip": CLIP, "seq": 4, "hash": "99" * 32, "since_ms": 61_000}
LINK = {"connected": True, "since_ms": 3_000, "why": "", "dbm": -56}


def beat_fields(head: bytes = HEAD, body: bytes = BODY, **changes: Any) -> dict[str, Any]:
    """The lines of the signed text in their order."""
    fields = {
        "doorbell": DOORBELL,
        "number": NUMBER,
        "boot": "44" * 16,
        "monotonic": 900_000,
        "wall": WALL_MS,
        "synced": 1,
        "head": sha256(head),
        "body": sha256(body),
        "size": len(head) + len(body),
    }
    return fields | changes


def beat(head: bytes = HEAD, body: bytes = BODY, **changes: Any) -> str:
    """The signed text."""
    return lines("sealbell-health-v1", beat_fields(head, body, **changes))


def frame(
    text: str, sealed: Pieces, signed: bytes | None = None, *, magic: str = "SBH1", size: int | None = None
) -> Pieces:
    """A health message, signed by the doorbell unless another signature is given."""
    if signed is None:
        signed = signature("doorbell", "health@sealbell", text.encode())
    said = len(join(sealed)) if size is None else size
    return [
        {"text": magic},
        {"hex": struct.pack(">H", len(text)).hex()},
        {"text": text},
        {"hex": signed.hex()},
        {"hex": struct.pack(">I", said).hex()},
        *sealed,
    ]


def report_text(**changes: Any) -> dict[str, Any]:
    """A report's text."""
    fields = {
        "v": 1, "doorbell": KEY, "number": NUMBER, "firmware": "0.2.0", "readers": "88" * 32, "started_ms": 21_000,
        "tip": TIP, "dropped": 3, "damaged": 0, "waiting": 2, "waiting_bytes": 120_000,
        "troubles": [["outbox-full", 700_000], ["relay-away", 650_000]], "mode": "away", "free_bytes": 9_000_000_000,
        "celsius": 51, "throttled": 0x50000, "link": LINK,
    }  # fmt: skip
    return fields | changes


def plaintext(text: str) -> Pieces:
    """A report: its text and spaces."""
    return [{"text": text}, {"text": " ", "times": max(0, HEALTH_BYTES - len(text.encode()))}]


def health() -> list[Case]:
    """Texts, frames and reports."""
    return [*_beats(), *_frames(), *_reports(), *_writes()]


def beat_value(fields: dict[str, Any]) -> dict[str, Any]:
    """What a parser reports of a signed text with these lines."""
    names = {"monotonic": "monotonic_ms", "wall": "wall_ms"}
    return {names.get(key, key): bool(value) if key == "synced" else value for key, value in fields.items()}


def _beats() -> list[Case]:
    def bad(name: str, why: str, text: str) -> Case:
        return refused(name, why, "beat", {"bytes": [{"text": text}]})

    def changed(name: str, why: str, **changes: Any) -> Case:
        return bad(name, why, beat(**changes))

    return [
        accepted("a beat", "the common case", "beat", {"bytes": [{"text": beat()}]}, beat_value(beat_fields())),
        bad("a beat of another version", "v1 only", beat().replace("-v1", "-v2")),
        bad("a beat that ends early", "all lines", beat().rsplit("size", 1)[0]),
        bad("a beat with a line too many", "no other lines", beat() + "note x\n"),
        bad("a beat with crlf", "line feeds only", beat().replace("\n", "\r\n")),
        bad("a beat with two lines swapped", "in this order",
            beat().replace(f"wall {WALL_MS}\nsynced 1\n", f"synced 1\nwall {WALL_MS}\n")),
        changed("a beat with number 0", "numbered from 1", number=0),
        changed("a beat with a number beyond 2^53-1", "whole numbers that fit", number=2**53),
        changed("a beat with a leading zero", "one spelling", number="01"),
        changed("a beat with a cut boot", "32 digits", boot="44" * 15),
        changed("a beat in capitals", "lower case", doorbell=DOORBELL.upper()),
        changed("a beat synced by half", "0 or 1", synced=2),
        changed("a beat of a file too large", "32,768 bytes at most", size=MAX_HEALTH_BYTES + 1),
    ]  # fmt: skip


def _frames() -> list[Case]:
    sealed: Pieces = [{"text": HEAD.decode()}, {"text": BODY.decode()}]
    whole = frame(beat(), sealed)
    value = {"beat": beat_value(beat_fields()), "head_bytes": len(HEAD), "body_bytes": len(BODY)}

    def bad(name: str, why: str, pieces: Pieces, error: str = "FormatError", key: str = "doorbell") -> Case:
        return refused(name, why, "health", {"bytes": pieces, "key": public(key).hex()}, error)

    text = beat()
    long_body = bytes(MAX_HEALTH_BYTES)
    return [
        accepted("a health message", "the common case", "health", {"bytes": whole, "key": KEY}, value),
        bad("nothing of health", "not a frame", []),
        bad("only the magic of health", "cut", [{"text": "SBH1"}]),
        bad("health cut in its text", "cut", whole[:2]),
        bad("health cut before its age file", "cut", whole[:4]),
        bad("health cut in its age file", "cut", whole[:-1]),
        bad("a byte after health", "nothing after the age file", [*whole, {"hex": "00"}]),
        bad("a part's magic", "SBH1", frame(text, sealed, magic="SBP1")),
        bad("health of 1 GiB", "nothing is allocated for what is only announced", frame(text, sealed, size=2**30)),
        bad("health too large", "32,768 bytes at most",
            frame(beat(body=long_body, size=MAX_HEALTH_BYTES), [{"text": HEAD.decode()}, zeros(len(long_body))])),
        bad("a size of health that lies", "the text's size is the age file's",
            frame(beat(size=len(HEAD) + len(BODY) + 1), sealed)),
        bad("health without an age header", "nothing to split", frame(beat(size=7), [{"text": "no file"}])),
        bad("health signed as a part", "another namespace",
            frame(text, sealed, signature("doorbell", "part@sealbell", text.encode())), "SignatureError"),
        bad("health signed by another doorbell", "another key in this one's name",
            frame(text, sealed, signature("other doorbell", "health@sealbell", text.encode())), "SignatureError"),
        bad("health changed under its signature", "another number",
            frame(beat(number=NUMBER + 1), sealed, signature("doorbell", "health@sealbell", text.encode())),
            "SignatureError"),
        bad("health under another doorbell's key", "the id is the key's hash", whole, "ContradictionError",
            key="other doorbell"),
        bad("a changed head of health", "one byte", frame(text, [{"text": HEAD.decode().replace("Ym9", "Ym8")},
            sealed[1]]), "ContradictionError"),
        bad("a changed body of health", "one byte", frame(text, [sealed[0], {"text": BODY.decode().upper()}]),
            "ContradictionError"),
    ]  # fmt: skip


def _read(pieces: Pieces) -> tuple[str, dict[str, Any]]:
    return "report", {"bytes": pieces, "key": KEY, "number": NUMBER}


def _reports() -> list[Case]:
    def ok(name: str, why: str, **changes: Any) -> Case:
        text = report_text(**changes)
        value = {key: found for key, found in text.items() if key not in ("v", "doorbell", "number")}
        return accepted(name, why, *_read(plaintext(compact(text))), value)

    def bad(name: str, why: str, pieces: Pieces, error: str = "FormatError") -> Case:
        return refused(name, why, *_read(pieces), error)

    def changed(name: str, why: str, error: str = "FormatError", **changes: Any) -> Case:
        return bad(name, why, plaintext(compact(report_text(**changes))), error)

    text = compact(report_text())
    no_tip = {"counter": 0, "clip": ZERO_ID, "seq": 0, "hash": ZERO_HASH, "since_ms": 0}
    away = {"connected": False, "since_ms": 5, "why": "name-unknown", "dbm": None}
    return [
        ok("a report", "the common case"),
        ok("a report before the first clip", "a tip of zeros", tip=no_tip),
        ok("a report of a lost end", "a hash of zeros", tip=TIP | {"hash": ZERO_HASH}),
        ok("a report off a pi", "what is not known is null", free_bytes=None, celsius=None, throttled=None, link=None),
        ok("a report of a link that is away", "it says why", link=away),
        ok("a report with an unknown trouble", "a reader takes any word", troubles=[["stolen", 1]]),
        ok("a report with 32 troubles", "the most there can be", troubles=[[f"t{n}", n] for n in range(32)]),
        ok("a report without a mode", "it has none", mode=""),
        bad("a report one byte short", "4,096 bytes", [*plaintext(text)[:1], {"text": " ", "times": 10}]),
        bad("a report one byte long", "4,096 bytes", [*plaintext(text), {"text": " "}]),
        bad("a report padded by zeros", "spaces", [{"text": text}, zeros(HEALTH_BYTES - len(text))]),
        changed("a report of another doorbell", "sealed bytes copied", "ContradictionError",
                doorbell=public("other doorbell").hex()),
        changed("a report of another message", "sealed bytes moved", "ContradictionError", number=NUMBER - 1),
        changed("a report of another version", "v1 only", "ContradictionError", v=2),
        changed("a report with a key too many", "exact keys", note=""),
        changed("a report with true for a number", "whole numbers", dropped=True),
        changed("a report with a negative number", "counted from 0", waiting=-1),
        changed("a report with text for room", "a number or null", free_bytes="much"),
        changed("a report from the sun", "-200 to 300", celsius=5_500),
        changed("a report with 33 troubles", "32 at most", troubles=[["outbox-full", 1]] * 33),
        changed("a trouble that is a sentence", "words of a-z, 0-9 and hyphens", troubles=[["Oh no", 1]]),
        changed("a trouble of 33 letters", "32 at most", troubles=[["x" * 33, 1]]),
        changed("a trouble without its time", "word, since when", troubles=[["outbox-full"]]),
        changed("a trouble before time", "counted from 0", troubles=[["outbox-full", -1]]),
        changed("a mode in capitals", "a word", mode="AWAY"),
        changed("a firmware that turns the text", "names for people", firmware="1\u202e2"),
        changed("a tip that is text", "an object", tip="none"),
        changed("a tip with a key too few", "exact keys", tip={"counter": 7, "clip": CLIP}),
        changed("a tip without a clip that has an end", "zeros or a clip", tip=TIP | {"counter": 0}),
        changed("a tip beyond the last number", "9,999 at most", tip=TIP | {"seq": 10_000}),
        changed("a link that says why it is there", "only one that is away does", link=LINK | {"why": "refused"}),
        changed("a link that is away and says not why", "it says why", link=away | {"why": ""}),
        changed("a link louder than possible", "-200 to 0 dBm", link=LINK | {"dbm": 1}),
        changed("a link that is text", "an object or null", link="up"),
    ]  # fmt: skip


def _writes() -> list[Case]:
    text = report_text()
    given = {key: value for key, value in text.items() if key not in ("v", "doorbell")} | {"key": KEY}
    written = join(plaintext(compact(text)))
    return [
        accepted("writing a report", "its keys sorted, spaces behind", "write_report", given,
                 {"sha256": sha256(written), "bytes": HEALTH_BYTES}),
    ]  # fmt: skip


def sealed_health() -> list[Case]:
    """Messages that are really sealed, which are generated once and afterwards only opened."""
    file = age.seal(join(plaintext(compact(report_text()))), TO_TWO_READERS)
    honest = _message(file.head, bytes(file.body))
    file_key = age.unwrap(file.head, [IDENTITIES["phone"]])
    forged = payload.seal(file_key, seed("nonce")[:16], join(plaintext(compact(report_text(dropped=0)))))
    text = beat(file.head, bytes(file.body))
    value = {key: found for key, found in report_text().items() if key not in ("v", "doorbell", "number")}

    def given(message: bytes, reader: str = "phone", key: str = "doorbell") -> dict[str, Any]:
        pieces = [{"base64": base64.b64encode(message).decode()}]
        return {"bytes": pieces, "key": public(key).hex(), "identity": IDENTITIES[reader].encode()}

    return [
        accepted("a sealed report", "opened by the root", "open_health", given(honest, "root"), value),
        accepted("a sealed report, opened by another reader", "any stanza may be one's own", "open_health",
                 given(honest), value),
        refused("a report opened by someone who is no reader", "no stanza fits", "open_health",
                given(honest, "viewer"), "NoMatch"),
        refused("a report that a reader made under the file key", "only the text's body tells", "open_health",
                given(join(frame(text, [{"hex": (file.head + forged).hex()}]))), "ContradictionError"),
        refused("a report moved to another message", "the plaintext says where it belongs", "open_health",
                given(_message(file.head, bytes(file.body), number=NUMBER + 1)), "ContradictionError"),
        refused("a report signed by another doorbell as its own", "the plaintext says whose it is", "open_health",
                given(_message(file.head, bytes(file.body), "other doorbell",
                               doorbell=sha256(public("other doorbell"))[:32]), key="other doorbell"),
                "ContradictionError"),
    ]  # fmt: skip


def _message(head: bytes, body: bytes, label: str = "doorbell", **changes: Any) -> bytes:
    text = beat(head, body, **changes)
    return join(frame(text, [{"hex": (head + body).hex()}], signature(label, "health@sealbell", text.encode())))
