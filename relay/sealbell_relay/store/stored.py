"""A stored object: the message exactly as it came (a part's frame), then the signed receipt of its arrival."""

from dataclasses import dataclass

from sealbell_wire import sshsig
from sealbell_wire.limits import MAX_RECORD_BYTES
from sealbell_wire.part import DROPPED_MAGIC, RECORD_AT, frame_lengths
from sealbell_wire.record import Record, parse_record, record_hash

HEAD_BYTES = 4 + 2 + MAX_RECORD_BYTES + sshsig.SIGNATURE_BYTES + 4
MAX_RECEIPT_BYTES = 4 + 2 + MAX_RECORD_BYTES + sshsig.SIGNATURE_BYTES


@dataclass(frozen=True, slots=True)
class Link:
    """What the chain needs to know of one stored part; `dropped` if only its record arrived."""

    record: Record
    hash: str
    dropped: bool


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a stored object; `signed` is u16 length, record, 64-byte signature, as listings carry it."""

    link: Link
    signed: bytes
    message_bytes: int


def parse_head(data: bytes) -> Head:
    """Parse at least the first HEAD_BYTES (or all) of a stored object; FormatError if it is not one.

    What is in the store was checked before it was put, so a FormatError means that a disk or a person changed it.
    """
    record_length, frame_length = frame_lengths(data)
    signed_end = RECORD_AT + record_length + sshsig.SIGNATURE_BYTES
    text = data[RECORD_AT : RECORD_AT + record_length]
    link = Link(parse_record(text), record_hash(text), data[:4] == DROPPED_MAGIC)
    return Head(link, data[4:signed_end], frame_length)
