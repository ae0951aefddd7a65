"""What a legal demand for one doorbell gets: all that is kept of it and nothing of anybody else, with a statement.

Parts are given as they are stored. Nothing is opened, since nothing here could; nothing is left out.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sealbell_relay.audit.checks import MAX_OBJECT_BYTES
from sealbell_relay.audit.knows import ABSENT, MEANINGS, SEEN, health_fields, keeping_fields, part_fields
from sealbell_relay.audit.letter import Counts, Example, letter
from sealbell_relay.audit.outfolder import OutFolder
from sealbell_relay.errors import DamagedError, RelayError
from sealbell_relay.folder import Folder
from sealbell_relay.intake.healths import HEALTH, HealthShelf, parse_name
from sealbell_relay.keep.retentions import RETENTION
from sealbell_relay.store.archive import Archive, Name
from sealbell_relay.store.places import CLIPS, clip_folder, object_path
from sealbell_relay.store.places import parse_name as parse_part_name
from sealbell_relay.store.store import DirectoryStore, Store
from sealbell_relay.store.stored import Head, parse_head
from sealbell_relay.tenants.allow import DOORBELLS, OWNERS, Register
from sealbell_relay.tenants.endings import ENDED
from sealbell_relay.tenants.tenants import ended_by, owner_fields
from sealbell_wire.enrolment import MAX_FILE_BYTES, DoorbellCard, parse_card
from sealbell_wire.errors import FormatError, WireError
from sealbell_wire.ids import ZERO_ID
from sealbell_wire.pack import parse_pack_name
from sealbell_wire.sshsig import verify_key_of

AGE_FROM = "at which byte of the stored file its sealed file begins, counted from 1; it is `size` bytes long"
DAMAGED = "why the stored file cannot be read as a part; it is given as it is"
COLUMNS = ("file", *(name for name in MEANINGS if name != "number"), "age_from", "damaged")


@dataclass(frozen=True, slots=True)
class _Kept:
    """Where to look for one doorbell's things."""

    doorbell: str
    store: Store
    archive: Archive


def disclose(
    folder: Folder, doorbell: str, out: Path, made_s: float, program: str, bucket: Store | None = None
) -> Counts:
    """Fill `out`, which must be absent or empty. `made_s` is Unix seconds, `program` who says so, with its version.
    `bucket` is where a relay keeps everything that keeps it in no folder of its own.

    Raises RelayError: no such doorbell, `out` holds something, or a disk failed.
    """
    receipt_key = verify_key_of(folder.key()).hex()
    store = bucket or DirectoryStore(folder.store)
    kept = _Kept(doorbell, store, Archive(store, lambda _: None))
    card = store.read(f"{DOORBELLS}/{doorbell}.json", 0, MAX_FILE_BYTES)
    if (
        card is None
        and not store.list(f"{CLIPS}/{doorbell}").folders
        and not store.list(f"{HEALTH}/{doorbell}").objects
    ):
        raise RelayError(
            f"this relay keeps nothing of a doorbell {doorbell}", hint="those that it knows: sealbell-relay knows DIR"
        )
    if out.resolve().is_relative_to(folder.root.resolve()):
        raise RelayError(f"{out} lies in the relay's own folder", hint="give a folder elsewhere")
    with OutFolder(out) as given:
        owner = _cards(kept, card, given)
        health = _copy_health(kept, given)
        _copy_statements(kept, given)
        counts, example = _copy_parts(kept, given)
        counts = replace(counts, healths=health)
        _knows(kept, receipt_key, owner, given)
        made = datetime.fromtimestamp(made_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        text = letter(doorbell, receipt_key, made, program, counts, example, has_owner=owner is not None)
        _write(given, "STATEMENT.txt", text)
    return counts


def _cards(kept: _Kept, card: bytes | None, given: OutFolder) -> str | None:
    """Copy the doorbell's card and its owner's; return the owner's key if the owner was let in here."""
    if card is None:
        return None
    _write(given, "doorbell.json", card)
    try:
        parsed = parse_card(card)
    except WireError:
        return None
    if not isinstance(parsed, DoorbellCard):
        return None
    owner = kept.store.read(f"{OWNERS}/{parsed.owner}.json", 0, MAX_FILE_BYTES)
    if owner is None:
        return None
    _write(given, "owner.json", owner)
    return parsed.owner


def _copy_health(kept: _Kept, given: OutFolder) -> int:
    count = 0
    for entry in kept.store.list(f"{HEALTH}/{kept.doorbell}").objects:
        message = kept.store.read(f"{HEALTH}/{kept.doorbell}/{entry.name}", 0, MAX_OBJECT_BYTES)
        if parse_name(entry.name) and message is not None:
            _write(given, f"health/{entry.name}", message)
            count += 1
    return count


def _copy_statements(kept: _Kept, given: OutFolder) -> None:
    """Copy what the owner signed of this doorbell: for how long clips are kept, and which are deleted."""
    for folder, name in ((f"{RETENTION}/{kept.doorbell}", "retention"), (f"{ENDED}/clip/{kept.doorbell}", "deleted")):
        for entry in kept.store.list(folder).objects:
            statement = kept.store.read(f"{folder}/{entry.name}", 0, MAX_OBJECT_BYTES)
            if statement is not None:
                _write(given, f"{name}/{entry.name}", statement)


def _copy_parts(kept: _Kept, given: OutFolder) -> tuple[Counts, Example | None]:
    counts, example = Counts(), None
    with given.file("index.csv") as write:
        write(_line(COLUMNS))
        for clip in kept.archive.oldest_first(kept.doorbell, ZERO_ID):
            counts = replace(counts, clips=counts.clips + 1)
            try:
                names = kept.archive.all_names(kept.doorbell, clip)
            except DamagedError as damage:
                for packed in _copy_packs(kept, clip, str(damage), given):
                    write(_line([packed.get(column, "") for column in COLUMNS]))
                    counts = replace(counts, damaged=counts.damaged + 1)
                continue
            for name in names:
                row = _copy_part(kept, clip, name, given)
                if row is None:  # it was removed meanwhile, or somebody put another doorbell's part here
                    continue
                write(_line([row.get(column, "") for column in COLUMNS]))
                counts = counts.with_part(name.dropped, name.size, damaged="damaged" in row)
                if example is None and "age_from" in row and "size" in row:
                    example = Example(str(row["file"]), int(str(row["age_from"])), int(str(row["size"])))
    return counts, example


def _copy_packs(kept: _Kept, clip: str, damage: str, given: OutFolder) -> Iterator[dict[str, object]]:
    """Copy all files of a clip of which a pack is damaged, as they are, since nothing tells what is in it."""
    folder = clip_folder(kept.doorbell, clip)
    for entry in kept.store.list(folder).objects:
        file = f"parts/{clip}/{entry.name}"
        if not (parse_pack_name(entry.name) or parse_part_name(entry.name)):
            continue
        with given.file(file) as write:
            for chunk in _chunks(partial(kept.store.read, f"{folder}/{entry.name}")):
                write(chunk)
        yield {"file": file, "clip": clip, "stored_bytes": entry.size, "damaged": damage}


def _copy_part(kept: _Kept, clip: str, name: Name, given: OutFolder) -> dict[str, object] | None:
    path = object_path(kept.doorbell, clip, name.seq, name.dropped)
    chunks = _chunks(partial(kept.archive.read, kept.doorbell, clip, name.seq, name.dropped))
    first = next(chunks, None)
    head = _head(first or b"")
    if first is None or (head and head.link.record.doorbell != kept.doorbell):
        return None
    file = f"parts/{clip}/{path.rpartition('/')[2]}"
    with given.file(file) as write:
        write(first)
        for chunk in chunks:
            write(chunk)
    row: dict[str, object] = {"file": file, **part_fields(kept.archive, kept.doorbell, clip, name), "clip": clip}
    if head is None or head.link.dropped:
        return row
    return {**row, "age_from": head.message_bytes - head.link.record.size + 1}


def _head(data: bytes) -> Head | None:
    try:
        return parse_head(data)
    except FormatError:
        return None


def _chunks(read: Callable[[int, int], bytes | None]) -> Iterator[bytes]:
    """Yield an object piece by piece, at least one piece; nothing if there is no such object."""
    at = 0
    while (chunk := read(at, MAX_OBJECT_BYTES)) is not None:
        yield chunk
        at += len(chunk)
        if len(chunk) < MAX_OBJECT_BYTES:
            return


def _knows(kept: _Kept, receipt_key: str, owner: str | None, given: OutFolder) -> None:
    card = Register(kept.store).owner(owner) if owner else None
    told = {
        "doorbell": kept.doorbell,
        "owner": owner,
        "receipt_key": receipt_key,
        "health": health_fields(HealthShelf(kept.store), kept.doorbell),
        **keeping_fields(kept.store, kept.doorbell),
        "phones": owner_fields(kept.store, card)["phones"] if card else [],
        "ended": {
            "doorbell": ended_by(kept.store, "doorbell", kept.doorbell),
            "owner": ended_by(kept.store, "owner", owner) if owner else None,
        },
        "meanings": {**MEANINGS, "age_from": AGE_FROM, "damaged": DAMAGED},
        "seen_but_not_kept": SEEN,
        "not_known": ABSENT,
    }
    _write(given, "knows.json", json.dumps(told, indent=2) + "\n")


def _write(given: OutFolder, name: str, data: bytes | str) -> None:
    with given.file(name) as write:
        write(data if isinstance(data, bytes) else data.encode("utf-8"))


def _line(values: Iterable[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue().encode("utf-8")
