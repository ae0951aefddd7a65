"""The line in which a camera's callbacks leave what they have: they never wait, and one thread takes.

What finds no room is left out, and of the packets all up to the next keyframe, so that what comes through still plays.
"""

import threading
from collections import deque

from sealbell.items import Condition, Packet, Seen, Trouble


class Line:
    """Any number of threads put, one takes. The first failure closes the line: nothing comes through after it."""

    def __init__(self, limit_items: int) -> None:
        self._limit_items = limit_items
        self._items: deque[Seen] = deque()
        self._changed = threading.Condition()
        self._torn = False
        self._failure: BaseException | None = None
        self._woken = False

    @property
    def failure(self) -> BaseException | None:
        """What a callback could not do."""
        return self._failure

    def put(self, item: Seen) -> None:
        """Leave one item, or leave it out; PICTURES_LOST comes through where packets are missing."""
        with self._changed:
            full = len(self._items) >= self._limit_items
            if isinstance(item, Packet):
                self._put_packet(item, full=full)
            elif not full:
                self._items.append(item)
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """Close the line for good."""
        with self._changed:
            self._failure = self._failure or error
            self._changed.notify_all()

    def take(self, timeout_s: float) -> Seen | None:
        """Return the next item; None if none came in time, after `wake`, and ever after a failure."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._failure or self._woken, timeout_s)
            return self._items.popleft() if self._items and not self._failure else None

    def wake(self) -> None:
        """Let nobody wait here any more."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def _put_packet(self, packet: Packet, *, full: bool) -> None:
        if full or (self._torn and not packet.keyframe):
            if not self._torn:
                self._items.append(Condition(packet.t_us, Trouble.PICTURES_LOST, present=True))
            self._torn = True
            return
        if self._torn:
            self._items.append(Condition(packet.t_us, Trouble.PICTURES_LOST, present=False))
        self._torn = False
        self._items.append(packet)
