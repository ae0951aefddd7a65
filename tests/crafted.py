"""Parts without seals: records, hashes, chains and signatures are right, what stands for the age file is filling.

Enough for everything that carries parts and cannot open them, at any size and at little cost.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sealbell.spool import Entry
from sealbell_wire import sshsig
from sealbell_wire.ids import ZERO_HASH, doorbell_id
from sealbell_wire.part import Part
from sealbell_wire.record import Kind, Record
from sealbell_wire.sealing import drop_part

HEAD = b"age-encryption.org/v1\n-> filling\n\n--- filling\n"
WALL_MS = 1_764_000_000_000
KINDS: dict[str, Kind] = {"n": "notice", "i": "init", "v": "media", "f": "manifest"}


def key_of(seed: int) -> Ed25519PrivateKey:
    """A signing key that is the same in every run."""
    return Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)


def clip_id(number: int) -> str:
    """The id of the clip with this number: later clips sort after earlier ones."""
    return f"{WALL_MS + number:012x}" + f"{number:020x}"


@dataclass
class Bell:
    """A doorbell that signs filling. `spell("niv")` is the next clip: a notice, a header, a fragment."""

    seed: int = 1
    size_bytes: int = 200
    counter: int = 0
    last: str = ZERO_HASH
    clip: list[Part] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.key = key_of(self.seed)
        self.verify_key = sshsig.verify_key_of(self.key)
        self.id = doorbell_id(self.verify_key)

    def spell(self, kinds: str, size_bytes: int | None = None) -> list[Part]:
        """The parts of the next clip, one for each letter: n, i, v, f."""
        self.begin()
        return [self.add(letter, size_bytes) for letter in kinds]

    def begin(self) -> None:
        """The next clip begins."""
        self.counter += 1
        self.clip = []

    def add(self, letter: str, size_bytes: int | None = None) -> Part:
        """The next part of the clip, its frame exactly `size_bytes` long where that is possible."""
        want = self.size_bytes if size_bytes is None else size_bytes
        body_bytes = 1
        for _ in range(3):  # a longer body may make its length in the record a digit longer
            part = self._part(len(self.clip), KINDS[letter], body_bytes)
            body_bytes = max(1, body_bytes + want - frame_bytes(part))
        self.clip.append(part)
        self.last = part.hash
        return part

    def drop(self, part: Part) -> Part:
        """The part as a full outbox drops it."""
        return drop_part(part, self.key)

    def _part(self, seq: int, kind: Kind, body_bytes: int) -> Part:
        body = hashlib.sha256(b"%d %d" % (self.counter, seq)).digest() * (body_bytes // 32 + 1)
        sealed = HEAD + body[:body_bytes]
        record = Record(
            self.id, clip_id(self.counter), seq, kind,
            prev=self.clip[-1].hash if self.clip else ZERO_HASH,
            head=hashlib.sha256(HEAD).hexdigest(),
            body=hashlib.sha256(sealed[len(HEAD) :]).hexdigest(),
            size=len(sealed),
            final=kind == "manifest",
            boot=f"{self.seed:032x}",
            monotonic_ms=seq * 1_000,
            wall_ms=WALL_MS + self.counter * 60_000 + seq * 1_000,
            synced=True,
            keyframe=True if kind == "media" else None,
            counter=None if seq else self.counter,
            last=None if seq else self.last,
        )  # fmt: skip
        text = record.encode()
        return Part(record, text, sshsig.sign(self.key, sshsig.PART, text), sealed)


def frame_bytes(part: Part) -> int:
    """How long the part's frame is."""
    return 4 + 2 + len(part.record_bytes) + 64 + 4 + len(part.sealed or part.dropped or b"")


def entry_of(part: Part, *, pressed: bool = False, counter: int | None = None) -> Entry:
    """The entry under which an outbox lists this part."""
    number = int(part.record.clip[12:], 16) if counter is None else counter
    return Entry(part.record.clip, part.record.seq, part.record.kind, pressed, number, part.sealed is None)


def numbers(parts: Iterable[Part]) -> list[tuple[int, int]]:
    """(number of the clip, seq) of each part: short names for assertions."""
    return [(int(part.record.clip[12:], 16), part.record.seq) for part in parts]
