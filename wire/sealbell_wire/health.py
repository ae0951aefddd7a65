"""A doorbell's word that it lives: a signed text and an age file in one frame, checked without a secret (SPEC 15).

What the doorbell says of itself is sealed (report.py). The clear text holds only what a relay needs to keep the newest.
"""

import hashlib
import struct
from dataclasses import dataclass

from sealbell_wire import sshsig
from sealbell_wire.errors import ContradictionError, FormatError
from sealbell_wire.ids import check_hash, check_id, doorbell_id
from sealbell_wire.limits import MAX_HEALTH_BYTES, MAX_RECORD_BYTES
from sealbell_wire.lines import LineReader, encode_lines
from sealbell_wire.part import split_sealed
from sealbell_wire.statement import encode_statement, take_statement

MAGIC = b"SBH1"
VERSION = "sealbell-health-v1"
_LENGTH = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Beat:
    """The signed text. Times in milliseconds, hashes in lower-case hex, `size` in bytes of the age file.

    `number` rises with every message of a doorbell, also over restarts (`next_number`).
    """

    doorbell: str
    number: int
    boot: str
    monotonic_ms: int
    wall_ms: int
    synced: bool
    head: str
    body: str
    size: int

    def encode(self) -> bytes:
        """Return the bytes that are signed and carried."""
        return encode_lines(
            VERSION,
            [
                ("doorbell", self.doorbell),
                ("number", str(self.number)),
                ("boot", self.boot),
                ("monotonic", str(self.monotonic_ms)),
                ("wall", str(self.wall_ms)),
                ("synced", str(int(self.synced))),
                ("head", self.head),
                ("body", self.body),
                ("size", str(self.size)),
            ],
        )


@dataclass(frozen=True, slots=True)
class Health:
    """A health message as it travels; `sealed` is the age file."""

    beat: Beat
    text: bytes
    signature: bytes
    sealed: bytes

    def encode(self) -> bytes:
        """Return the frame; FormatError if it would be larger than a message may be."""
        frame = encode_statement(MAGIC, self.text, self.signature) + _LENGTH.pack(len(self.sealed)) + self.sealed
        if len(frame) > MAX_HEALTH_BYTES:
            raise FormatError(f"health: {len(frame)} bytes are more than the {MAX_HEALTH_BYTES} that one may hold")
        return frame


def next_number(previous: int, wall_ms: int) -> int:
    """Return the number after `previous` (0: none known): Unix milliseconds, unless the clock went back.

    So a doorbell that lost its last number, or was set back to an older one, rises above it by itself.
    """
    return max(previous + 1, wall_ms)


def parse_beat(text: bytes) -> Beat:
    """Parse the signed text; FormatError on anything but exactly the grammar of SPEC 15.1."""
    lines = LineReader(text, VERSION, MAX_RECORD_BYTES)
    doorbell = check_id(lines.take("doorbell"), "health's doorbell")
    number = lines.number("number")
    boot = check_id(lines.take("boot"), "health's boot")
    monotonic_ms, wall_ms = lines.number("monotonic"), lines.number("wall")
    synced = lines.flag("synced")
    head = check_hash(lines.take("head"), "health's head")
    body = check_hash(lines.take("body"), "health's body")
    size = lines.number("size", MAX_HEALTH_BYTES)
    lines.end()
    if number == 0:
        raise FormatError("health: messages are numbered from 1")
    return Beat(doorbell, number, boot, monotonic_ms, wall_ms, synced, head, body, size)


def parse_health(data: bytes) -> Health:
    """Parse a frame, checking no signature; FormatError on a wrong magic, a length that does not fit, a byte after."""
    if len(data) > MAX_HEALTH_BYTES:
        raise FormatError(f"health: {len(data)} bytes are more than the {MAX_HEALTH_BYTES} that one may hold")
    text, signature, rest = take_statement(data, MAGIC)
    if len(rest) < _LENGTH.size or _LENGTH.unpack_from(rest)[0] != len(rest) - _LENGTH.size:
        raise FormatError("health: its age file is cut, or has bytes after it")
    beat, sealed = parse_beat(text), rest[_LENGTH.size :]
    if beat.size != len(sealed):
        raise FormatError("health: its age file is not as long as its text says")
    return Health(beat, text, signature, sealed)


def verify_health(health: Health, verify_key: bytes) -> None:
    """Check that the doorbell with this key signed this message and that head and body are the signed ones.

    Raises SignatureError, FormatError or ContradictionError. Opens nothing.
    """
    if health.beat.doorbell != doorbell_id(verify_key):
        raise ContradictionError("health: names another doorbell than its key's")
    sshsig.verify(verify_key, sshsig.HEALTH, health.text, health.signature)
    head, body = split_sealed(health.sealed)
    if hashlib.sha256(head).hexdigest() != health.beat.head:
        raise ContradictionError("health: its age header is not the one that was signed")
    if hashlib.sha256(body).hexdigest() != health.beat.body:
        raise ContradictionError("health: its body is not the one that was signed")
