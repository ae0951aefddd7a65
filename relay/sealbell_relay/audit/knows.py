"""Everything that a relay could tell: what a legal demand would get, from its folder alone, without asking it.

Shown by `sealbell-relay knows`. The parts themselves are sealed files; what is listed here is all that the relay can
read of them, and it says so field by field.
"""

import dataclasses
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sealbell_relay.errors import DamagedError, RelayError
from sealbell_relay.folder import Folder
from sealbell_relay.intake.healths import HealthShelf, beat_of
from sealbell_relay.keep.retentions import Retentions
from sealbell_relay.store.archive import Archive, Name, arrived_ms
from sealbell_relay.store.store import DirectoryStore, Store
from sealbell_relay.tenants.allow import Register
from sealbell_relay.tenants.endings import ENDED
from sealbell_relay.tenants.tenants import ended_by, owner_fields
from sealbell_wire.enrolment import DoorbellCard
from sealbell_wire.ids import ZERO_ID
from sealbell_wire.retention import DEFAULT_DAYS
from sealbell_wire.sshsig import verify_key_of

MEANINGS = {
    "doorbell": "SHA-256 of the doorbell's signing key, cut to 32 digits: which doorbell, not where it hangs",
    "clip": "48 bits of the doorbell's clock in milliseconds, then 80 random bits: about when the clip began",
    "seq": "which part of the clip this is",
    "kind": "notice (a trigger, without saying which, or none at all), init, media, or manifest",
    "prev": "hash of the record of the part before",
    "head": "hash of the sealed file's header, which names no reader",
    "body": "hash of the sealed file's body",
    "size": "bytes of the sealed file, after padding",
    "final": "whether the clip ends here",
    "boot": "a random number that the doorbell draws at each start",
    "monotonic_ms": "milliseconds since that start",
    "wall_ms": "the doorbell's clock, Unix milliseconds",
    "synced": "whether that clock had been set by the network",
    "keyframe": "of media: whether it can be shown without the part before",
    "counter": "of seq 0: how many clips this doorbell has made",
    "last": "of seq 0: hash of the last record of the clip before",
    "dropped": "the part never arrived; the doorbell's store was full, and it said so",
    "number": "of health: a number that rises with each message, about the doorbell's clock in milliseconds",
    "stored_bytes": "bytes kept, receipt included",
    "arrived_ms": "when it arrived by this relay's clock, Unix milliseconds",
}
SEEN = (
    "from which addresses doorbells and owners connect, and when",
    "which clips an owner lists, fetches and follows, and when",
)
ABSENT = (
    "pictures and sound",
    "whether somebody rang: notices of a ring, of a movement and of nothing look alike (that somebody stayed for long "
    "shows in how long the clip is; docs/threat-model.md says how well rings can be guessed)",
    "the owner's name, words, keys or tokens (only the SHA-256 of each token, and the day on which a phone was added)",
    "the secret by which a doorbell connects (only two hashes of it, for two kinds of broker)",
    "who may open a clip, and how many they are",
    "what a doorbell says of its health: it is sealed, and every such message has one size (that it was sent is seen: "
    "every 15 minutes, and when something changed)",
)


def as_json(folder: Folder, bucket: Store | None = None) -> Iterator[str]:
    """Yield lines that together are one JSON object with every record of every clip in full.

    `bucket` is where a relay keeps everything that keeps it in no folder of its own.
    """
    store, register, archive, shelf = _open(bucket or DirectoryStore(folder.store))
    about = {
        "meanings": MEANINGS,
        "seen_but_not_kept": SEEN,
        "not_known": ABSENT,
        "receipt_key": verify_key_of(folder.key()).hex(),
        "files": _files(folder),
        "doorbells": [
            {
                "doorbell": card.doorbell,
                "key": card.key,
                "owner": card.owner,
                "ended": ended_by(store, "doorbell", card.doorbell),
                **keeping_fields(store, card.doorbell),
            }
            for card in register.doorbells()
        ],
        "owners": [owner_fields(store, card) for card in register.owners()],
        "healths": [health for card in register.doorbells() if (health := health_fields(shelf, card.doorbell))],
    }
    yield json.dumps(about)[:-1] + ', "clips": ['
    separator = ""
    for card in register.doorbells():
        for clip in archive.oldest_first(card.doorbell, ZERO_ID):
            parts = [part_fields(archive, card.doorbell, clip, name) for name in archive.all_names(card.doorbell, clip)]
            yield separator + json.dumps({"doorbell": card.doorbell, "clip": clip, "parts": parts})
            separator = ", "
    yield "]}"


def as_text(folder: Folder, bucket: Store | None = None) -> Iterator[str]:
    """Yield lines for a person: the same, with a line a clip in the place of its records."""
    store, register, archive, shelf = _open(bucket or DirectoryStore(folder.store))
    files = _files(folder)
    yield f"folder: {folder.root}: {files['count']} files, {files['bytes']} bytes"
    for owner in register.owners():
        told = owner_fields(store, owner)
        yield f"owner {owner.key}: SHA-256 of its token is {owner.token_hash}"
        if told["ended"]:
            yield f"  ended: {told['ended']}"
        yield from (f"  phone, added {phone['added']}: {phone['token_hash']}" for phone in told["phones"])
    for card in register.doorbells():
        yield f"doorbell {card.doorbell}: signs with {card.key}, owned by {card.owner}"
        if ended := ended_by(store, "doorbell", card.doorbell):
            yield f"  ended: {ended}"
        if health := health_fields(shelf, card.doorbell):
            yield f"  {_health_line(health)}"
        yield from (f"  {line}" for line in _keeping_lines(keeping_fields(store, card.doorbell)))
        yield from (f"  {line}" for line in _clip_lines(archive, card))
    yield "of each part, and of the newest health of each doorbell, it knows:"
    yield from (f"  {key}: {meaning}" for key, meaning in MEANINGS.items())
    yield "it sees while it serves, and does not write down:"
    yield from (f"  {thing}" for thing in SEEN)
    yield "it does not know:"
    yield from (f"  {thing}" for thing in ABSENT)


def _open(store: Store) -> tuple[Store, Register, Archive, HealthShelf]:
    return store, Register(store), Archive(store, lambda _: None), HealthShelf(store)


def keeping_fields(store: Store, doorbell: str) -> dict[str, Any]:
    """Return for how long a doorbell's clips are kept by whose word, and which its owner deleted."""
    try:
        document = Retentions(store).in_force(doorbell)
        kept: dict[str, Any] = {
            "days": document.days if document else DEFAULT_DAYS,
            "number": document.number if document else None,
        }
    except DamagedError as damage:
        kept = {"damaged": str(damage)}
    deleted = [entry.name for entry in store.list(f"{ENDED}/clip/{doorbell}").objects]
    return {"retention": kept, "deleted_clips": deleted}


def _keeping_lines(told: dict[str, Any]) -> Iterator[str]:
    kept = told["retention"]
    if "damaged" in kept:
        yield f"retention: {kept['damaged']}"
    elif kept["number"] is None:
        yield f"retention: {kept['days']} days, since its owner has not said otherwise"
    else:
        yield f"retention: {kept['days']} days, by its owner's document number {kept['number']}"
    yield from (f"clip {clip}: deleted by its owner" for clip in told["deleted_clips"])


def health_fields(shelf: HealthShelf, doorbell: str) -> dict[str, Any] | None:
    """Return what the newest health message of a doorbell tells; None if there is none."""
    kept = shelf.newest(doorbell)
    if kept is None:
        return None
    about = {"doorbell": doorbell, "arrived_ms": kept.arrived_ms, "stored_bytes": len(kept.message)}
    try:
        return {**dataclasses.asdict(beat_of(doorbell, kept)), **about}
    except DamagedError as damage:
        return {**about, "damaged": str(damage)}


def _health_line(health: dict[str, Any]) -> str:
    if "damaged" in health:
        return f"health: {health['damaged']}"
    return (
        f"health: number {health['number']}, {_time(health['wall_ms'])} by the doorbell's clock, arrived "
        f"{_time(health['arrived_ms'])}; what it says is sealed, {health['size']} bytes"
    )


def _clip_lines(archive: Archive, card: DoorbellCard) -> Iterator[str]:
    for clip in archive.oldest_first(card.doorbell, ZERO_ID):
        try:
            summary = archive.summary(card.doorbell, clip)
        except DamagedError as damage:
            yield f"clip {clip}: {damage}"
            continue
        if summary is None:
            continue
        record = summary.newest.link.record
        number = f"number {summary.first.link.record.counter}, " if summary.first else ""
        ended = "ended" if record.final else "not ended"
        yield (
            f"clip {clip}: {number}{summary.parts} parts, {summary.dropped} dropped, {summary.size} bytes, {ended}; "
            f"last part {_time(record.wall_ms)} by the doorbell's clock, arrived {_time(summary.arrived_ms)}"
        )


def part_fields(archive: Archive, doorbell: str, clip: str, name: Name) -> dict[str, Any]:
    """Return what a stored part tells, under the names of MEANINGS."""
    about: dict[str, Any] = {"seq": name.seq, "dropped": name.dropped, "stored_bytes": name.size}
    try:
        head = archive.head(doorbell, clip, name.seq, name.dropped)
        about["arrived_ms"] = arrived_ms(archive.receipt(doorbell, clip, name.seq, name.dropped))
    except DamagedError as damage:
        return {**about, "damaged": str(damage)}
    return {**dataclasses.asdict(head.link.record), **about}


def _files(folder: Folder) -> dict[str, int]:
    try:
        sizes = [path.stat().st_size for path in folder.root.rglob("*") if path.is_file()]
    except OSError as failure:
        raise RelayError(f"{folder.root} cannot be read: {(failure.strerror or 'failed').lower()}") from failure
    return {"count": len(sizes), "bytes": sum(sizes)}


def _time(unix_ms: int) -> str:
    try:
        return datetime.fromtimestamp(unix_ms / 1000, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):  # a doorbell may sign any number up to 2^53-1
        return f"{unix_ms} ms"
