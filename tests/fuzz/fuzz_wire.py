"""Fuzz targets for everything in sealbell_wire, outside age, that reads bytes from outside: only WireErrors come out.

What a parser accepts is held against a promise too: texts and frames have one spelling, so they encode to themselves.
"""

from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sealbell_wire import (
    boxes,
    content,
    enrolment,
    health,
    ids,
    part,
    readers,
    receipt,
    record,
    report,
    resumption,
    retention,
    sshsig,
    strictjson,
    tombstone,
    topics,
)
from sealbell_wire.errors import WireError
from sealbell_wire.limits import HEALTH_BYTES, NOTICE_BYTES
from sealbell_wire.statement import encode_statement, take_statement
from unit.wire.operations import CASES, bytes_of

MAX_SEED_BYTES = 100_000
AGE_MAGIC = b"age-encryption.org/"
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(32))
KEY = sshsig.verify_key_of(SIGNER)
REPORT = next(case["input"] for case in CASES.values() if case["do"] == "report")
KEY_IN_REPORTS, NUMBER_IN_REPORTS = REPORT["key"], REPORT["number"]
PLACE = content.Place(KEY.hex(), "0190f3a1b2c3" + "5a" * 10, 2)


def fuzz_json(data: bytes) -> None:
    with suppress(WireError):
        value = strictjson.load(data, "fuzz")
        assert strictjson.load(strictjson.dump(value), "fuzz", len(data) * 8) == value


def fuzz_ids(data: bytes) -> None:
    text = _text(data)
    for check in (ids.check_id, ids.check_hash, ids.check_name):
        with suppress(WireError):
            assert check(text, "fuzz") == text


def fuzz_topic(data: bytes) -> None:
    text = _text(data)
    with suppress(WireError):
        up = topics.parse_up(text)
        if up.clip is not None and up.seq is not None:
            assert topics.part(up.doorbell, up.clip, up.seq) == text
    with suppress(WireError):
        assert topics.receipt(PLACE.clip, topics.parse_receipt_topic(text, PLACE.clip)) == text


def fuzz_signature(data: bytes) -> None:
    key, signature, message = data[:32], data[32:96], data[96:]
    with suppress(WireError):
        sshsig.verify(key, sshsig.PART, message, signature)
    with suppress(WireError):
        sshsig.verify(KEY, sshsig.PART, message, data[:64])
        raise AssertionError("a signature was forged without its key")


def fuzz_record(data: bytes) -> None:
    with suppress(WireError):
        assert record.parse_record(data).encode() == data


def fuzz_part(data: bytes) -> None:
    with suppress(WireError):
        parsed = part.parse_part(data)
        assert parsed.encode() == data
        part.verify_part(parsed, KEY)
        raise AssertionError("a part was forged without its key")


def fuzz_signed_part(data: bytes) -> None:
    """Data as a record that is signed, and the age file behind it."""
    at = data.find(AGE_MAGIC) % (len(data) + 1)
    text, sealed = data[:at], data[at:]
    with suppress(WireError):
        signed = part.Part(record.parse_record(text), text, sshsig.sign(SIGNER, sshsig.PART, text), sealed)
        parsed = part.parse_part(signed.encode())
        part.verify_part(parsed, KEY)
        assert (parsed.record.head, parsed.record.body) == tuple(
            sha256(half).hexdigest() for half in part.split_sealed(sealed)
        )


def fuzz_age_file_split(data: bytes) -> None:
    with suppress(WireError):
        head, body = part.split_sealed(data)
        assert head + body == data


def fuzz_statement(data: bytes) -> None:
    with suppress(WireError):
        text, signature, after = take_statement(data, receipt.MAGIC)
        assert encode_statement(receipt.MAGIC, text, signature) + after == data


def fuzz_receipts(data: bytes) -> None:
    with suppress(WireError):
        assert receipt.read_receipts(data, KEY) == [], "a receipt was forged without its key"


def fuzz_receipt(data: bytes) -> None:
    with suppress(WireError):
        assert receipt.parse_receipt(data).encode() == data
    if len(data) <= 0xFFFF:
        with suppress(WireError):
            receipt.read_receipts(encode_statement(receipt.MAGIC, data, sshsig.sign(SIGNER, sshsig.RECEIPT, data)), KEY)


def fuzz_signed_readers(data: bytes) -> None:
    with suppress(WireError):
        signed = readers.parse_signed_readers(data)
        assert signed.encode() == data
        readers.check_pinned(signed)


def fuzz_readers(data: bytes) -> None:
    with suppress(WireError):
        document = readers.parse_readers(data)
        assert readers.parse_readers(document.encode()) == document
        assert document.root in document.entries


def fuzz_card(data: bytes) -> None:
    with suppress(WireError):
        card = enrolment.parse_card(data)
        assert enrolment.parse_card(card.encode()) == card


def fuzz_binding_box(data: bytes) -> None:
    for after in ((), (b"ftyp", b"moov")):
        with suppress(WireError):
            assert boxes.take_binding(data, after) in data


def fuzz_plaintext(data: bytes) -> None:
    for read in (content.read_notice, content.read_init, content.read_manifest, content.check_media):
        with suppress(WireError):
            read(data, PLACE)


def fuzz_text_inside_the_seal(data: bytes) -> None:
    """The same data as the text of each kind, in a frame that is right."""
    notice = bytes(max(0, NOTICE_BYTES - 8 - len(data))) + data + bytes(4) + len(data).to_bytes(4, "big")
    header = (8).to_bytes(4, "big") + b"ftyp" + (8).to_bytes(4, "big") + b"moov"
    for plaintext in (notice, header + boxes.binding_box(data), boxes.binding_box(data)):
        fuzz_plaintext(plaintext)


def fuzz_beat(data: bytes) -> None:
    with suppress(WireError):
        assert health.parse_beat(data).encode() == data


def fuzz_health(data: bytes) -> None:
    with suppress(WireError):
        parsed = health.parse_health(data)
        assert parsed.encode() == data
        health.verify_health(parsed, KEY)
        raise AssertionError("a health message was forged without its key")


def fuzz_report(data: bytes) -> None:
    """The same data as a plaintext, and as the text of one that is as long as it must be."""
    for plaintext in (data, data.strip().ljust(HEALTH_BYTES)):
        with suppress(WireError):
            read = report.read_report(plaintext, KEY_IN_REPORTS, NUMBER_IN_REPORTS)
            again = report.encode_report(KEY_IN_REPORTS, NUMBER_IN_REPORTS, read)
            assert report.read_report(again, KEY_IN_REPORTS, NUMBER_IN_REPORTS) == read


def fuzz_owner_statement(data: bytes) -> None:
    """As a frame, and as a text of each kind that the owner signed."""
    for module, parse, read, namespace in OWNER_STATEMENTS:
        with suppress(WireError):
            assert read(data).encode() in data
        with suppress(WireError):
            assert parse(data).encode() == data
        if len(data) <= 0xFFFF:
            with suppress(WireError):
                read(encode_statement(module.MAGIC, data, sshsig.sign(SIGNER, namespace, data)))


OWNER_STATEMENTS: tuple[tuple[Any, Callable[[bytes], Any], Callable[[bytes], Any], str], ...] = (
    (tombstone, tombstone.parse_tombstone, tombstone.read_tombstone, sshsig.TOMBSTONE),
    (retention, retention.parse_retention, retention.read_retention, sshsig.RETENTION),
    (resumption, resumption.parse_resumption, resumption.read_resumption, sshsig.RESUMPTION),
)

TARGETS: dict[str, Callable[[bytes], None]] = {
    "wire_json": fuzz_json,
    "wire_ids": fuzz_ids,
    "wire_topic": fuzz_topic,
    "wire_signature": fuzz_signature,
    "wire_record": fuzz_record,
    "wire_part": fuzz_part,
    "wire_signed_part": fuzz_signed_part,
    "wire_age_file_split": fuzz_age_file_split,
    "wire_statement": fuzz_statement,
    "wire_receipts": fuzz_receipts,
    "wire_receipt": fuzz_receipt,
    "wire_signed_readers": fuzz_signed_readers,
    "wire_readers": fuzz_readers,
    "wire_card": fuzz_card,
    "wire_binding_box": fuzz_binding_box,
    "wire_plaintext": fuzz_plaintext,
    "wire_text_inside_the_seal": fuzz_text_inside_the_seal,
    "wire_beat": fuzz_beat,
    "wire_health": fuzz_health,
    "wire_report": fuzz_report,
    "wire_owner_statement": fuzz_owner_statement,
}


def seeds(*operations: str, key: str = "bytes") -> list[bytes]:
    """What the vectors accept for these operations, without the largest."""
    cases = [case for case in CASES.values() if case["do"] in operations and case["expect"] == "ok"]
    given = [case["input"][key] for case in cases]
    found = [value.encode() if isinstance(value, str) else bytes_of(value) for value in given]
    return [data for data in found if len(data) <= MAX_SEED_BYTES]


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


PARTS = seeds("part")
FRAMES = [*seeds("receipts"), *seeds("pin", "readers")]
PLAINTEXTS = seeds("notice", "init", "media", "manifest")
STATEMENTS = seeds("tombstone", "retention", "resumption")
SEEDS: dict[str, list[bytes]] = {
    "wire_json": seeds("json", "card"),
    "wire_ids": seeds("clip_time", key="clip") + seeds("name", key="text"),
    "wire_topic": seeds("read_up", "read_receipt_topic", key="topic"),
    "wire_record": seeds("record"),
    "wire_part": PARTS,
    "wire_signed_part": [
        one.record_bytes.replace(one.record.doorbell.encode(), ids.doorbell_id(KEY).encode()) + (one.sealed or b"")
        for one in map(part.parse_part, PARTS)
    ],
    "wire_age_file_split": [one.sealed for one in map(part.parse_part, PARTS) if one.sealed],
    "wire_statement": FRAMES,
    "wire_receipts": seeds("receipts"),
    "wire_receipt": [take_statement(data, receipt.MAGIC)[0] for data in seeds("receipts") if data],
    "wire_signed_readers": seeds("pin", "readers"),
    "wire_readers": [take_statement(data, readers.MAGIC)[0] for data in seeds("readers")],
    "wire_card": seeds("card"),
    "wire_binding_box": PLAINTEXTS,
    "wire_plaintext": PLAINTEXTS,
    "wire_beat": seeds("beat"),
    "wire_health": seeds("health", "open_health"),
    "wire_report": seeds("report"),
    "wire_owner_statement": STATEMENTS + [data[6:-64] for data in STATEMENTS],
}
