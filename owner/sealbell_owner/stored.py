"""A stored object: a part's frame exactly as it came, then the relay's signed receipt of its arrival.

It travels to the owner in a stream, each behind a u32 length; a length of 0 says only that the connection lives.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sealbell_wire import sshsig
from sealbell_wire.errors import ContradictionError, FormatError
from sealbell_wire.limits import MAX_PART_BYTES, MAX_RECORD_BYTES
from sealbell_wire.part import Part, frame_lengths, parse_part
from sealbell_wire.receipt import MAGIC, Receipt, parse_receipt
from sealbell_wire.statement import take_statement

_FRAME_OVERHEAD_BYTES = 4 + 2 + sshsig.SIGNATURE_BYTES
MAX_STORED_BYTES = MAX_PART_BYTES + _FRAME_OVERHEAD_BYTES + MAX_RECORD_BYTES


@dataclass(frozen=True, slots=True)
class SignedReceipt:
    """A receipt as it was carried, to be checked by others too."""

    receipt: Receipt
    text: bytes
    signature: bytes


class StreamCutError(FormatError):
    """A stream ended within an object: more likely a lost connection than a lie."""


def split_stored(stored: bytes) -> tuple[bytes, bytes]:
    """Return (part's frame, receipt's frame) by the lengths in the part's frame; FormatError if they do not fit."""
    if not stored:
        raise FormatError("stored part: cannot be read")
    _, end = frame_lengths(stored)
    if len(stored) < end:
        raise FormatError("stored part: cut in its age file")
    return stored[:end], stored[end:]


def parse_stored(stored: bytes, relay_key: bytes) -> tuple[Part, SignedReceipt]:
    """Return the part, not yet verified, and its receipt, verified under the relay's receipt key.

    Raises FormatError, SignatureError, or ContradictionError if the receipt is another part's.
    """
    if len(stored) > MAX_STORED_BYTES:
        raise FormatError(f"stored part: {len(stored)} bytes are more than {MAX_STORED_BYTES}")
    frame, receipt_frame = split_stored(stored)
    part = parse_part(frame)
    text, signature, after = take_statement(receipt_frame, MAGIC)
    if after:
        raise FormatError(f"part {part.record.seq}: has bytes after the receipt of its arrival")
    sshsig.verify(relay_key, sshsig.RECEIPT, text, signature)
    receipt = parse_receipt(text)
    record = part.record
    verdict = "dropped" if part.sealed is None else "stored"
    told = (receipt.doorbell, receipt.clip, receipt.seq, receipt.record, receipt.verdict)
    if told != (record.doorbell, record.clip, record.seq, part.hash, verdict):
        raise ContradictionError(f"part {record.seq}: the receipt beside it is another part's")
    return part, SignedReceipt(receipt, text, signature)


def read_stream(read: Callable[[int], bytes], *, keep_alive: bool) -> Iterator[bytes]:
    """Yield the stored objects of a stream; `read(n)` returns at most n bytes, none at the end.

    An announced length is checked before a byte of it is read. FormatError on one that is too large and on a length
    of 0 unless `keep_alive`, StreamCutError on a stream that ends within an object.
    """
    while header := _exactly(read, 4, or_none=True):
        (length,) = struct.unpack(">I", header)
        if length > MAX_STORED_BYTES:
            raise FormatError(f"stream: announces a part of {length} bytes, more than {MAX_STORED_BYTES}")
        if length:
            yield _exactly(read, length, or_none=False)
        elif not keep_alive:
            raise FormatError("stream: announces an empty part")


def _exactly(read: Callable[[int], bytes], count: int, *, or_none: bool) -> bytes:
    data = bytearray()
    while len(data) < count:
        piece = read(count - len(data))
        if not piece:
            if or_none and not data:
                return b""
            raise StreamCutError("stream: cut within a part")
        data += piece
    return bytes(data)
