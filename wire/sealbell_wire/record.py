"""The signed record of a part: what a doorbell says of a sealed file, in text that a person can read (SPEC 5)."""

import hashlib
from dataclasses import dataclass
from typing import Literal, cast, get_args

from sealbell_wire.errors import FormatError
from sealbell_wire.ids import ZERO_HASH, check_hash, check_id
from sealbell_wire.limits import MAX_PART_BYTES, MAX_RECORD_BYTES, MAX_SEQ
from sealbell_wire.lines import LineReader, encode_lines

VERSION = "sealbell-part-v1"

Kind = Literal["notice", "init", "media", "manifest"]


@dataclass(frozen=True, slots=True)
class Record:
    """One part's record. Times in milliseconds, hashes in lower-case hex, `size` in bytes of the age file.

    `keyframe` is None unless `kind` is media; `counter` and `last` are None unless `seq` is 0.
    """

    doorbell: str
    clip: str
    seq: int
    kind: Kind
    prev: str
    head: str
    body: str
    size: int
    final: bool
    boot: str
    monotonic_ms: int
    wall_ms: int
    synced: bool
    keyframe: bool | None = None
    counter: int | None = None
    last: str | None = None

    def encode(self) -> bytes:
        """Return the bytes that are signed and carried."""
        pairs = [
            ("doorbell", self.doorbell),
            ("clip", self.clip),
            ("seq", str(self.seq)),
            ("kind", self.kind),
            ("prev", self.prev),
            ("head", self.head),
            ("body", self.body),
            ("size", str(self.size)),
            ("final", str(int(self.final))),
            ("boot", self.boot),
            ("monotonic", str(self.monotonic_ms)),
            ("wall", str(self.wall_ms)),
            ("synced", str(int(self.synced))),
        ]
        if self.keyframe is not None:
            pairs.append(("keyframe", str(int(self.keyframe))))
        if self.counter is not None and self.last is not None:
            pairs += [("counter", str(self.counter)), ("last", self.last)]
        return encode_lines(VERSION, pairs)


def record_hash(record_bytes: bytes) -> str:
    """Return SHA-256 of the carried record bytes, in hex: the link by which parts and clips are chained."""
    return hashlib.sha256(record_bytes).hexdigest()


def parse_record(data: bytes) -> Record:
    """Parse the bytes of a record; FormatError on anything but exactly the grammar of SPEC 5."""
    lines = LineReader(data, VERSION, MAX_RECORD_BYTES)
    doorbell = check_id(lines.take("doorbell"), "record's doorbell")
    clip = check_id(lines.take("clip"), "record's clip")
    seq = lines.number("seq", MAX_SEQ)
    kind = _kind(lines.take("kind"), seq)
    prev = check_hash(lines.take("prev"), "record's prev")
    head = check_hash(lines.take("head"), "record's head")
    body = check_hash(lines.take("body"), "record's body")
    size = lines.number("size", MAX_PART_BYTES)
    final = lines.flag("final")
    boot = check_id(lines.take("boot"), "record's boot")
    monotonic_ms, wall_ms = lines.number("monotonic"), lines.number("wall")
    synced = lines.flag("synced")
    keyframe = lines.flag("keyframe") if kind == "media" else None
    counter = lines.number("counter") if seq == 0 else None
    last = check_hash(lines.take("last"), "record's last") if seq == 0 else None
    lines.end()
    if final != (kind == "manifest"):
        raise FormatError("record: a clip's manifest is its final part, and no other part is")
    if (seq == 0) != (prev == ZERO_HASH):
        raise FormatError("record: only the first part of a clip has no part before it")
    if counter == 0:
        raise FormatError("record: clips are counted from 1")
    return Record(
        doorbell, clip, seq, kind, prev, head, body, size, final, boot,
        monotonic_ms, wall_ms, synced, keyframe, counter, last,
    )  # fmt: skip


def _kind(text: str, seq: int) -> Kind:
    if text not in get_args(Kind):
        raise FormatError("record: kind is not notice, init, media or manifest")
    if seq == 0 and text != "notice":
        raise FormatError("record: a clip begins with a notice")
    return cast(Kind, text)
