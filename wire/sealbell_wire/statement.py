"""The frame that carries a signed text which is not a part: magic, u16 length, text, 64-byte signature (SPEC 7)."""

import struct

from sealbell_wire.errors import FormatError
from sealbell_wire.limits import MAX_STATEMENT_BYTES
from sealbell_wire.sshsig import SIGNATURE_BYTES


def encode_statement(magic: bytes, text: bytes, signature: bytes) -> bytes:
    """Return the frame; ValueError if the text is longer than MAX_STATEMENT_BYTES."""
    if len(text) > MAX_STATEMENT_BYTES:
        raise ValueError(f"a statement of {len(text)} bytes is longer than {MAX_STATEMENT_BYTES}")
    return magic + struct.pack(">H", len(text)) + text + signature


def take_statement(data: bytes, magic: bytes) -> tuple[bytes, bytes, bytes]:
    """Return (text, signature, bytes after) of the first frame in `data`; FormatError if there is none whole."""
    if data[:4] != magic or len(data) < 6:
        raise FormatError("statement: does not begin with its magic bytes")
    (length,) = struct.unpack_from(">H", data, 4)
    end = 6 + length + SIGNATURE_BYTES
    if len(data) < end:
        raise FormatError("statement: cut")
    return data[6 : 6 + length], data[6 + length : end], data[end:]
