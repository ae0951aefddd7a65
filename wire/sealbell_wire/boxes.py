"""The two MP4 boxes of ours around a fragment: `uuid` says whose part it is, `free` pads it (SPEC 9).

Players skip both, so concatenated plaintexts stay a plain MP4.
"""

import struct

from sealbell_wire.errors import FormatError
from sealbell_wire.padding import padme

BINDING_TYPE = bytes.fromhex("7e1b5ea1be110001a0d97c35f2b0c4d6")
BOX_HEADER_BYTES = 8
_BINDING_HEADER_BYTES = BOX_HEADER_BYTES + len(BINDING_TYPE)
MAX_BINDING_BYTES = 4_096


def binding_box(text: bytes) -> bytes:
    """Return the `uuid` box that carries `text`."""
    return struct.pack(">I4s", _BINDING_HEADER_BYTES + len(text), b"uuid") + BINDING_TYPE + text


def free_box(size_bytes: int) -> bytes:
    """Return a `free` box of exactly `size_bytes`, at least 8."""
    return struct.pack(">I4s", size_bytes, b"free") + bytes(size_bytes - BOX_HEADER_BYTES)


def pad(boxes: bytes) -> bytes:
    """Return `boxes` with a `free` box behind, so that the whole is a Padme length."""
    least = len(boxes) + BOX_HEADER_BYTES
    return boxes + free_box(padme(least) - len(boxes))


def take_binding(plaintext: bytes, after: tuple[bytes, ...] = ()) -> bytes:
    """Return the text of the `uuid` box that stands behind boxes of exactly the types `after`.

    FormatError if a box is missing, cut or too large. An init part begins with `ftyp` and `moov`, since players
    look for them there; every other fragment begins with the `uuid` box.
    """
    at = 0
    for expected in after:
        size, name = _box_at(plaintext, at)
        if name != expected:
            raise FormatError(f"fragment: has no {expected.decode('ascii')} box where it belongs")
        at += size
    size, name = _box_at(plaintext, at)
    text_at = at + _BINDING_HEADER_BYTES
    if name != b"uuid" or plaintext[at + BOX_HEADER_BYTES : text_at] != BINDING_TYPE:
        raise FormatError("fragment: has no box that says whose it is")
    if size > MAX_BINDING_BYTES:
        raise FormatError("fragment: the box that says whose it is is too large")
    return plaintext[text_at : at + size]


def _box_at(plaintext: bytes, at: int) -> tuple[int, bytes]:
    if len(plaintext) - at < BOX_HEADER_BYTES:
        raise FormatError("fragment: cut before the box that says whose it is")
    size, name = struct.unpack_from(">I4s", plaintext, at)
    if not BOX_HEADER_BYTES <= size <= len(plaintext) - at:
        raise FormatError("fragment: a box does not fit into it")
    return size, name
