"""The operations of wire/vectors/*.json, as any implementation has them (wire/vectors/README.md)."""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sealbell_wire import (
    chain,
    content,
    enrolment,
    health,
    ids,
    opening,
    padding,
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
from sealbell_wire.age import keys

VECTORS = Path(__file__).parents[3] / "wire" / "vectors"
CASES = {
    f"{path.stem}: {case['name']}": case
    for path in sorted(VECTORS.glob("*.json"))
    for case in json.loads(path.read_bytes())
}
Given = dict[str, Any]


def bytes_of(pieces: list[dict[str, Any]]) -> bytes:
    def one(piece: dict[str, Any]) -> bytes:
        if "hex" in piece:
            return bytes.fromhex(piece["hex"])
        return base64.b64decode(piece["base64"]) if "base64" in piece else piece["text"].encode()

    return b"".join(one(piece) * piece.get("times", 1) for piece in pieces)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def place_of(given: Given) -> content.Place:
    return content.Place(**given["place"])


def written(data: bytes) -> Given:
    return {"sha256": sha256(data), "bytes": len(data)}


def record_value(text: bytes) -> Given:
    return asdict(record.parse_record(text)) | {"hash": record.record_hash(text)}


def parsed(text: str) -> record.Record:
    return record.parse_record(text.encode())


def hash_of(text: str) -> str:
    return record.record_hash(text.encode())


def run_new_clip(given: Given) -> Given:
    return {"clip": ids.new_clip_id(given["previous"], given["wall_ms"], bytes.fromhex(given["random"]))}


def run_sign(given: Given) -> Given:
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(given["seed"]))
    namespace, message, public = given["namespace"], bytes_of(given["message"]), sshsig.verify_key_of(key)
    signature = sshsig.sign(key, namespace, message)
    return {
        "signed_bytes": sshsig.signed_bytes(namespace, message).hex(),
        "signature": signature.hex(),
        "key": public.hex(),
        "public_line": sshsig.public_line(public),
        "armor": sshsig.armor(public, namespace, signature),
        "allowed_signer": sshsig.allowed_signer("door", namespace, public),
    }


def run_verify(given: Given) -> Given:
    key, signature = bytes.fromhex(given["key"]), bytes.fromhex(given["signature"])
    sshsig.verify(key, given["namespace"], bytes_of(given["message"]), signature)
    return {}


def run_part(given: Given) -> Given:
    frame = bytes_of(given["bytes"])
    found = part.parse_part(frame)
    part.verify_part(found, bytes.fromhex(given["key"]))
    assert found.encode() == frame
    head, body = part.split_sealed(found.sealed) if found.sealed is not None else (None, None)
    return {
        "record": record_value(found.record_bytes),
        "dropped": found.sealed is None,
        "head_bytes": None if head is None else len(head),
        "body_bytes": None if body is None else len(body),
    }


def run_joins(given: Given) -> Given:
    chain.check_joins(parsed(given["before"]), hash_of(given["before"]), parsed(given["after"]))
    return {}


def run_kinds(given: Given) -> Given:
    chain.check_kinds(given["kinds"])
    return {}


def run_follows(given: Given) -> Given:
    chain.check_follows(parsed(given["earlier"]), given["earlier_end"], parsed(given["later"]))
    return {}


def run_begins(given: Given) -> Given:
    chain.check_first_ever(parsed(given["first"]))
    return {}


def run_notice(given: Given) -> Given:
    notice = content.read_notice(bytes_of(given["bytes"]), place_of(given))
    return asdict(notice) | {"snapshot": sha256(notice.snapshot)}


def run_media(given: Given) -> Given:
    content.check_media(bytes_of(given["bytes"]), place_of(given))
    return {}


def run_manifest(given: Given) -> Given:
    manifest = content.read_manifest(bytes_of(given["bytes"]), place_of(given))
    return asdict(manifest) | {"triggers": [[t.kind, t.from_ms, t.to_ms] for t in manifest.triggers]}


def run_write_notice(given: Given) -> Given:
    fields = {key: value for key, value in given.items() if key != "place"}
    notice = content.Notice(**(fields | {"snapshot": bytes.fromhex(given["snapshot"])}))
    return written(content.encode_notice(place_of(given), notice))


def run_write_init(given: Given) -> Given:
    init = content.Init(given["firmware"], given["readers"])
    return written(content.encode_init(place_of(given), init, bytes.fromhex(given["header"])))


def run_write_manifest(given: Given) -> Given:
    fields = {key: value for key, value in given.items() if key != "place"}
    triggers = tuple(content.Trigger(*trigger) for trigger in given["triggers"])
    return written(content.encode_manifest(place_of(given), content.Manifest(**(fields | {"triggers": triggers}))))


def run_readers(given: Given) -> Given:
    signed = readers.parse_signed_readers(bytes_of(given["bytes"]))
    return asdict(signed.readers) | {"v": 1, "hash": signed.hash}


def run_pin(given: Given) -> Given:
    readers.check_pinned(readers.parse_signed_readers(bytes_of(given["bytes"])))
    return {}


def run_succeeds(given: Given) -> Given:
    new, current = (readers.parse_signed_readers(bytes_of(given[key])) for key in ("new", "current"))
    readers.check_succeeds(new, current, given["doorbell"])
    return {}


def run_card(given: Given) -> Given:
    data = bytes_of(given["bytes"])
    card = enrolment.parse_card(data)
    assert card.encode() == data
    match card:
        case enrolment.DoorbellCard():
            return {"v": 1, "what": "doorbell", "doorbell": card.doorbell} | asdict(card)
        case enrolment.Introduction():
            told = {"v": 1, "what": "introduction", "doorbell": card.card.doorbell, "credential": card.credential}
            return told | asdict(card.card) | {"signature": card.signature}
        case enrolment.OwnerCard():
            return {"v": 1, "what": "owner"} | asdict(card)
        case enrolment.RelayCard():
            return {"v": 1, "what": "relay"} | asdict(card)
        case enrolment.OwnerBundle():
            readers_base64 = base64.b64encode(card.readers).decode()
            return {"v": 1, "what": "bundle", "readers": readers_base64, "relay": asdict(card.relay)}


def run_open(given: Given) -> Given:
    found = part.parse_part(bytes_of(given["part"]))
    plaintext, _ = opening.open_part(found, bytes.fromhex(given["key"]), [keys.parse_identity(given["identity"])])
    return {"sha256": sha256(plaintext)}


def run_clip(given: Given) -> Given:
    found = [part.parse_part(bytes_of(pieces)) for pieces in given["parts"]]
    for before, after in pairwise(found):
        chain.check_joins(before.record, before.hash, after.record)
    chain.check_kinds([one.record.kind for one in found])
    identities = [keys.parse_identity(given["identity"])]
    opened = [opening.open_part(one, bytes.fromhex(given["key"]), identities) for one in found]
    manifest = opened[-1][1]
    assert isinstance(manifest, content.Manifest)
    assert list(manifest.parts) == [sha256(plaintext) for plaintext, _ in opened[:-1]]
    kinds = [one.record.kind for one in found]
    film = [plaintext for kind, (plaintext, _) in zip(kinds, opened, strict=True) if kind in ("init", "media")]
    return {
        "plaintexts": [
            {"kind": kind, "sha256": sha256(plaintext)} for kind, (plaintext, _) in zip(kinds, opened, strict=True)
        ],
        "mp4": sha256(b"".join(film)),
        "end": found[-1].hash,
    }


def run_health(given: Given) -> Given:
    frame = bytes_of(given["bytes"])
    found = health.parse_health(frame)
    health.verify_health(found, bytes.fromhex(given["key"]))
    assert found.encode() == frame
    head, body = part.split_sealed(found.sealed)
    return {"beat": asdict(found.beat), "head_bytes": len(head), "body_bytes": len(body)}


def run_report(given: Given) -> Given:
    return asdict(report.read_report(bytes_of(given["bytes"]), given["key"], given["number"]))


def run_write_report(given: Given) -> Given:
    said = {key: value for key, value in given.items() if key not in ("key", "number")}
    said |= {"tip": report.Tip(**said["tip"]), "link": report.Link(**said["link"])}
    said["troubles"] = tuple((word, since_ms) for word, since_ms in said["troubles"])
    return written(report.encode_report(given["key"], given["number"], report.Report(**said)))


def run_open_health(given: Given) -> Given:
    found = health.parse_health(bytes_of(given["bytes"]))
    identities = [keys.parse_identity(given["identity"])]
    return asdict(report.open_health(found, bytes.fromhex(given["key"]), identities))


def run_tombstone(given: Given) -> Given:
    frame = bytes_of(given["bytes"])
    found = tombstone.read_tombstone(frame)
    assert tombstone.take_tombstone(frame + b"after") == (found, frame, b"after")
    return asdict(found) | {"hash": found.hash}


def run_retention(given: Given) -> Given:
    found = retention.read_retention(bytes_of(given["bytes"]))
    return asdict(found) | {"hash": found.hash}


RUN: dict[str, Callable[[Given], Any]] = {
    "json": lambda given: strictjson.load(bytes_of(given["bytes"]), "vector"),
    "doorbell": lambda given: {"doorbell": ids.doorbell_id(bytes.fromhex(given["key"]))},
    "shard": lambda given: {"shard": ids.shard(given["doorbell"])},
    "new_clip": run_new_clip,
    "clip_time": lambda given: {"ms": ids.clip_time_ms(given["clip"])},
    "name": lambda given: {"text": ids.check_name(given["text"], "name")},
    "part_topic": lambda given: {"topic": topics.part(given["doorbell"], given["clip"], given["seq"])},
    "have_topic": lambda given: {"topic": topics.have(given["doorbell"], given["clip"])},
    "receipt_topic": lambda given: {"topic": topics.receipt(given["doorbell"], given["clip"])},
    "down_filter": lambda given: {"topic": topics.down_filter(given["doorbell"])},
    "up_filter": lambda given: {"topic": topics.up_filter(*([given["shard"]] if given["shard"] else []))},
    "read_up": lambda given: asdict(topics.parse_up(given["topic"])),
    "read_receipt_topic": lambda given: {"clip": topics.parse_receipt_topic(given["topic"], given["doorbell"])},
    "padme": lambda given: {"padded": padding.padme(given["length"])},
    "sign": run_sign,
    "verify": run_verify,
    "record": lambda given: record_value(bytes_of(given["bytes"])),
    "part": run_part,
    "receipts": lambda given: [
        asdict(one) for one in receipt.read_receipts(bytes_of(given["bytes"]), bytes.fromhex(given["key"]))
    ],
    "joins": run_joins,
    "kinds": run_kinds,
    "follows": run_follows,
    "begins": run_begins,
    "notice": run_notice,
    "init": lambda given: asdict(content.read_init(bytes_of(given["bytes"]), place_of(given))),
    "media": run_media,
    "manifest": run_manifest,
    "write_notice": run_write_notice,
    "write_init": run_write_init,
    "write_media": lambda given: written(content.encode_media(place_of(given), bytes.fromhex(given["fragment"]))),
    "write_manifest": run_write_manifest,
    "readers": run_readers,
    "pin": run_pin,
    "succeeds": run_succeeds,
    "card": run_card,
    "open": run_open,
    "clip": run_clip,
    "beat": lambda given: asdict(health.parse_beat(bytes_of(given["bytes"]))),
    "health": run_health,
    "report": run_report,
    "write_report": run_write_report,
    "open_health": run_open_health,
    "tombstone": run_tombstone,
    "retention": run_retention,
    "resumption": lambda given: asdict(resumption.read_resumption(bytes_of(given["bytes"]))),
}
