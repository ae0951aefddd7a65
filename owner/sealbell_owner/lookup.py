"""Find clips in a source by what a person typed, and fetch them; everything found is checked before it is used."""

import re
from collections.abc import Callable, Sequence

from sealbell_owner.clip import Clip, Opened
from sealbell_owner.errors import OwnerError
from sealbell_owner.home import Pin
from sealbell_owner.listing import MAX_PAGE_CLIPS, ClipEntry, check_entry
from sealbell_owner.source import Source
from sealbell_wire.errors import WireError

LATEST = "latest"
MAX_LISTED_CLIPS = 1_000
MAX_FAULTS = 100
_PREFIX = re.compile(r"[0-9a-f]{1,32}\Z", re.ASCII)
_ID_CHARS = 32


def find_clip(source: Source, pins: Sequence[Pin], wanted: str) -> tuple[Pin, ClipEntry]:
    """Return the one clip whose id begins with `wanted`, or the newest of all for `latest`; OwnerError, WireError."""
    if wanted == LATEST:
        newest = [(entry.clip, pin, entry) for pin in pins for entry in source.clips(pin.doorbell, 1).clips]
        found = [(pin, entry) for _, pin, entry in sorted(newest, key=lambda item: item[0])[-1:]]
    elif _PREFIX.match(wanted):
        before = _just_after(wanted)
        listed = [(pin, entry) for pin in pins for entry in source.clips(pin.doorbell, 2, before).clips]
        found = [(pin, entry) for pin, entry in listed if entry.clip.startswith(wanted)]
    else:
        raise OwnerError(
            f"{wanted!r} is not the beginning of a clip's id", f"give hex digits as `clips` lists them, or {LATEST!r}"
        )
    if len(found) != 1:
        what = "there is more than one such clip" if found else "there is no such clip"
        raise OwnerError(f"{what}: {wanted}", "list them with `sealbell-owner clips DIR`")
    pin, entry = found[0]
    check_entry(entry, bytes.fromhex(pin.key))
    return pin, entry


def newest_clips(
    source: Source, pin: Pin, count: int, until: Callable[[ClipEntry], bool] = lambda _: False
) -> tuple[list[ClipEntry], bool]:
    """Return up to `count` clips newest first, not past one for which `until` holds, and whether there are no older.

    A relay may go on listing for ever, so `count` bounds this: MAX_LISTED_CLIPS at most.
    """
    entries: list[ClipEntry] = []
    before: str | None = None
    while len(entries) < count:
        page = source.clips(pin.doorbell, min(count - len(entries), MAX_PAGE_CLIPS), before)
        for entry in page.clips:
            entries.append(entry)
            if until(entry):
                return entries, False
        before = page.next
        if before is None:
            return entries, True
    return entries, False


def fetch(source: Source, pin: Pin, entry: ClipEntry, clip: Clip, on_part: Callable[[Opened], None]) -> None:
    """Feed a listed clip's parts into `clip`; call `on_part` for each that is taken, note each that is refused.

    Raises OwnerError or WireError if the source fails: then what it has cannot be told from what it withheld.
    """
    newest = entry.newest
    clip.expect(newest.record.seq)
    for stored in source.parts(pin.doorbell, entry.clip):
        try:
            opened = clip.take(stored)
        except WireError as error:
            if len(clip.faults) < MAX_FAULTS:
                clip.faults.append(str(error))
            continue
        if opened:
            on_part(opened)
    held = clip.held.get(newest.record.seq)
    if held and held.hash != newest.hash:
        clip.faults.append(f"part {newest.record.seq} is another one than the relay lists")


def _just_after(prefix: str) -> str | None:
    # Listings end before the clip that is named, so name the id behind the last one with this prefix.
    last = int(prefix.ljust(_ID_CHARS, "f"), 16)
    return f"{last + 1:032x}" if prefix.strip("f") else None
