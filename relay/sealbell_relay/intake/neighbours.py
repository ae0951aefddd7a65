"""What is stored around a part, remembered for the clips that are growing so that no file is read again."""

import threading
from collections import OrderedDict

from sealbell_relay.intake.ingest import Around
from sealbell_relay.store.archive import Archive
from sealbell_relay.store.stored import Link
from sealbell_wire.limits import MAX_SEQ

MAX_CLIPS_REMEMBERED = 1_024
MAX_LINKS_PER_CLIP = 8
_PART, _DROPPED = 1, 2


class _Clip:
    """Which parts of one clip are stored (a byte each), and the links that were needed last."""

    def __init__(self) -> None:
        self.kinds = bytearray()
        self.links: OrderedDict[int, Link] = OrderedDict()

    def mark(self, seq: int, dropped: bool) -> None:
        if seq >= len(self.kinds):
            self.kinds.extend(bytes(seq + 1 - len(self.kinds)))
        self.kinds[seq] = _DROPPED if dropped else _PART

    def remember(self, link: Link) -> None:
        self.links[link.record.seq] = link
        self.links.move_to_end(link.record.seq)
        if len(self.links) > MAX_LINKS_PER_CLIP:
            self.links.popitem(last=False)


class Neighbours:
    """Answers from memory, and from the archive for a clip not seen lately.

    Parts of one clip are taken by one thread at a time (the lanes see to that); clips may be taken side by side.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._clips: OrderedDict[tuple[str, str], _Clip] = OrderedDict()
        self._lock = threading.Lock()

    def around(self, doorbell: str, clip: str, seq: int) -> Around:
        """Return what is stored around part `seq`. Raises StoreError."""
        known = self._clip(doorbell, clip)

        def link(at: int) -> Link | None:
            if not 0 <= at < len(known.kinds) or not known.kinds[at]:
                return None
            if at not in known.links:
                head = self._archive.head(doorbell, clip, at, known.kinds[at] == _DROPPED)
                known.remember(head.link)
            return known.links[at]

        highest = link(len(known.kinds) - 1)  # kinds ends with the highest part that is stored
        return Around(link(seq), link(seq - 1), link(seq + 1), highest)

    def knows(self, doorbell: str, clip: str) -> bool:
        """Whether a clip is remembered, so that nothing has to be read for its next part."""
        return (doorbell, clip) in self._clips

    def add(self, link: Link) -> None:
        """Remember a part that was stored just now."""
        known = self._clip(link.record.doorbell, link.record.clip)
        known.mark(link.record.seq, link.dropped)
        known.remember(link)

    def forget(self, doorbell: str, clip: str) -> None:
        """Read a clip anew next time: the store knew better."""
        with self._lock:
            self._clips.pop((doorbell, clip), None)

    def forget_all(self) -> None:
        """Read every clip anew: others may have stored parts of it, and have packed it since."""
        with self._lock:
            self._clips.clear()

    def _clip(self, doorbell: str, clip: str) -> _Clip:
        with self._lock:
            known = self._clips.get((doorbell, clip))
            if known:
                self._clips.move_to_end((doorbell, clip))
                return known
        known = _Clip()
        for name in self._archive.counting(doorbell, clip):
            if name.seq <= MAX_SEQ:
                known.mark(name.seq, name.dropped)
        with self._lock:
            self._clips[doorbell, clip] = known
            if len(self._clips) > MAX_CLIPS_REMEMBERED:
                self._clips.popitem(last=False)
        return known
