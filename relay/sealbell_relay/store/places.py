"""Where the objects of a clip lie in the store: each by itself, or joined with others in a pack (SPEC 12.1).

    clips/{doorbell}/{first 6 digits of the clip}/{clip}/{seq, 6 digits}.part or .dropped
    clips/{doorbell}/{first 6 digits of the clip}/{clip}/{first seq}-{last seq}.pack

An object is in both places from when its pack is stored until it is removed beside it; then the pack's is given. What
is in a pack never changes, so what its index said is remembered.
"""

import re
import threading
from collections import OrderedDict
from dataclasses import dataclass

from sealbell_relay.errors import DamagedError
from sealbell_relay.store.store import Listing, Store
from sealbell_wire.errors import FormatError
from sealbell_wire.pack import MAX_INDEX_BYTES, parse_index, parse_pack_name

CLIPS = "clips"
BUCKET_DIGITS = 6
MAX_CLIPS_REMEMBERED = 256
MAX_NAMES_AT_ONCE = 1_000  # names: S3 gives no more in one answer
MAX_LISTINGS = 8
_NAME = re.compile(r"([0-9]{6})\.(part|dropped)\Z", re.ASCII)

Key = tuple[int, bool]  # seq, and whether it is the dropped form


@dataclass(frozen=True, slots=True)
class Place:
    """Where one object lies: in which object of the store, from which byte on, and how many bytes."""

    path: str
    start: int
    size: int


Packs = dict[str, dict[Key, Place]]  # by the pack's path, what is in it


@dataclass(frozen=True, slots=True)
class Contents:
    """What is stored of a clip: objects by themselves, and packs."""

    loose: dict[Key, Place]
    packs: Packs

    @property
    def packed(self) -> dict[Key, Place]:
        """What is in packs."""
        return {key: place for pack in self.packs.values() for key, place in pack.items()}

    @property
    def places(self) -> dict[Key, Place]:
        """Each object once."""
        return self.loose | self.packed


class Places:
    """Finds and reads objects of clips. Methods may raise StoreError, and DamagedError if a pack is none."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._remembered: OrderedDict[str, Packs] = OrderedDict()
        self._lock = threading.Lock()

    def contents(self, doorbell: str, clip: str) -> Contents:
        """Return what is stored of a clip now."""
        folder = clip_folder(doorbell, clip)
        loose, packs, known = dict[Key, Place](), Packs(), self._known(folder)
        for entry in self._list(folder).objects:
            path = f"{folder}/{entry.name}"
            if key := parse_name(entry.name):
                loose[key] = Place(path, 0, entry.size)
            elif parse_pack_name(entry.name) and (index := known.get(path) or self._index(path, entry.size)):
                packs[path] = index
        self._remember(folder, packs)
        return Contents(loose, packs)

    def read(
        self, doorbell: str, clip: str, seq: int, dropped: bool, start: int = 0, length: int | None = None
    ) -> bytes | None:
        """Return up to `length` bytes (all if None) of an object from its byte `start` on; None if there is none."""
        key, known = (seq, dropped), self._known(clip_folder(doorbell, clip))
        place = next((pack[key] for pack in known.values() if key in pack), None)
        if place and (data := self._piece(place, start, length)) is not None:
            return data
        data = self._store.read(object_path(doorbell, clip, seq, dropped), start, length)
        if data is None and (place := self.contents(doorbell, clip).places.get(key)):
            data = self._piece(place, start, length)  # it was packed since its name was listed
        return data

    def _piece(self, place: Place, start: int, length: int | None) -> bytes | None:
        left = max(0, place.size - start)
        return self._store.read(place.path, place.start + start, left if length is None else min(left, length))

    def _index(self, path: str, size: int) -> dict[Key, Place] | None:
        data = self._store.read(path, 0, MAX_INDEX_BYTES)
        if data is None:  # removed since it was listed
            return None
        try:
            return {(one.seq, one.dropped): Place(path, one.start, one.size) for one in parse_index(data, size)}
        except FormatError as damage:
            raise DamagedError(f"the store holds a damaged {path}: {damage}") from damage

    def _list(self, folder: str) -> Listing:
        # A long listing is not of one moment: while it is made, a pack could take the place of parts, and show neither.
        listing = self._store.list(folder)
        for _ in range(MAX_LISTINGS):
            if len(listing.objects) < MAX_NAMES_AT_ONCE:
                break
            before, listing = listing, self._store.list(folder)
            if before == listing:
                break
        return listing

    def _known(self, folder: str) -> Packs:
        with self._lock:
            return self._remembered.get(folder, {})

    def _remember(self, folder: str, packs: Packs) -> None:
        with self._lock:
            self._remembered.pop(folder, None)
            if packs:
                self._remembered[folder] = packs
                if len(self._remembered) > MAX_CLIPS_REMEMBERED:
                    self._remembered.popitem(last=False)


def parse_name(name: str) -> Key | None:
    """Return (seq, whether dropped) from the last piece of an object's name; None if no object is called so."""
    found = _NAME.match(name)
    return (int(found[1]), found[2] == "dropped") if found else None


def bucket_of(clip: str) -> str:
    """Return the bucket in which a clip lies."""
    return clip[:BUCKET_DIGITS]


def clip_folder(doorbell: str, clip: str) -> str:
    """Return the prefix of all objects of a clip."""
    return f"{CLIPS}/{doorbell}/{bucket_of(clip)}/{clip}"


def object_path(doorbell: str, clip: str, seq: int, dropped: bool) -> str:
    """Return the name in the store of one object of a clip, where it lies by itself."""
    return f"{clip_folder(doorbell, clip)}/{seq:06d}.{'dropped' if dropped else 'part'}"
