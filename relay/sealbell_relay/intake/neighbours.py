"""What is stored around a part, remembered for the clips that are growing so that no file is read again."""

import threading
from collections import OrderedDict

from sealbell_relay.intake.ingest import Around
from sealbell_relay.store.archive import Archive
from sealbell_relay.store.stored import Link
from sealbell_wire.limits import MAX_SEQ

MAX_CLIPS_REMEMBERED = 1_024
MAX_DOORBELLS_REMEMBERED = 16_384
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
        self._newest: OrderedDict[str, str] = OrderedDict()  # by doorbell: no clip that is stored is newer
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

    def remembers(self, doorbell: str, clip: str) -> bool:
        """Whether nothing has to be read for the next part of a clip."""
        return (doorbell, clip) in self._clips

    def begins(self, doorbell: str, clip: str) -> bool:
        """Whether a clip is newer than all that were stored of its doorbell, so that nothing of it is; StoreError.

        Clips are named by their time. It is remembered from now on.
        """
        newest = self._newest  # another one once all is forgotten, which what is found now must not outlive
        latest = newest.get(doorbell)
        if latest is None:
            latest = next(self._archive.newest_first(doorbell), "")
        with self._lock:
            if newest is not self._newest:
                return False
            newest[doorbell] = latest
            newest.move_to_end(doorbell)
            if len(newest) > MAX_DOORBELLS_REMEMBERED:
                newest.popitem(last=False)
            if clip <= latest:
                return False
            self._remember(doorbell, clip, _Clip())
        return True

    def add(self, link: Link) -> None:
        """Remember a part that was stored just now."""
        known = self._clip(link.record.doorbell, link.record.clip)
        known.mark(link.record.seq, link.dropped)
        known.remember(link)

    def forget(self, doorbell: str, clip: str) -> None:
        """Read a clip anew next time: the store knew better."""
        with self._lock:
            self._clips.pop((doorbell, clip), None)

    def doubt(self, doorbell: str, clip: str) -> None:
        """Do the same, and look for the doorbell's newest clip, too: another relay has stored some of this one."""
        with self._lock:
            self._clips.pop((doorbell, clip), None)
            self._newest.pop(doorbell, None)

    def forget_all(self) -> None:
        """Read every clip anew: others may have stored parts of it, and have packed it since."""
        with self._lock:
            self._clips.clear()
            self._newest = OrderedDict()

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
            self._remember(doorbell, clip, known)
        return known

    def _remember(self, doorbell: str, clip: str, known: _Clip) -> None:
        self._clips[doorbell, clip] = known
        if doorbell in self._newest:  # also one that began with a later part: it does not begin once more
            self._newest[doorbell] = max(clip, self._newest[doorbell])
        if len(self._clips) > MAX_CLIPS_REMEMBERED:
            self._clips.popitem(last=False)
