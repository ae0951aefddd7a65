"""How a relay's store keeps a clip that is complete: its stored objects as they were, joined into a few (SPEC 12.1).

    magic "SBK1", u32 count, count times (u32 twice the seq, plus one if dropped; u32 length), the objects in this order

A stored object is a part's frame and the receipt behind it. A pack says nothing that its objects do not say; whoever
reads one checks each object as if it lay there alone.
"""

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from sealbell_wire.errors import FormatError
from sealbell_wire.limits import MAX_SEQ

MAX_PACK_OBJECTS = 1_024  # so that a reader gets the whole index in one look of 8 KiB
MAGIC = b"SBK1"
SUFFIX = ".pack"
_HEAD = struct.Struct(">4sI")
_ENTRY = struct.Struct(">II")
MAX_INDEX_BYTES = _HEAD.size + MAX_PACK_OBJECTS * _ENTRY.size
_NAME = re.compile(r"(00[0-9]{4})-(00[0-9]{4})\.pack\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Packed:
    """One object in a pack: which it is, and where its bytes lie, in bytes from the pack's beginning."""

    seq: int
    dropped: bool
    start: int
    size: int


def encode_pack(objects: Sequence[tuple[int, bool, bytes]]) -> bytes:
    """Return the pack of (seq, whether dropped, stored bytes), of which there is at least one, in order of both."""
    places = [(2 * seq + dropped, len(data)) for seq, dropped, data in objects]
    assert 0 < len(places) <= MAX_PACK_OBJECTS
    index = b"".join(_ENTRY.pack(*place) for place in places)
    return b"".join((_HEAD.pack(MAGIC, len(places)), index, *(data for _, _, data in objects)))


def parse_index(data: bytes, size: int) -> list[Packed]:
    """Return what lies in a pack of `size` bytes from its first MAX_INDEX_BYTES (or all); FormatError if it is none."""
    if len(data) < _HEAD.size:
        raise FormatError("pack: cut in its head")
    magic, count = _HEAD.unpack_from(data)
    if magic != MAGIC:
        raise FormatError("pack: does not begin with its magic bytes")
    if not 0 < count <= MAX_PACK_OBJECTS:
        raise FormatError(f"pack: holds {count} objects, not 1 to {MAX_PACK_OBJECTS}")
    start = _HEAD.size + count * _ENTRY.size
    if len(data) < start:
        raise FormatError("pack: cut in its index")
    found, last = list[Packed](), -1
    for number, length in _ENTRY.iter_unpack(data[_HEAD.size : start]):
        if number <= last or number // 2 > MAX_SEQ:
            raise FormatError("pack: its index is not in order of its objects' numbers")
        found.append(Packed(number // 2, bool(number % 2), start, length))
        start, last = start + length, number
    if start != size:
        raise FormatError(f"pack: is {size} bytes long, and its index speaks of {start}")
    return found


def pack_name(first: int, last: int) -> str:
    """Return the last piece of the name of a pack of parts `first` to `last`."""
    return f"{first:06d}-{last:06d}{SUFFIX}"


def parse_pack_name(name: str) -> tuple[int, int] | None:
    """Return (first, last) of a pack's name; None if no pack is called so."""
    found = _NAME.match(name)
    return (int(found[1]), int(found[2])) if found and found[1] <= found[2] else None
