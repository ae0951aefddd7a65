"""Clips from a relay's folder: its backup, its disk, or what someone handed over. Treated like a relay that may lie."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from sealbell_owner.errors import OwnerError
from sealbell_owner.files import read_file, show
from sealbell_owner.listing import ClipEntry, Offered, Page, SignedRecord
from sealbell_owner.packs import Place, places
from sealbell_owner.stored import split_stored
from sealbell_wire.errors import WireError
from sealbell_wire.limits import MAX_HEALTH_BYTES
from sealbell_wire.part import parse_part
from sealbell_wire.receipt import MAGIC, parse_receipt
from sealbell_wire.statement import take_statement

BUCKET_CHARS = 6
_CLIP = re.compile(r"[0-9a-f]{32}\Z", re.ASCII)
_HEALTH = re.compile(r"[0-9]{16}-([0-9]{16})\Z", re.ASCII)


class Folder:
    """A Source over `clips/{doorbell}/{clip[:6]}/{clip}/` as a relay fills it (SPEC 12.1)."""

    def __init__(self, path: Path) -> None:
        """`path` is a relay's folder or the store in it; OwnerError if it is neither."""
        candidates = (path / "store" / "clips", path / "clips")
        self._clips = next((folder for folder in candidates if folder.is_dir()), path)
        if self._clips is path:
            raise OwnerError(f"{show(path)} holds no clips", "give a relay's folder, or the `store` in it")

    def clips(self, doorbell: str, limit: int, before: str | None = None) -> Page:
        """See Source. A clip of which no part can be read is left out."""
        names = self._names(doorbell, before)
        readable = filter(None, (self._entry(doorbell, name) for name in names))
        entries = tuple(itertools.islice(readable, limit))
        more = next(names, None) is not None
        return Page(entries, entries[-1].clip if entries and more else None)

    def health(self, doorbell: str) -> Offered | None:
        """See Source. The relay keeps `health/{doorbell}/{number}-{arrived_ms}` beside its clips."""
        folder = self._clips.parent / "health" / doorbell
        names = sorted(filter(_HEALTH.match, _names_in(folder)))
        if not names:
            return None
        return Offered(read_file(folder / names[-1], MAX_HEALTH_BYTES), int(names[-1].partition("-")[2]))

    def parts(self, doorbell: str, clip: str, from_seq: int = 0) -> Iterator[bytes]:
        """See Source."""
        found = self._places(doorbell, clip)
        if not found:
            raise OwnerError(f"there is no clip {clip}", "list them with `sealbell-owner clips DIR`")
        return (_read(place) for seq, place in found.items() if seq >= from_seq)

    def _names(self, doorbell: str, before: str | None) -> Iterator[str]:
        folder = self._clips / doorbell
        for bucket in sorted(_names_in(folder), reverse=True):
            if before is not None and bucket > before[:BUCKET_CHARS]:
                continue
            for name in sorted(_names_in(folder / bucket), reverse=True):
                if _CLIP.match(name) and name[:BUCKET_CHARS] == bucket and (before is None or name < before):
                    yield name

    def _places(self, doorbell: str, clip: str) -> dict[int, Place]:
        return places(self._clips / doorbell / clip[:BUCKET_CHARS] / clip)

    def _entry(self, doorbell: str, clip: str) -> ClipEntry | None:
        found = self._places(doorbell, clip)
        first = _peek(found[0]) if 0 in found else None
        newest = next(filter(None, map(_peek, reversed(found.values()))), None)
        if newest is None:
            return None
        dropped = sum(place.dropped for place in found.values())
        size_bytes = sum(place.size for place in found.values())
        return ClipEntry(
            clip, len(found) - dropped, dropped, size_bytes, first[0] if first else None, newest[0], newest[1]
        )


def _read(place: Place) -> bytes:
    try:
        return place.read()
    except OwnerError:
        return b""  # one bad file is a part that is refused, and the others are still opened


def _peek(place: Place) -> tuple[SignedRecord, int] | None:
    try:
        frame, receipt = split_stored(place.read())
        part = parse_part(frame)
        return SignedRecord(part.record, part.record_bytes, part.signature), _arrived_ms(receipt)
    except (OwnerError, WireError):
        return None  # `open` and `verify` say what is wrong with it


def _arrived_ms(receipt: bytes) -> int:
    text, _, _ = take_statement(receipt, MAGIC)
    return parse_receipt(text).arrived_ms


def _names_in(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in folder.iterdir()]
    except OSError:
        return []
