"""What the doorbells committed, and whether somebody got it: the one truth of the test."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from hashlib import sha256

from sealbell_relay.stored import parse_head
from sealbell_wire.record import Record

Place = tuple[str, str, int]  # doorbell, clip, seq


@dataclass
class Ledger:
    """Committed parts by place; `wrong` is everything that must not be."""

    digests: dict[Place, bytes] = field(default_factory=dict)
    committed_s: dict[Place, float] = field(default_factory=dict)
    clips: defaultdict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))  # clip: parts so far
    ended: set[tuple[str, str]] = field(default_factory=set)
    deleted: set[tuple[str, str]] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def commit(self, record: Record, message: bytes, now_s: float) -> None:
        """Note a part that is in an outbox."""
        place = (record.doorbell, record.clip, record.seq)
        self.digests[place], self.committed_s[place] = sha256(message).digest(), now_s
        self.clips[record.doorbell][record.clip] = record.seq + 1
        if record.final:
            self.ended.add((record.doorbell, record.clip))

    def check(self, stored: bytes, who: str) -> Record:
        """Hold a stored object against what was committed; return its record."""
        head = parse_head(stored)
        record = head.link.record
        committed = self.digests.get((record.doorbell, record.clip, record.seq))
        if sha256(stored[: head.message_bytes]).digest() != committed:
            self.wrong.append(f"{who} got a part {record.seq} of {record.clip} that nobody committed")
        return record

    def kept(self, doorbell: str) -> dict[str, int]:
        """The clips that were not deleted, and how many parts each has."""
        return {clip: n for clip, n in self.clips[doorbell].items() if (doorbell, clip) not in self.deleted}

    @property
    def kept_places(self) -> set[Place]:
        """Every part that has to be there."""
        return {place for place in self.digests if place[:2] not in self.deleted}
