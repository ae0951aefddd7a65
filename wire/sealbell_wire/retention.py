"""How many days a relay keeps a doorbell's clips: signed by its owner, numbered, the highest in force (SPEC 16.2)."""

import hashlib
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sealbell_wire import sshsig
from sealbell_wire.errors import FormatError
from sealbell_wire.ids import check_hash, check_id
from sealbell_wire.limits import MAX_RECORD_BYTES, MAX_RETENTION_DAYS
from sealbell_wire.lines import LineReader, encode_lines
from sealbell_wire.statement import encode_statement, take_statement

VERSION = "sealbell-retention-v1"
MAGIC = b"SBX1"
DEFAULT_DAYS = 30


@dataclass(frozen=True, slots=True)
class Retention:
    """`owner` is the 32-byte key that signs, in hex; `number` rises with each document of a doorbell; `days` from 1."""

    owner: str
    doorbell: str
    number: int
    days: int

    @property
    def hash(self) -> str:
        """SHA-256 of the text, in hex: what the relay's receipt names."""
        return hashlib.sha256(self.encode()).hexdigest()

    def encode(self) -> bytes:
        """Return the text that is signed."""
        return encode_lines(
            VERSION,
            [
                ("owner", self.owner),
                ("doorbell", self.doorbell),
                ("number", str(self.number)),
                ("days", str(self.days)),
            ],
        )

    def sign(self, key: Ed25519PrivateKey) -> bytes:
        """Return the signed frame."""
        text = self.encode()
        return encode_statement(MAGIC, text, sshsig.sign(key, sshsig.RETENTION, text))


def next_number(previous: int, wall_ms: int) -> int:
    """Return the number after `previous` (0: none known): Unix milliseconds, unless the clock went back."""
    return max(previous + 1, wall_ms)


def parse_retention(text: bytes) -> Retention:
    """Parse the text; FormatError on anything but the grammar, SignatureError on an owner's key of small order."""
    lines = LineReader(text, VERSION, MAX_RECORD_BYTES)
    owner = check_hash(lines.take("owner"), "retention's owner")
    doorbell = check_id(lines.take("doorbell"), "retention's doorbell")
    number, days = lines.number("number"), lines.number("days", MAX_RETENTION_DAYS)
    lines.end()
    if number == 0 or days == 0:
        raise FormatError("retention: documents are numbered from 1, and a day is the least that is kept")
    sshsig.check_key(bytes.fromhex(owner))
    return Retention(owner, doorbell, number, days)


def read_retention(frame: bytes) -> Retention:
    """Return the one document in a frame, signed by the owner that it names; FormatError, SignatureError.

    Whether that owner may say so is for the caller to find out.
    """
    text, signature, after = take_statement(frame, MAGIC)
    if after:
        raise FormatError("retention: has bytes after it")
    retention = parse_retention(text)
    sshsig.verify(bytes.fromhex(retention.owner), sshsig.RETENTION, text, signature)
    return retention
