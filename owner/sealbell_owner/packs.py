"""Where the parts of a clip lie in a relay's store: in files of their own, or joined in packs (SPEC 12.1)."""

import re
from dataclasses import dataclass
from pathlib import Path

from sealbell_owner.errors import OwnerError
from sealbell_owner.files import read_file, read_piece
from sealbell_owner.stored import MAX_STORED_BYTES
from sealbell_wire.errors import FormatError
from sealbell_wire.pack import MAX_INDEX_BYTES, parse_index, parse_pack_name

_PART = re.compile(r"(00[0-9]{4})\.(part|dropped)\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """A stored object: the whole of `path`, or `size` bytes of it from `start` on if it is a pack."""

    path: Path
    dropped: bool
    size: int
    start: int | None = None

    def read(self) -> bytes:
        """Return the object; OwnerError if it cannot be read or is too large."""
        if self.start is None:
            return read_file(self.path, MAX_STORED_BYTES)
        if self.size > MAX_STORED_BYTES:
            raise OwnerError(f"a part in a pack is larger than {MAX_STORED_BYTES} bytes")
        return read_piece(self.path, self.start, self.size)


def places(folder: Path) -> dict[int, Place]:
    """Return where each part of the clip in `folder` lies, in order: the part itself before its dropped form.

    A pack that is damaged is left out, so that its parts are missing and the others are still opened.
    """
    found = [place for path in sorted(_files(folder)) for place in _in_file(path)]
    kept: dict[int, Place] = {}
    for seq, place in found:
        if seq not in kept or (kept[seq].dropped and not place.dropped):
            kept[seq] = place
    return {seq: kept[seq] for seq in sorted(kept)}


def _in_file(path: Path) -> list[tuple[int, Place]]:
    try:
        size = path.stat().st_size
        if found := _PART.match(path.name):
            return [(int(found[1]), Place(path, found[2] == "dropped", size))]
        if not parse_pack_name(path.name):
            return []
        index = parse_index(read_piece(path, 0, MAX_INDEX_BYTES), size)
    except (OSError, OwnerError, FormatError):
        return []
    return [(one.seq, Place(path, one.dropped, one.size, one.start)) for one in index]


def _files(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
