"""Doorbells and owners that do not exist: real keys, real signatures, made-up age files.

Whoever never opens a part cannot tell them from real ones, which is the point: the relay is tested with nothing that
seals. Everything is drawn from a seed, so that a test's parts are the same in each run.
"""

import hashlib
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sealbell_wire import sshsig, topics
from sealbell_wire.enrolment import DoorbellCard, OwnerCard
from sealbell_wire.health import Beat, Health
from sealbell_wire.ids import ZERO_HASH, doorbell_id, new_clip_id
from sealbell_wire.part import Part, split_sealed
from sealbell_wire.record import Kind, Record, record_hash

STARTED_MS = 1_790_000_000_000
CLIP_MS = 60_000
HEADER = b"age-encryption.org/v1\n-> X made-up\n" + b"A" * 43 + b"\n--- " + b"B" * 43 + b"\n"
BOOT = "b0" * 16


def age_file(size: int, fill: bytes = b"sealed") -> bytes:
    """Bytes with the outer form of an age file, `size` of them."""
    body = hashlib.shake_256(fill).digest(size - len(HEADER))
    return HEADER + body


@dataclass
class Owner:
    """Keys and token of an owner."""

    seed: int = 100
    key: Ed25519PrivateKey = field(init=False)
    token: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.key = _key("owner", self.seed)
        self.token = hashlib.sha256(f"token {self.seed}".encode()).digest()

    @property
    def card(self) -> OwnerCard:
        return OwnerCard(sshsig.verify_key_of(self.key).hex(), hashlib.sha256(self.token).hexdigest())

    @property
    def authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token.hex()}"}


@dataclass
class Doorbell:
    """A doorbell's key, and the parts that it makes."""

    seed: int = 1
    owner: Owner = field(default_factory=Owner)
    key: Ed25519PrivateKey = field(init=False)

    def __post_init__(self) -> None:
        self.key = _key("doorbell", self.seed)

    @property
    def verify_key(self) -> bytes:
        return sshsig.verify_key_of(self.key)

    @property
    def id(self) -> str:
        return doorbell_id(self.verify_key)

    @property
    def card(self) -> DoorbellCard:
        return DoorbellCard(self.verify_key.hex(), self.owner.card.key)

    def clip_id(self, number: int = 1) -> str:
        noise = hashlib.sha256(f"clip {self.seed} {number}".encode()).digest()
        return new_clip_id(None, STARTED_MS + number * CLIP_MS, noise[:10])

    def clip(
        self, parts: int = 4, *, number: int = 1, size: int = 1_000, final: bool = True, last: str = ZERO_HASH
    ) -> list[Part]:
        """A clip of `parts` parts (its manifest counts), each over an age file of `size` bytes."""
        clip, made = self.clip_id(number), list[Part]()
        for seq in range(parts):
            kind: Kind = "notice" if seq == 0 else "init" if seq == 1 else "media"
            if final and seq == parts - 1 and seq > 1:
                kind = "manifest"
            sealed = age_file(size, f"{self.seed} {number} {seq}".encode())
            made.append(self.part(clip, seq, kind, made[-1].hash if made else ZERO_HASH, sealed, number, last))
        return made

    def part(
        self, clip: str, seq: int, kind: Kind, prev: str, sealed: bytes, counter: int = 1, last: str = ZERO_HASH
    ) -> Part:
        head, body = split_sealed(sealed)
        record = Record(
            doorbell=self.id,
            clip=clip,
            seq=seq,
            kind=kind,
            prev=prev,
            head=hashlib.sha256(head).hexdigest(),
            body=hashlib.sha256(body).hexdigest(),
            size=len(sealed),
            final=kind == "manifest",
            boot=BOOT,
            monotonic_ms=1_000 * seq,
            wall_ms=STARTED_MS + counter * CLIP_MS + 1_000 * seq,
            synced=True,
            keyframe=True if kind == "media" else None,
            counter=counter if seq == 0 else None,
            last=last if seq == 0 else None,
        )
        return self.sign(record, sealed)

    def sign(self, record: Record, sealed: bytes) -> Part:
        text = record.encode()
        return Part(record, text, sshsig.sign(self.key, sshsig.PART, text), sealed)

    def health(self, number: int = 1, size: int = 1_000, **changes: object) -> Health:
        """A health message over an age file of `size` bytes."""
        sealed = age_file(size, f"{self.seed} health {number}".encode())
        head, body = (hashlib.sha256(half).hexdigest() for half in split_sealed(sealed))
        beat = Beat(self.id, number, BOOT, 900_000, STARTED_MS, True, head, body, len(sealed))
        beat = replace(beat, **changes)  # type: ignore[arg-type] # names are the test's
        text = beat.encode()
        return Health(beat, text, sshsig.sign(self.key, sshsig.HEALTH, text), sealed)

    def changed(self, part: Part, **changes: object) -> Part:
        """The same part with other words in its record, signed again: what only the doorbell itself can make."""
        assert part.sealed is not None
        return self.sign(replace(part.record, **changes), part.sealed)  # type: ignore[arg-type] # names are the test's

    def dropped(self, part: Part) -> Part:
        """The mark that a full outbox left of a part."""
        mark = sshsig.sign(self.key, sshsig.DROPPED, part.record_bytes)
        return Part(part.record, part.record_bytes, part.signature, None, mark)

    def notice_of(self, message_bytes: int, number: int = 1) -> bytes:
        """The encoded notice of a clip whose whole message is `message_bytes` long, also beyond what is allowed."""
        size = message_bytes - 1_000
        while True:
            part = self.part(self.clip_id(number), 0, "notice", ZERO_HASH, age_file(size), number)
            message = frame(part)
            if len(message) == message_bytes:
                return message
            size += message_bytes - len(message)


def frame(part: Part) -> bytes:
    """The part's frame, without the limit that `Part.encode` keeps."""
    tail = part.sealed if part.sealed is not None else part.dropped
    assert tail is not None
    magic = b"SBP1" if part.sealed is not None else b"SBD1"
    text = part.record_bytes
    return magic + len(text).to_bytes(2) + text + part.signature + len(tail).to_bytes(4) + tail


def topic_of(part: Part) -> str:
    """The topic on which a doorbell publishes the part."""
    return topics.part(part.record.doorbell, part.record.clip, part.record.seq)


def hash_of(part: Part) -> str:
    """The part's name in receipts."""
    return record_hash(part.record_bytes)


def _key(what: str, seed: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"{what} {seed}".encode()).digest())
