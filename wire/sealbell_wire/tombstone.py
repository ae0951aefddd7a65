"""The owner's signed word that something is over for good: a clip, a doorbell, or a phone's token (SPEC 16.1).

Whoever holds one can show it to any relay, and again after a relay was restored from an old copy.
"""

import hashlib
from dataclasses import dataclass
from typing import Literal, get_args

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sealbell_wire import sshsig
from sealbell_wire.errors import FormatError
from sealbell_wire.ids import ZERO_ID, check_hash, check_id
from sealbell_wire.limits import MAX_RECORD_BYTES
from sealbell_wire.lines import LineReader, encode_lines
from sealbell_wire.statement import encode_statement, take_statement

VERSION = "sealbell-tombstone-v1"
MAGIC = b"SBT1"

Kind = Literal["clip", "doorbell", "token"]


@dataclass(frozen=True, slots=True)
class Tombstone:
    """`owner` is the 32-byte key that signs, in hex.

    `doorbell` is its id, zeros for a token; `name` a clip's id, the SHA-256 of a token, or zeros for a doorbell.
    `wall_ms` is the owner's clock in Unix milliseconds: a label, not a proof of time.
    """

    owner: str
    kind: Kind
    doorbell: str
    name: str
    wall_ms: int

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
                ("kind", self.kind),
                ("doorbell", self.doorbell),
                ("name", self.name),
                ("wall", str(self.wall_ms)),
            ],
        )

    def sign(self, key: Ed25519PrivateKey) -> bytes:
        """Return the signed frame."""
        text = self.encode()
        return encode_statement(MAGIC, text, sshsig.sign(key, sshsig.TOMBSTONE, text))


def parse_tombstone(text: bytes) -> Tombstone:
    """Parse the text; FormatError on anything but the grammar, SignatureError on an owner's key of small order."""
    lines = LineReader(text, VERSION, MAX_RECORD_BYTES)
    owner = check_hash(lines.take("owner"), "tombstone's owner")
    kind = lines.take("kind")
    doorbell = check_id(lines.take("doorbell"), "tombstone's doorbell")
    name = lines.take("name")
    wall_ms = lines.number("wall")
    lines.end()
    match kind:
        case "clip":
            fits = doorbell != ZERO_ID and check_id(name, "tombstone's clip") != ZERO_ID
        case "doorbell":
            fits = doorbell != ZERO_ID and name == ZERO_ID
        case "token":
            fits = doorbell == ZERO_ID and bool(check_hash(name, "tombstone's token"))
        case _:
            raise FormatError(f"tombstone: kind is not one of {', '.join(get_args(Kind))}")
    if not fits:
        raise FormatError("tombstone: its doorbell or name is not what its kind asks for")
    sshsig.check_key(bytes.fromhex(owner))
    return Tombstone(owner, kind, doorbell, name, wall_ms)


def take_tombstone(data: bytes) -> tuple[Tombstone, bytes, bytes]:
    """Return (tombstone, its frame, bytes after) of the first frame, signed by the owner that it names.

    Whether that owner may say so is for the caller to find out. Raises FormatError or SignatureError.
    """
    text, signature, after = take_statement(data, MAGIC)
    tombstone = parse_tombstone(text)
    sshsig.verify(bytes.fromhex(tombstone.owner), sshsig.TOMBSTONE, text, signature)
    return tombstone, data[: len(data) - len(after)], after


def read_tombstone(frame: bytes) -> Tombstone:
    """Return the one tombstone in a frame, signed by the owner that it names; FormatError, SignatureError."""
    tombstone, _, after = take_tombstone(frame)
    if after:
        raise FormatError("tombstone: has bytes after it")
    return tombstone
