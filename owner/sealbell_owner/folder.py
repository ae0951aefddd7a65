"""Clips from a relay's folder: its backup, its disk, or what someone handed over. Treated like a relay that may lie."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from sealbell_owner.errors import OwnerError
from sealbell_owner.files import read_file, show
from sealbell_owner.listing import ClipEntry, Offered, Page, SignedRecord
from sealbell_owner.stored import MAX_STORED_BYTES, split_stored
from sealbell_wire.errors import WireError
from sealbell_wire.limits import MAX_HEALTH_BYTES
from sealbell_wire.part import parse_part
from sealbell_wire.receipt import MAGIC, parse_receipt
from sealbell_wire.statement import take_statement

BUCKET_CHARS = 6
_CLIP = re.compile(r"[0-9a-f]{32}\Z", re.ASCII)
_HEALTH = re.compile(r"[0-9]{16}-([0-9]{16})\Z", re.ASCII)
_PART = re.compile(r"(00[0-9]{4})\.(part|dropped)\Z", re.ASCII)


class Folder:
    """A Source over `clips/{doorbell}/{clip[:6]}/{clip}/{seq:06d}.part`, or `.dropped`, as a relay writes them."""

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
        paths = self._paths(doorbell, clip)
        if not paths:
            raise OwnerError(f"there is no clip {clip}", "list them with `sealbell-owner clips DIR`")
        return (_read(path) for seq, path in paths.items() if seq >= from_seq)

    def _names(self, doorbell: str, before: str | None) -> Iterator[str]:
        folder = self._clips / doorbell
        for bucket in sorted(_names_in(folder), reverse=True):
            if before is not None and bucket > before[:BUCKET_CHARS]:
                continue
            for name in sorted(_names_in(folder / bucket), reverse=True):
                if _CLIP.match(name) and name[:BUCKET_CHARS] == bucket and (before is None or name < before):
                    yield name

    def _paths(self, doorbell: str, clip: str) -> dict[int, Path]:
        folder = self._clips / doorbell / clip[:BUCKET_CHARS] / clip
        paths: dict[int, Path] = {}
        # In this order, NNNNNN.dropped comes before NNNNNN.part, which wins.
        for name in sorted(_names_in(folder)):
            if found := _PART.match(name):
                paths[int(found[1])] = folder / name
        return paths

    def _entry(self, doorbell: str, clip: str) -> ClipEntry | None:
        paths = self._paths(doorbell, clip)
        first = _peek(paths[0]) if 0 in paths else None
        newest = next(filter(None, map(_peek, reversed(paths.values()))), None)
        if newest is None:
            return None
        dropped = sum(path.suffix == ".dropped" for path in paths.values())
        size_bytes = sum(path.stat().st_size for path in paths.values())
        return ClipEntry(
            clip, len(paths) - dropped, dropped, size_bytes, first[0] if first else None, newest[0], newest[1]
        )


def _read(path: Path) -> bytes:
    try:
        return read_file(path, MAX_STORED_BYTES)
    except OwnerError:
        return b""  # one bad file is a part that is refused, and the others are still opened


def _peek(path: Path) -> tuple[SignedRecord, int] | None:
    try:
        frame, receipt = split_stored(read_file(path, MAX_STORED_BYTES))
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
