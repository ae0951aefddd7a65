"""What a relay answers when asked for doorbells and clips: JSON that may say anything, parsed and checked.

What counts in it are the doorbell's signed records; the relay's own figures (parts, bytes, times) are only shown.
"""

import base64
import binascii
import itertools
import struct
from dataclasses import dataclass
from typing import Any

from sealbell_wire import sshsig, strictjson
from sealbell_wire.enrolment import DoorbellCard, parse_card
from sealbell_wire.errors import ContradictionError, FormatError
from sealbell_wire.ids import check_id, doorbell_id
from sealbell_wire.limits import MAX_JSON_BYTES
from sealbell_wire.record import Record, parse_record, record_hash

MAX_PAGE_CLIPS = 50  # two records a clip, 3 KB in base64, stay below MAX_JSON_BYTES
MAX_DOORBELLS = 256


@dataclass(frozen=True, slots=True)
class SignedRecord:
    """A record without its age file, as listings carry it: u16 length, record, 64-byte signature."""

    record: Record
    text: bytes
    signature: bytes

    @property
    def hash(self) -> str:
        """SHA-256 of the carried text, in hex."""
        return record_hash(self.text)

    def encode(self) -> bytes:
        """Return the frame."""
        return struct.pack(">H", len(self.text)) + self.text + self.signature


@dataclass(frozen=True, slots=True)
class ClipEntry:
    """One clip of a listing. `first` is the record of seq 0, None if that has not arrived; `newest` of the highest.

    `parts`, `dropped`, `size_bytes` and `arrived_ms` (Unix) are the relay's word alone.
    """

    clip: str
    parts: int
    dropped: int
    size_bytes: int
    first: SignedRecord | None
    newest: SignedRecord
    arrived_ms: int

    @property
    def final(self) -> bool:
        """Whether the doorbell signed an end of this clip."""
        return self.newest.record.final


@dataclass(frozen=True, slots=True)
class Offered:
    """A health message as the relay has it, not yet looked at, and its word for when it arrived (Unix ms)."""

    message: bytes
    arrived_ms: int


@dataclass(frozen=True, slots=True)
class Page:
    """Clips newest first; `next` is to be given as `before` for the page after, None if this is the last one."""

    clips: tuple[ClipEntry, ...]
    next: str | None


def parse_signed_record(data: bytes) -> SignedRecord:
    """Parse such a frame, checking no signature; FormatError on anything else."""
    length = struct.unpack_from(">H", data)[0] if len(data) >= 2 else 0
    if len(data) != 2 + length + sshsig.SIGNATURE_BYTES:
        raise FormatError("listing: a record is cut, or has bytes after it")
    text = data[2 : 2 + length]
    return SignedRecord(parse_record(text), text, data[2 + length :])


def check_entry(entry: ClipEntry, doorbell_key: bytes) -> None:
    """Raise WireError unless this doorbell signed both records of the entry, and for this clip."""
    doorbell = doorbell_id(doorbell_key)
    for signed in filter(None, (entry.first, entry.newest)):
        sshsig.verify(doorbell_key, sshsig.PART, signed.text, signed.signature)
        if (signed.record.doorbell, signed.record.clip) != (doorbell, entry.clip):
            raise ContradictionError("listing: shows another clip under this one's name")
    if entry.first and entry.first.record.seq != 0:
        raise ContradictionError("listing: shows a later part as a clip's first")
    if entry.newest.record.seq == 0 and (entry.first is None or entry.first.hash != entry.newest.hash):
        raise ContradictionError("listing: shows two first parts of one clip")


def parse_clips(data: bytes, limit: int, before: str | None) -> Page:
    """Parse a page of at most `limit` clips older than `before`, newest first; FormatError on anything else."""
    value = strictjson.load(data, "listing", MAX_JSON_BYTES)
    if value.keys() != {"clips", "next"} or not isinstance(value["clips"], list):
        raise FormatError("listing: is not a list of clips and what is next")
    if len(value["clips"]) > limit:
        raise FormatError(f"listing: holds more than the {limit} clips that were asked for")
    clips = tuple(_entry(item) for item in value["clips"])
    names = [before] if before else []
    names += [entry.clip for entry in clips]
    if any(newer <= older for newer, older in itertools.pairwise(names)):
        raise FormatError("listing: its clips are not in order, newest first")
    following = value["next"]
    if following is None:
        return Page(clips, None)
    if not clips or following != clips[-1].clip:
        raise FormatError("listing: goes on somewhere else than after its last clip")
    return Page(clips, following)


def parse_health_answer(data: bytes) -> Offered | None:
    """Parse the answer with a doorbell's newest health message, None if there is none; FormatError."""
    value = strictjson.load(data, "listing", MAX_JSON_BYTES)
    if value == {"health": None, "arrived_ms": None}:
        return None
    strictjson.exact_keys(value, {"health": str, "arrived_ms": int}, "listing")
    if value["arrived_ms"] < 0:
        raise FormatError("listing: a number is below zero")
    return Offered(_base64(value["health"]), value["arrived_ms"])


def parse_doorbells(data: bytes) -> tuple[DoorbellCard, ...]:
    """Parse the list of doorbells that a relay keeps for this owner; FormatError, SignatureError."""
    value = strictjson.load(data, "listing", MAX_JSON_BYTES)
    strictjson.exact_keys(value, {"doorbells": list}, "listing")
    if len(value["doorbells"]) > MAX_DOORBELLS:
        raise FormatError(f"listing: holds more than {MAX_DOORBELLS} doorbells")
    return tuple(_card(item) for item in value["doorbells"])


_ENTRY_KEYS: dict[str, type] = {
    "clip": str, "parts": int, "dropped": int, "bytes": int, "first": str, "newest": str, "final": bool,
    "arrived_ms": int,
}  # fmt: skip


def _entry(item: Any) -> ClipEntry:
    if not isinstance(item, dict):
        raise FormatError("listing: a clip is not an object")
    value = {**item, "first": ""} if item.get("first", "") is None else item
    strictjson.exact_keys(value, _ENTRY_KEYS, "listing")
    if min(value[key] for key in ("parts", "dropped", "bytes", "arrived_ms")) < 0:
        raise FormatError("listing: a number is below zero")
    return ClipEntry(
        check_id(value["clip"], "listed clip"),
        value["parts"],
        value["dropped"],
        value["bytes"],
        parse_signed_record(_base64(value["first"])) if value["first"] else None,
        parse_signed_record(_base64(value["newest"])),
        value["arrived_ms"],
    )


def _card(item: Any) -> DoorbellCard:
    if not isinstance(item, dict):
        raise FormatError("listing: a doorbell is not an object")
    strictjson.exact_keys(item, {"doorbell": str, "card": dict}, "listing")
    card = parse_card(strictjson.dump(item["card"]))
    if not isinstance(card, DoorbellCard) or card.doorbell != item["doorbell"]:
        raise FormatError("listing: a doorbell's card is not its own")
    return card


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise FormatError("listing: a record or a message is not base64") from None
