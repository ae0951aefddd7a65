"""Joins the objects of a clip that is complete into a few large ones, and takes them away beside those (decision 17).

In this order, so that a crash anywhere, and any other packer, reader, follower or deletion meanwhile, do no harm:

    read the objects, check each of them          nothing has changed
    put the pack                                  each object is there twice, with the same bytes
    has the clip ended meanwhile?                 then take the pack away: who deletes may not have seen it
    remove what is in the pack                    a reader that finds an object gone looks for its pack

Who finds objects both in a pack and beside it goes on where another packer died.
"""

from collections.abc import Sequence

from sealbell_relay.audit.checks import check_part
from sealbell_relay.errors import DamagedError
from sealbell_relay.store.places import Contents, Key, Place, Places, clip_folder
from sealbell_relay.store.store import Store
from sealbell_relay.store.stored import HEAD_BYTES, MAX_RECEIPT_BYTES, parse_head
from sealbell_relay.tenants.endings import Endings
from sealbell_wire.errors import FormatError
from sealbell_wire.limits import MAX_PART_BYTES
from sealbell_wire.pack import MAX_PACK_OBJECTS, encode_pack, pack_name

AIM_BYTES = 3_145_728  # packs come out at up to half an object more or less than an even share that is at most this
MIN_OBJECTS = 2  # one by itself gains nothing
MAX_OBJECT_BYTES = MAX_PART_BYTES + MAX_RECEIPT_BYTES

Sized = tuple[Key, int]


def plan(objects: Sequence[Sized]) -> list[list[Key]]:
    """Share objects (with their sizes in bytes, in order) out to packs of 1 to 4 MiB, or one if there is less."""
    left = sum(size for _, size in objects)
    packs_left = max(1, -(-left // AIM_BYTES))
    packs: list[list[Key]] = [[]]
    filled = 0
    for key, size in objects:
        share = (left + filled) / packs_left
        if packs[-1] and (filled + size / 2 > share or len(packs[-1]) == MAX_PACK_OBJECTS):
            packs_left = max(1, packs_left - 1)
            packs.append([])
            filled = 0
        packs[-1].append(key)
        filled += size
        left -= size
    return packs


class Packing:
    """Packs one clip at a time, in the calling thread. `receipt_key` is the relay's, 32 bytes."""

    def __init__(self, store: Store, receipt_key: bytes) -> None:
        self._store = store
        self._places = Places(store)
        self._endings = Endings(store)
        self._receipt_key = receipt_key

    def pack(self, doorbell: str, clip: str, doorbell_key: bytes) -> int:
        """Pack a clip if it is complete; return how many objects now lie in packs that did not before.

        Raises StoreError, and DamagedError if an object is damaged: then it stays as it is, for a backup to mend.
        """
        if self._has_ended(doorbell, clip):
            return 0
        contents = self._places.contents(doorbell, clip)
        self._clear(contents)
        fresh = sorted((key, place.size) for key, place in contents.loose.items() if key not in contents.packed)
        if len(fresh) < MIN_OBJECTS or not self._is_complete(doorbell, clip, contents):
            return 0
        joined = 0
        for keys in plan(fresh):
            if self._join(doorbell, clip, keys, doorbell_key):
                for key in keys:
                    self._store.remove(contents.loose[key].path)
                joined += len(keys)
        return joined

    def _join(self, doorbell: str, clip: str, keys: list[Key], doorbell_key: bytes) -> bool:
        objects = [(*key, self._sound(doorbell, clip, key, doorbell_key)) for key in keys]
        path = f"{clip_folder(doorbell, clip)}/{pack_name(keys[0][0], keys[-1][0])}"
        pack = encode_pack(objects)
        if not self._store.put(path, pack) and self._store.read(path) != pack:
            return False  # another packer saw other objects: what it did not pack stays as it is
        if self._has_ended(doorbell, clip):
            self._store.remove(path)
            return False
        return True

    def _clear(self, contents: Contents) -> None:
        """Remove each object that lies in a pack too, if its bytes are the same."""
        for key, place in contents.packed.items():
            beside = contents.loose.get(key)
            if beside and beside.size == place.size and self._bytes(beside) == self._bytes(place) is not None:
                self._store.remove(beside.path)

    def _is_complete(self, doorbell: str, clip: str, contents: Contents) -> bool:
        seqs = {seq for seq, _ in contents.places}
        last = max(seqs)
        if len(seqs) != last + 1:
            return False
        head = self._places.read(doorbell, clip, last, (last, False) not in contents.places, 0, HEAD_BYTES)
        try:
            return head is not None and parse_head(head).link.record.final
        except FormatError as damage:
            raise DamagedError(f"the store holds a damaged part {last} of {clip}: {damage}") from damage

    def _sound(self, doorbell: str, clip: str, key: Key, doorbell_key: bytes) -> bytes:
        seq, dropped = key
        data = self._places.read(doorbell, clip, seq, dropped, 0, MAX_OBJECT_BYTES + 1)
        if data is None:
            raise DamagedError(f"the store lost part {seq} of {clip}")
        _, faults = check_part((doorbell, clip, seq), dropped, data, doorbell_key, self._receipt_key)
        if faults:
            raise DamagedError(f"part {seq} of {clip} {faults[0].what}")
        return data

    def _bytes(self, place: Place) -> bytes | None:
        return self._store.read(place.path, place.start, place.size)

    def _has_ended(self, doorbell: str, clip: str) -> bool:
        return self._endings.ended("clip", f"{doorbell}/{clip}") or self._endings.ended("doorbell", doorbell)
