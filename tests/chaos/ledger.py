"""What the doorbells committed, and whether somebody got it: the one truth of the test."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from hashlib import sha256

from sealbell_relay.store.archive import arrived_ms
from sealbell_relay.store.stored import parse_head
from sealbell_wire.record import Record

Place = tuple[str, str, int]  # doorbell, clip, seq


@dataclass
class Ledger:
    """Committed parts by place; `wrong` is everything that must not be."""

    digests: dict[Place, bytes] = field(default_factory=dict)
    shown: dict[Place, tuple[str, int]] = field(default_factory=dict)  # who got it first, and its time of arrival
    clips: defaultdict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))  # clip: parts so far
    deleted: set[tuple[str, str]] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def commit(self, record: Record, message: bytes) -> None:
        """Note a part that is in an outbox."""
        place = (record.doorbell, record.clip, record.seq)
        self.digests[place] = sha256(message).digest()
        self.clips[record.doorbell][record.clip] = record.seq + 1

    def check(self, stored: bytes, who: str) -> Record:
        """Hold a stored object against what was committed; return its record."""
        head = parse_head(stored)
        record = head.link.record
        place = (record.doorbell, record.clip, record.seq)
        if sha256(stored[: head.message_bytes]).digest() != self.digests.get(place):
            self.wrong.append(f"{who} got a part {record.seq} of {record.clip} that nobody committed")
        shown = who, arrived_ms(stored[head.message_bytes :])  # another receipt has another time
        first = self.shown.setdefault(place, shown)
        if first[1] != shown[1]:
            deleted = ", which was deleted," if place[:2] in self.deleted else ""
            self.wrong.append(f"part {record.seq} of {record.clip}{deleted} was stored twice: {first} and {shown}")
        return record

    def kept(self, doorbell: str) -> dict[str, int]:
        """The clips that were not deleted, and how many parts each has."""
        return {clip: n for clip, n in self.clips[doorbell].items() if (doorbell, clip) not in self.deleted}
