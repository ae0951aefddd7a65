"""The part of fsck that looks at clips: each object by itself or in a pack, and whether those of a clip agree."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sealbell_relay.audit.checks import MAX_OBJECT_BYTES, MIXED_ADVICE, PACK_ADVICE, ClipChain, Fault, check_part
from sealbell_relay.audit.look import STRAY, Look
from sealbell_relay.store.places import BUCKET_DIGITS, Key, parse_name
from sealbell_wire.enrolment import DoorbellCard
from sealbell_wire.errors import FormatError
from sealbell_wire.limits import MAX_SEQ
from sealbell_wire.pack import MAX_INDEX_BYTES, Packed, parse_index, parse_pack_name

_ID = re.compile(r"[0-9a-f]{32}\Z", re.ASCII)
_BUCKET = re.compile(rf"[0-9a-f]{{{BUCKET_DIGITS}}}\Z", re.ASCII)
_MISPLACED = Fault("is a clip in the wrong folder", "nobody finds it here: compare with a backup")


@dataclass(frozen=True, slots=True)
class _Object:
    """What to call an object, which it is, and where it lies; `size` None if it has a file to itself."""

    name: str
    key: Key
    path: str
    start: int = 0
    size: int | None = None

    @property
    def order(self) -> tuple[int, bool, str]:
        seq, dropped = self.key
        return seq, not dropped, self.name


class FsckClips:
    """Looks at the clips of one doorbell after another; `receipt_key` is None if it is lost."""

    def __init__(self, look: Look, receipt_key: bytes | None) -> None:
        self._look = look
        self._receipt_key = receipt_key

    def doorbell(self, folder: str, doorbell: str, card: DoorbellCard) -> None:
        """Look at all clips of a doorbell, which lie in `folder`."""
        for bucket, digits in self._look.named(folder, "folder", _BUCKET):
            for clip, node in self._look.named(bucket, "folder", _ID):
                if node.name.startswith(digits.name):
                    self._clip(clip, doorbell, node.name, bytes.fromhex(card.key))
                else:
                    self._look.tell(clip, _MISPLACED)

    def _clip(self, path: str, doorbell: str, clip: str, key: bytes) -> None:
        chain = ClipChain()
        for one in sorted(self._objects(path), key=lambda one: one.order):
            data = self._read(one)
            if data is not None:
                (seq, dropped), name = one.key, one.name
                link, faults = check_part((doorbell, clip, seq), dropped, data, key, self._receipt_key)
                joins = chain.add(link) if link else None
                self._look.tell(name, *faults, *([joins] if joins else []))
        if fault := chain.close():
            self._look.tell(path, fault)

    def _objects(self, path: str) -> Iterator[_Object]:
        for name, node in self._look.named(path, "file"):
            key = parse_name(node.name)
            if key is not None and key[0] <= MAX_SEQ:
                yield _Object(name, key, name)
            elif span := parse_pack_name(node.name):
                for one in self._index(name, node.size, span):
                    yield _Object(f"{name}#{one.seq}", (one.seq, one.dropped), name, one.start, one.size)
            else:
                self._look.tell(name, STRAY)

    def _index(self, name: str, size: int, span: tuple[int, int]) -> list[Packed]:
        data = self._look.peek(name, 0, MAX_INDEX_BYTES)
        if data is None:
            return []
        try:
            index = parse_index(data, size)
        except FormatError as error:
            self._look.tell(name, Fault(f"is damaged: {error}" if data else "is empty", PACK_ADVICE))
            return []
        if (index[0].seq, index[-1].seq) != span:
            self._look.tell(name, Fault("holds other parts than its name says", MIXED_ADVICE))
        return index

    def _read(self, one: _Object) -> bytes | None:
        if one.size is None:
            return self._look.read(one.path, MAX_OBJECT_BYTES)
        return self._look.piece(one.path, one.start, min(one.size, MAX_OBJECT_BYTES + 1))
