"""The textual header of an age file: its grammar (C2SP age.md, "Header") and its MAC."""

import binascii
import hmac
import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sealbell_wire.age.errors import HeaderFailure, MacFailure

VERSION_LINE = b"age-encryption.org/v1\n"
STANZA_MARK = b"-> "
MAC_MARK = b"---"
COLUMNS = 64
MAC_BYTES = 32
FILE_KEY_BYTES = 16
MAX_MAC_LINE_BYTES = len(MAC_MARK) + 1 + 43 + 1
MAX_HEADER_BYTES = 1 << 20  # 600 post-quantum readers; a part of ours has four stanzas in 7 KiB
MAX_STANZAS = 1024  # with MAX_IDENTITIES, what a hostile header can cost

ARGUMENT = re.compile(rb"[!-~]+")


@dataclass(frozen=True, slots=True)
class Stanza:
    """One reader's wrapped file key: `arguments` are printable ASCII without spaces, the first names the type."""

    arguments: tuple[str, ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """A parsed header. `covered` are the carried bytes that the 32-byte `mac` covers: all through the `---` mark."""

    stanzas: tuple[Stanza, ...]
    covered: bytes
    mac: bytes


def find_end(data: bytes | bytearray, scanned_bytes: int = 0) -> int | None:
    """Where the payload begins, or None while `data` is too short to say; `scanned_bytes` were searched before.

    Raises HeaderFailure as soon as no continuation could be a header.
    """
    if data[: len(VERSION_LINE)] != VERSION_LINE[: len(data)]:
        raise HeaderFailure("this is not an age v1 file")
    start = max(0, scanned_bytes - MAX_MAC_LINE_BYTES)
    mark = data.find(b"\n" + MAC_MARK, start, MAX_HEADER_BYTES)
    if mark == -1:
        if len(data) >= MAX_HEADER_BYTES:
            raise HeaderFailure(f"the header is longer than {MAX_HEADER_BYTES} bytes")
        return None
    newline = data.find(b"\n", mark + 1, mark + 1 + MAX_MAC_LINE_BYTES)
    if newline == -1 and len(data) > mark + MAX_MAC_LINE_BYTES:
        raise HeaderFailure("the MAC line is too long")
    return None if newline == -1 else newline + 1


def parse(head: bytes) -> Header:
    """The header in `head`, which holds one header through the newline of its MAC line and nothing after.

    Raises HeaderFailure.
    """
    if find_end(head) != len(head):
        raise HeaderFailure("the header is cut, or something follows its MAC line")
    *lines, mac_line, _ = head[len(VERSION_LINE) :].split(b"\n")
    mark, _, mac_text = mac_line.partition(b" ")
    mac = decode_base64(mac_text)
    if mark != MAC_MARK or len(mac) != MAC_BYTES:
        raise HeaderFailure("the MAC line is malformed")
    remaining = iter(lines)
    stanzas = tuple(_parse_stanza(line, remaining) for line in remaining)
    if not 1 <= len(stanzas) <= MAX_STANZAS:
        raise HeaderFailure(f"a header has 1 to {MAX_STANZAS} stanzas, this one {len(stanzas)}")
    if len(stanzas) > 1 and any(stanza.arguments[0] == "scrypt" for stanza in stanzas):
        raise HeaderFailure("a passphrase stanza stands beside others")
    return Header(stanzas, head[: len(head) - len(mac_line) - 1 + len(MAC_MARK)], mac)


def serialise(stanzas: Sequence[Stanza], file_key: bytes) -> bytes:
    """A header with its MAC, through the newline of the MAC line."""
    lines = [VERSION_LINE]
    for stanza in stanzas:
        body = encode_base64(stanza.body)
        # One more step than the body has columns: a body that ends a line is followed by an empty line.
        wrapped = (body[at : at + COLUMNS] for at in range(0, len(body) + 1, COLUMNS))
        lines.append("\n".join(["-> " + " ".join(stanza.arguments), *wrapped, ""]).encode("ascii"))
    covered = b"".join(lines) + MAC_MARK
    return covered + b" " + encode_base64(_mac(file_key, covered)).encode("ascii") + b"\n"


def verify(header: Header, file_key: bytes) -> None:
    """Raises MacFailure unless the header is the one that was made by a holder of `file_key`."""
    if not hmac.compare_digest(_mac(file_key, header.covered), header.mac):
        raise MacFailure("the header was altered after it was sealed")


def encode_base64(data: bytes) -> str:
    """Base64 without padding (RFC 4648, section 4)."""
    return b64encode(data).rstrip(b"=").decode("ascii")


def decode_base64(text: bytes) -> bytes:
    """The bytes of canonical base64 without padding. Raises HeaderFailure."""
    try:
        data = binascii.a2b_base64(text + b"=" * (-len(text) % 4))
    except binascii.Error:
        data = b""
    if encode_base64(data).encode("ascii") != text:  # the round trip refuses padding, foreign letters and spare bits
        raise HeaderFailure("base64 is malformed or not canonical")
    return data


def _parse_stanza(line: bytes, following: Iterator[bytes]) -> Stanza:
    arguments = line[len(STANZA_MARK) :].split(b" ")
    if not line.startswith(STANZA_MARK) or not all(map(ARGUMENT.fullmatch, arguments)):
        raise HeaderFailure("a stanza does not begin with its mark and arguments")
    body = []
    for text in following:
        body.append(text)
        if len(text) > COLUMNS:
            raise HeaderFailure(f"a line of a stanza is longer than {COLUMNS} columns")
        if len(text) < COLUMNS:
            return Stanza(tuple(argument.decode("ascii") for argument in arguments), decode_base64(b"".join(body)))
    raise HeaderFailure("a stanza does not end with a short line")


def _mac(file_key: bytes, covered: bytes) -> bytes:
    key = HKDF(SHA256(), MAC_BYTES, salt=None, info=b"header").derive(file_key)
    return hmac.digest(key, covered, "sha256")
