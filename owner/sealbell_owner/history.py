"""What a doorbell's clips tell of each other, and what this owner has seen of them before (SPEC 6).

Theory. A doorbell counts its clips, and the first record of each names the hash of the last record of the clip
before. So whoever holds two clips in a row knows that none was hidden between them and that the earlier one ends
where its doorbell ended it. What a relay cannot be caught at from its own answer alone, hiding the newest clips or
the newest end, is caught by memory: the owner remembers of every clip seen how it began and how far it went, and
nothing that was seen once may be shorter, different or gone later. What was never seen shows at the doorbell's next
sign of life. What the owner deleted, or whose days are over, is gone rightly (gone.py), and the chain is held together
across it by what was seen of it. Everything here is pure; where it is kept is home.py's matter.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sealbell_owner.gone import Gone
from sealbell_owner.listing import ClipEntry, check_entry
from sealbell_wire import chain, strictjson
from sealbell_wire.errors import ContradictionError, FormatError, WireError
from sealbell_wire.ids import ZERO_HASH, check_hash, check_id
from sealbell_wire.limits import MAX_INTEGER, MAX_SEQ

MAX_SEEN_CLIPS = 4_096  # half a year at twenty a day
MAX_SEEN_BYTES = 1_500_000


@dataclass(frozen=True, slots=True)
class Seen:
    """How a clip began and how far it went. `first` and `newest` are record hashes.

    `counter` is 0 and `first` 64 zeros while the clip's first part has not been seen.
    """

    clip: str
    counter: int
    first: str
    newest_seq: int
    newest: str
    final: bool


Memory = Mapping[str, Seen]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that cannot be so if relay and doorbell are honest and whole; `clip` is where it shows."""

    clip: str
    text: str


@dataclass(frozen=True, slots=True)
class Review:
    """A listing held against itself and against memory. `clips` are the entries that this doorbell signed.

    `joins` says of a clip whether it directly follows the one before: None where that one, or a first part, is not
    there to compare.
    """

    clips: tuple[ClipEntry, ...]
    findings: tuple[Finding, ...]
    joins: Mapping[str, bool | None]


def review(
    listed: Sequence[ClipEntry], memory: Memory, doorbell_key: bytes, *, to_the_first: bool, gone: Gone | None = None
) -> Review:
    """Check the newest clips of a doorbell, newest first; `to_the_first` if there are none older than the last.

    `gone` is what the owner knows to be rightly missing.
    """
    gone = gone or Gone()
    findings: list[Finding] = []
    clips: list[ClipEntry] = []
    for entry in listed:
        try:
            check_entry(entry, doorbell_key)
        except WireError as error:
            findings.append(Finding(entry.clip, f"is refused: {error}"))
            continue
        clips.append(entry)
        if fault := gone.returned(entry.clip):
            findings.append(Finding(entry.clip, fault))
        if entry.clip in memory:
            findings += [Finding(entry.clip, text) for text in changes(entry, memory[entry.clip])]
    joins: dict[str, bool | None] = {}
    for place, entry in enumerate(clips):
        older = clips[place + 1] if place + 1 < len(clips) else None
        fault = _join_fault(older, entry, to_the_first=to_the_first)
        if fault:
            fault = _across(older, entry, fault, memory, gone)
        joins[entry.clip] = None if fault is None else not fault
        findings += [Finding(entry.clip, fault)] if fault else []
    findings += _forgotten(listed, memory, gone, to_the_first=to_the_first)
    return Review(tuple(clips), tuple(findings), joins)


def changes(entry: ClipEntry, seen: Seen) -> list[str]:
    """Return what is no longer as it was when the clip was seen last."""
    changed = []
    if entry.first and ZERO_HASH != seen.first != entry.first.hash:
        changed.append("begins with another first part than when it was seen before")
    seq = entry.newest.record.seq
    if seq < seen.newest_seq:
        changed.append(f"went up to part {seen.newest_seq} when it was seen before, and now ends at part {seq}")
    if seq == seen.newest_seq and entry.newest.hash != seen.newest:
        changed.append(f"has another part {seq} than when it was seen before")
    return changed


def as_seen(entry: ClipEntry) -> Seen:
    """Return what is to be remembered of a checked entry."""
    counter = entry.first.record.counter if entry.first else None
    first = entry.first.hash if entry.first else ZERO_HASH
    return Seen(entry.clip, counter or 0, first, entry.newest.record.seq, entry.newest.hash, entry.final)


def remember(memory: Memory, more: Iterable[Seen]) -> dict[str, Seen]:
    """Return memory with `more` added: a clip's first part as first seen, its end as far as ever seen.

    Keeps the newest MAX_SEEN_CLIPS.
    """
    merged = dict(memory)
    for seen in more:
        old = merged.get(seen.clip, seen)
        began = old if old.first != ZERO_HASH else seen
        went = seen if seen.newest_seq > old.newest_seq else old
        merged[seen.clip] = Seen(seen.clip, began.counter, began.first, went.newest_seq, went.newest, went.final)
    return {clip: merged[clip] for clip in sorted(merged)[-MAX_SEEN_CLIPS:]}


def encode_memory(doorbell: str, memory: Memory) -> bytes:
    """Return the seen file of a doorbell, a line a clip."""
    rows = [[s.clip, s.counter, s.first, s.newest_seq, s.newest, s.final] for s in memory.values()]
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    return f'{{"v":1,"doorbell":"{doorbell}","clips":[\n{lines}\n]}}\n'.encode("ascii")


def parse_memory(data: bytes, doorbell: str) -> dict[str, Seen]:
    """Parse the seen file of `doorbell`; FormatError on anything else."""
    value = strictjson.load(data, "seen file", MAX_SEEN_BYTES)
    strictjson.exact_keys(value, {"v": int, "doorbell": str, "clips": list}, "seen file")
    if value["v"] != 1 or value["doorbell"] != doorbell or len(value["clips"]) > MAX_SEEN_CLIPS:
        raise FormatError("seen file: is another doorbell's, of another version, or too long")
    rows = [_seen(row) for row in value["clips"]]
    return {seen.clip: seen for seen in rows}


def _seen(row: object) -> Seen:
    if not (isinstance(row, list) and [type(field) for field in row] == [str, int, str, int, str, bool]):
        raise FormatError("seen file: a row is not clip, counter, first, newest part, its hash, final")
    clip, counter, first, newest_seq, newest, final = row
    if not (0 <= counter <= MAX_INTEGER and 0 <= newest_seq <= MAX_SEQ):
        raise FormatError("seen file: a number is out of range")
    check_hash(first, "seen first part"), check_hash(newest, "seen newest part")
    return Seen(check_id(clip, "seen clip"), counter, first, newest_seq, newest, final)


def _join_fault(older: ClipEntry | None, newer: ClipEntry, *, to_the_first: bool) -> str | None:
    """Return "" if `newer` follows `older`, the reason if it does not, None if that cannot be told."""
    if newer.first is None or (older is not None and older.first is None) or (older is None and not to_the_first):
        return None
    try:
        if older is None:
            chain.check_first_ever(newer.first.record)
        elif older.first is not None:
            chain.check_follows(older.first.record, older.newest.hash, newer.first.record)
    except ContradictionError as error:
        return str(error)
    return ""


def _across(older: ClipEntry | None, newer: ClipEntry, fault: str, memory: Memory, gone: Gone) -> str | None:
    """Return what of a fault between two clips remains, knowing that clips between them are rightly gone.

    "" if the clip before `newer` was seen before it went and `newer` follows it; None if that cannot be told, since
    it was never seen.
    """
    first = newer.first
    if first is None or first.record.counter is None:
        return fault
    floor = older.first.record.counter if older and older.first and older.first.record.counter else 0
    missing = first.record.counter - floor - 1
    if missing < 1:
        return fault
    before = next((s for s in memory.values() if s.counter == first.record.counter - 1 and s.clip < newer.clip), None)
    if before is not None and gone.explains(before.clip):
        if first.record.last == before.newest:
            return ""
        if first.record.last == ZERO_HASH:
            return fault
        return "does not follow the clip before it, which is gone: its end is another than was seen"
    explained = gone.between(older.clip if older else "", newer.clip)
    known_over = older is None and any(gone.is_over(clip) for clip in [*memory, newer.clip] if clip <= newer.clip)
    return None if known_over or missing <= explained else fault


def _forgotten(listed: Sequence[ClipEntry], memory: Memory, gone: Gone, *, to_the_first: bool) -> list[Finding]:
    names = {entry.clip for entry in listed}
    oldest = listed[-1].clip if listed else ""
    absent = [s for s in memory.values() if s.clip not in names and (to_the_first or s.clip > oldest)]
    hidden = [seen for seen in absent if not gone.explains(seen.clip)]
    return [Finding(seen.clip, "was seen before, and is no longer shown") for seen in reversed(hidden)]
