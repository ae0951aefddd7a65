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


def take_binding(plaintext: bytes) -> bytes:
    """Return the text of the `uuid` box with which a part's plaintext begins; FormatError if there is none."""
    if len(plaintext) < _BINDING_HEADER_BYTES:
        raise FormatError("fragment: too short to say whose it is")
    size, name = struct.unpack_from(">I4s", plaintext)
    if name != b"uuid" or plaintext[BOX_HEADER_BYTES:_BINDING_HEADER_BYTES] != BINDING_TYPE:
        raise FormatError("fragment: does not begin with the box that says whose it is")
    if not _BINDING_HEADER_BYTES <= size <= min(len(plaintext), MAX_BINDING_BYTES):
        raise FormatError("fragment: the box that says whose it is has a wrong size")
    return plaintext[_BINDING_HEADER_BYTES:size]
