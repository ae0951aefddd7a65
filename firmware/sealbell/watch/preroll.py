"""A ring of whole GOPs: what happened in the seconds before someone rang.

picamera2's CircularOutput2 writes packets only as they expire, so an upload would lag by the whole pre-roll
(picamera2 #1403). This ring hands them out at once.
"""

from collections import deque

from sealbell.items import Run


class Preroll:
    """Keeps the newest runs that together cover `span_us`, a GOP more rather than less, and at most `limit_bytes`."""

    def __init__(self, span_us: int, limit_bytes: int) -> None:
        self._span_us = span_us
        self._limit_bytes = limit_bytes
        self._runs: deque[Run] = deque()
        self._bytes = 0

    def add(self, run: Run) -> None:
        """Take the next run; older ones leave when they are not needed to cover the span before its end."""
        self._runs.append(run)
        self._bytes += _size(run)
        while (needless := self._needless(run.end_us - self._span_us)) or self._bytes > self._limit_bytes:
            for _ in range(needless or 1):
                self._bytes -= _size(self._runs.popleft())

    def take(self, since_us: int) -> list[Run]:
        """Return and forget the runs from the keyframe at or before `since_us` on; a player can begin at the first."""
        runs = list(self._runs)[self._needless(since_us) :]
        self.clear()
        while runs and not runs[0].keyframe:
            runs.pop(0)
        return runs

    def clear(self) -> None:
        """Forget everything: what is in a clip is not pre-roll of the next."""
        self._runs.clear()
        self._bytes = 0

    def _needless(self, since_us: int) -> int:
        # How many runs stand before the last keyframe that is old enough to begin the span.
        return max((i for i, run in enumerate(self._runs) if run.keyframe and run.start_us <= since_us), default=0)


def _size(run: Run) -> int:
    return sum(len(packet.data) for packet in run.packets)
