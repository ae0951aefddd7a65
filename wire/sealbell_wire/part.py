"""The frame of a part: record, signature, age file, nothing after; and its check, which needs no secret (SPEC 5)."""

import hashlib
import struct
from dataclasses import dataclass

from sealbell_wire import sshsig
from sealbell_wire.errors import ContradictionError, FormatError
from sealbell_wire.ids import doorbell_id
from sealbell_wire.limits import MAX_HEAD_BYTES, MAX_PART_BYTES, MAX_RECORD_BYTES
from sealbell_wire.record import Record, parse_record, record_hash

MAGIC = b"SBP1"
DROPPED_MAGIC = b"SBD1"
RECORD_AT = 6  # behind the magic and the record's length
_MAC_LINE = b"\n--- "


@dataclass(frozen=True, slots=True)
class Part:
    """A part as it travels. `sealed` is the age file; None if a full outbox dropped it.

    A dropped part carries `dropped`, the doorbell's 64-byte signature under `dropped@sealbell` over the same record.
    """

    record: Record
    record_bytes: bytes
    signature: bytes
    sealed: bytes | None
    dropped: bytes | None = None

    @property
    def hash(self) -> str:
        """SHA-256 of the record in hex: the name by which receipts and neighbours mean this part."""
        return record_hash(self.record_bytes)

    def encode(self) -> bytes:
        """Return the frame; FormatError if it would be larger than a message may be."""
        magic, tail = (MAGIC, self.sealed) if self.sealed is not None else (DROPPED_MAGIC, self.dropped)
        if tail is None:
            raise ValueError("a part has an age file or a dropped signature")
        frame = b"".join(
            (
                magic,
                struct.pack(">H", len(self.record_bytes)),
                self.record_bytes,
                self.signature,
                struct.pack(">I", len(tail)),
                tail,
            )
        )
        if len(frame) > MAX_PART_BYTES:
            raise FormatError(f"part: {len(frame)} bytes are more than the {MAX_PART_BYTES} that a message may hold")
        return frame


def split_sealed(sealed: bytes) -> tuple[bytes, bytes]:
    """Split an age file after its MAC line, without opening it; FormatError if there is none within limits.

    No line of a header before the MAC line can begin with `---`: base64 has no hyphen (C2SP age.md).
    """
    start = sealed.find(_MAC_LINE, 0, MAX_HEAD_BYTES)
    end = sealed.find(b"\n", start + 1, MAX_HEAD_BYTES) if start >= 0 else -1
    if end < 0:
        raise FormatError("part: its age file has no header within limits")
    return sealed[: end + 1], sealed[end + 1 :]


def frame_lengths(data: bytes) -> tuple[int, int]:
    """Return how long the record and the whole frame at the beginning of `data` are, in bytes; nothing else is read.

    FormatError if `data` ends before both are said, or the record is longer than one may be.
    """
    if len(data) < RECORD_AT:
        raise FormatError("part: cut in its frame")
    (record_length,) = struct.unpack_from(">H", data, 4)
    tail_at = RECORD_AT + record_length + sshsig.SIGNATURE_BYTES + 4
    if record_length > MAX_RECORD_BYTES or len(data) < tail_at:
        raise FormatError("part: its record is cut or too long")
    (tail_length,) = struct.unpack_from(">I", data, tail_at - 4)
    return record_length, tail_at + int(tail_length)


def parse_part(data: bytes) -> Part:
    """Parse a frame, checking no signature; FormatError on a wrong magic, a length that does not fit, a byte after."""
    if len(data) > MAX_PART_BYTES:
        raise FormatError(f"part: {len(data)} bytes are more than the {MAX_PART_BYTES} that a message may hold")
    magic = data[:4]
    if magic not in (MAGIC, DROPPED_MAGIC):
        raise FormatError("part: does not begin with a part's magic bytes")
    record_length, frame_length = frame_lengths(data)
    if frame_length != len(data):
        raise FormatError("part: its age file is cut, or has bytes after it")
    signature_at = RECORD_AT + record_length
    tail_at = signature_at + sshsig.SIGNATURE_BYTES + 4
    tail_length = frame_length - tail_at
    record_bytes, signature, tail = data[RECORD_AT:signature_at], data[signature_at : tail_at - 4], data[tail_at:]
    record = parse_record(record_bytes)
    if magic == DROPPED_MAGIC:
        if tail_length != sshsig.SIGNATURE_BYTES:
            raise FormatError("part: a dropped part carries one signature in the place of its age file")
        return Part(record, record_bytes, signature, None, tail)
    if record.size != tail_length:
        raise FormatError("part: its age file is not as long as its record says")
    return Part(record, record_bytes, signature, tail)


def verify_part(part: Part, verify_key: bytes) -> None:
    """Check that the doorbell with this key signed this part and that head and body are the signed ones.

    Raises SignatureError or ContradictionError. Opens nothing.
    """
    if part.record.doorbell != doorbell_id(verify_key):
        raise ContradictionError("part: its record names another doorbell than its key's")
    sshsig.verify(verify_key, sshsig.PART, part.record_bytes, part.signature)
    if part.sealed is None:
        sshsig.verify(verify_key, sshsig.DROPPED, part.record_bytes, part.dropped or b"")
        return
    head, body = split_sealed(part.sealed)
    if hashlib.sha256(head).hexdigest() != part.record.head:
        raise ContradictionError("part: its age header is not the one that was signed")
    if hashlib.sha256(body).hexdigest() != part.record.body:
        raise ContradictionError("part: its body is not the one that was signed")
