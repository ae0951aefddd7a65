"""Every way to read the clips in a store: by part, by page, from a moment on (places.py says where they lie).

Clip ids begin with their time, so a bucket holds 4.7 hours and a page of the newest clips never lists the old ones. A
part that a full outbox dropped is only its signed record, `.dropped`; should the part itself arrive after all, both
are kept and the part is what counts.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sealbell_relay.errors import DamagedError
from sealbell_relay.follow.noticed import NoticeShelf
from sealbell_relay.store.places import BUCKET_DIGITS, CLIPS, Key, Place, Places, clip_folder, object_path
from sealbell_relay.store.store import Store
from sealbell_relay.store.stored import HEAD_BYTES, MAX_RECEIPT_BYTES, Head, parse_head
from sealbell_relay.tenants.endings import Endings
from sealbell_wire.errors import FormatError
from sealbell_wire.receipt import MAGIC as RECEIPT_MAGIC
from sealbell_wire.receipt import parse_receipt
from sealbell_wire.statement import take_statement

_CLIP = re.compile(r"[0-9a-f]{32}\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Name:
    """One stored object of a clip; `size` in bytes, its receipt included."""

    seq: int
    dropped: bool
    size: int


@dataclass(frozen=True, slots=True)
class ClipSummary:
    """What a listing says of one clip. `first` is None until seq 0 arrived; `arrived_ms` is when `newest` did."""

    clip: str
    parts: int
    dropped: int
    size: int
    first: Head | None
    newest: Head
    arrived_ms: int


class Archive:
    """The clips in a store. Every method may raise StoreError, and DamagedError if what it reads does not parse."""

    def __init__(self, store: Store, on_damage: Callable[[DamagedError], None]) -> None:
        """`on_damage` is told of each clip that a page leaves out because its objects are damaged."""
        self._store = store
        self._places = Places(store)
        self.notices = NoticeShelf(store)
        self._endings = Endings(store)
        self._on_damage = on_damage

    def put(self, doorbell: str, clip: str, seq: int, dropped: bool, data: bytes) -> bool:
        """Keep one stored object durably; False, changing nothing, if there is one of this name."""
        return self._store.put(object_path(doorbell, clip, seq, dropped), data)

    def stage(self, doorbell: str, clip: str, seq: int, dropped: bool, data: bytes) -> bool:
        """Do as `put`, but all of it may be lost until the clip is settled."""
        return self._store.stage(object_path(doorbell, clip, seq, dropped), data)

    def read(
        self, doorbell: str, clip: str, seq: int, dropped: bool, start: int = 0, length: int | None = None
    ) -> bytes | None:
        """Return one stored object, or up to `length` bytes of it from byte `start` on; None if it is not there."""
        return self._places.read(doorbell, clip, seq, dropped, start, length)

    def head(self, doorbell: str, clip: str, seq: int, dropped: bool) -> Head:
        """Return the beginning of a stored object that must be there."""
        path = object_path(doorbell, clip, seq, dropped)
        data = self._places.read(doorbell, clip, seq, dropped, 0, HEAD_BYTES)
        if data is None:
            raise DamagedError(f"the store lost {path}")
        try:
            return parse_head(data)
        except FormatError as damage:
            raise DamagedError(f"the store holds a damaged {path}: {damage}") from damage

    def receipt(self, doorbell: str, clip: str, seq: int, dropped: bool) -> bytes:
        """Return the signed receipt that was stored with a part."""
        return self._receipt_behind(self.head(doorbell, clip, seq, dropped))

    def _receipt_behind(self, head: Head) -> bytes:
        record = head.link.record
        place = record.doorbell, record.clip, record.seq, head.link.dropped
        receipt = self._places.read(*place, head.message_bytes, MAX_RECEIPT_BYTES)
        if not receipt:
            raise DamagedError(f"the store lost the receipt of {object_path(*place)}")
        return receipt

    def settle(self, doorbell: str, *clips: str) -> None:
        """Return once everything that shows of clips is durable, also what a killed relay was just storing."""
        self._store.settle(*(clip_folder(doorbell, clip) for clip in clips))

    def names(self, doorbell: str, clip: str) -> list[Name]:
        """Return the objects that count, in order of seq: where both kinds are stored, the part.

        None of a clip that has ended, though some may still be there.
        """
        return [] if self.ended(doorbell, clip) else self.counting(doorbell, clip)

    def counting(self, doorbell: str, clip: str) -> list[Name]:
        """Return the same, for whoever asks besides whether the clip has ended."""
        kept: dict[int, Name] = {}
        for name in self.all_names(doorbell, clip):
            if name.seq not in kept or not name.dropped:
                kept[name.seq] = name
        return [kept[seq] for seq in sorted(kept)]

    def all_names(self, doorbell: str, clip: str) -> list[Name]:
        """Return every object of a clip, both kinds."""
        places = self._places.contents(doorbell, clip).places
        return [Name(seq, dropped, place.size) for (seq, dropped), place in sorted(places.items(), key=_in_order)]

    def ended(self, doorbell: str, clip: str) -> bool:
        """Whether the owner has deleted a clip: then nothing of it is shown or taken, whatever is still there."""
        return self._endings.ended("clip", f"{doorbell}/{clip}")

    def remove(self, doorbell: str, clip: str, names: Iterable[Name]) -> None:
        """Take away these objects of a clip, durably. One in a pack goes once all that is in the pack is to go."""
        contents, gone = self._places.contents(doorbell, clip), {(name.seq, name.dropped) for name in names}
        for key in gone & contents.loose.keys():
            self._store.remove(contents.loose[key].path)
        for path, index in contents.packs.items():
            if index.keys() <= gone:
                self._store.remove(path)
        self._store.settle(clip_folder(doorbell, clip))

    def remove_all(self, doorbell: str, clip: str) -> int:
        """Take away all of a clip, durably, also what does not parse; return how many objects that were."""
        self.notices.forget(doorbell, clip)
        removed = 0
        for _ in range(2):  # a packer may have put a pack behind the first look, of what was then removed
            for entry in self._store.list(clip_folder(doorbell, clip)).objects:
                self._store.remove(f"{clip_folder(doorbell, clip)}/{entry.name}")
                removed += 1
        self._store.settle(clip_folder(doorbell, clip))
        return removed

    def newest_first(self, doorbell: str, before: str | None = None) -> Iterator[str]:
        """Yield clips that are older than `before` (or all), newest first, listing only the buckets it gets to."""
        for bucket in reversed(self.buckets(doorbell)):
            if before is None or bucket <= before[:BUCKET_DIGITS]:
                yield from (
                    clip for clip in reversed(self.clips_in(doorbell, bucket)) if before is None or clip < before
                )

    def oldest_first(self, doorbell: str, after: str) -> Iterator[str]:
        """Yield clips newer than `after`, oldest first."""
        for bucket in self.buckets(doorbell):
            if bucket >= after[:BUCKET_DIGITS]:
                yield from (clip for clip in self.clips_in(doorbell, bucket) if clip > after)

    def page(self, doorbell: str, limit: int, before: str | None) -> tuple[list[ClipSummary], str | None]:
        """Return up to `limit` clips older than `before`, newest first, and where the next page goes on, if any."""
        page: list[ClipSummary] = []
        for clip in self.newest_first(doorbell, before):
            if len(page) == limit:
                return page, page[-1].clip
            try:
                summary = self.summary(doorbell, clip)
            except DamagedError as damage:
                self._on_damage(damage)
                continue
            if summary:
                page.append(summary)
        return page, None

    def summary(self, doorbell: str, clip: str) -> ClipSummary | None:
        """Return what a listing says of a clip; None if nothing of it is stored."""
        names = self.names(doorbell, clip)
        if not names:
            return None
        oldest, newest = (self.head(doorbell, clip, name.seq, name.dropped) for name in (names[0], names[-1]))
        dropped = sum(name.dropped for name in names)
        return ClipSummary(
            clip=clip,
            parts=len(names) - dropped,
            dropped=dropped,
            size=sum(name.size for name in names),
            first=oldest if names[0].seq == 0 else None,
            newest=newest,
            arrived_ms=arrived_ms(self._receipt_behind(newest)),
        )

    def buckets(self, doorbell: str) -> tuple[str, ...]:
        """Return the buckets of a doorbell that hold anything, oldest first."""
        return self._store.list(f"{CLIPS}/{doorbell}").folders

    def clips_in(self, doorbell: str, bucket: str) -> list[str]:
        """Return the clips in one bucket, oldest first."""
        return [clip for clip in self._store.list(f"{CLIPS}/{doorbell}/{bucket}").folders if _CLIP.match(clip)]


def arrived_ms(receipt: bytes) -> int:
    """Return the Unix milliseconds in a receipt of this relay's; DamagedError if the stored bytes are none."""
    try:
        return parse_receipt(take_statement(receipt, RECEIPT_MAGIC)[0]).arrived_ms
    except FormatError as damage:
        raise DamagedError(f"the store holds a damaged receipt: {damage}") from damage


def _in_order(item: tuple[Key, Place]) -> tuple[int, bool]:
    (seq, dropped), _ = item
    return seq, not dropped  # as their names sort
