"""What one follower of a doorbell was given, so that it gets each part once, by news or by a look at the store. Pure.

Theory. News of a part comes at once, or not at all; the store shows every part to whoever looks. A clip whose final
part and all before it were given cannot grow any more and is not looked at again; the others are, the newest at each
look and one older in turn, so that a look costs the same however many clips were cut short.
"""

from collections.abc import Sequence

MAX_CLIPS_SEEN = 2_048  # that are not behind the floor; 300 bytes each, as a rule
NEWEST_LOOKED_AT = 4
_PART, _DROPPED = 1, 2


class _Clip:
    def __init__(self) -> None:
        self.kinds = bytearray()  # one of a part's number: which of its two forms were given
        self.last: int | None = None

    @property
    def whole(self) -> bool:
        if self.last is None or len(self.kinds) <= self.last:
            return False
        return all(forms & _PART for forms in self.kinds[: self.last + 1])


class Arrivals:
    """Parts of clips newer than `after` that were given. `full` once there are more clips than it can remember."""

    def __init__(self, after: str) -> None:
        self.after = after
        self._clips: dict[str, _Clip] = {}
        self._turn = 0

    @property
    def full(self) -> bool:
        """Whether the follower has to come again, with a newer `after`."""
        return len(self._clips) > MAX_CLIPS_SEEN

    def is_new(self, clip: str, seq: int, dropped: bool) -> bool:
        """Note that a part is given now; False if it was before, or is not asked for."""
        if clip <= self.after:
            return False
        kinds = self._clips.setdefault(clip, _Clip()).kinds
        if seq >= len(kinds):
            kinds.extend(bytes(seq + 1 - len(kinds)))
        form = _DROPPED if dropped else _PART
        if kinds[seq] & form:
            return False
        kinds[seq] |= form
        return True

    def ends(self, clip: str, seq: int) -> None:
        """Part `seq` was given and is the clip's final one."""
        if known := self._clips.get(clip):
            known.last = seq

    def to_look_at(self, stored: Sequence[str]) -> list[str]:
        """Return which of the stored clips, given oldest first, to list now."""
        growing = [clip for clip in stored if clip > self.after and not self._is_whole(clip)]
        unknown = [clip for clip in growing if clip not in self._clips]
        known = [clip for clip in growing if clip in self._clips]
        older, newest = known[:-NEWEST_LOOKED_AT], known[-NEWEST_LOOKED_AT:]
        self._turn += 1
        return sorted([*unknown, *newest, *([older[self._turn % len(older)]] if older else [])])

    def _is_whole(self, clip: str) -> bool:
        known = self._clips.get(clip)
        return known is not None and known.whole
