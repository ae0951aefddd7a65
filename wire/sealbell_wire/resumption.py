"""The owner's signed word that a relay, restored from a copy, has all tombstones again and may serve (SPEC 16.3)."""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sealbell_wire import sshsig
from sealbell_wire.errors import FormatError
from sealbell_wire.ids import check_hash
from sealbell_wire.limits import MAX_RECORD_BYTES
from sealbell_wire.lines import LineReader, encode_lines
from sealbell_wire.statement import encode_statement, take_statement

VERSION = "sealbell-resumption-v1"
MAGIC = b"SBC1"


@dataclass(frozen=True, slots=True)
class Resumption:
    """`owner` is the key that signs and `nonce` what the relay drew when it was restored, both 32 bytes in hex.

    `wall_ms` is the owner's clock in Unix milliseconds: the relay compares its own with it before it counts days.
    """

    owner: str
    nonce: str
    wall_ms: int

    def encode(self) -> bytes:
        """Return the text that is signed."""
        return encode_lines(VERSION, [("owner", self.owner), ("nonce", self.nonce), ("wall", str(self.wall_ms))])

    def sign(self, key: Ed25519PrivateKey) -> bytes:
        """Return the signed frame."""
        text = self.encode()
        return encode_statement(MAGIC, text, sshsig.sign(key, sshsig.RESUMPTION, text))


def parse_resumption(text: bytes) -> Resumption:
    """Parse the text; FormatError on anything but the grammar, SignatureError on an owner's key of small order."""
    lines = LineReader(text, VERSION, MAX_RECORD_BYTES)
    owner = check_hash(lines.take("owner"), "resumption's owner")
    nonce = check_hash(lines.take("nonce"), "resumption's nonce")
    wall_ms = lines.number("wall")
    lines.end()
    sshsig.check_key(bytes.fromhex(owner))
    return Resumption(owner, nonce, wall_ms)


def read_resumption(frame: bytes) -> Resumption:
    """Return the one resumption in a frame, signed by the owner that it names; FormatError, SignatureError."""
    text, signature, after = take_statement(frame, MAGIC)
    if after:
        raise FormatError("resumption: has bytes after it")
    resumption = parse_resumption(text)
    sshsig.verify(bytes.fromhex(resumption.owner), sshsig.RESUMPTION, text, signature)
    return resumption
