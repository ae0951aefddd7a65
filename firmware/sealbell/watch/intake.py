"""What stands between the camera's thread and ours: a bounded queue that never keeps the panel waiting outside.

A live camera cannot wait, so on overflow pictures are left out up to the next keyframe, and counted. A file can: it
is made to wait, and nothing is left out.
"""

import threading
from collections import deque
from dataclasses import dataclass

from sealbell.items import Felt, Frame, Light, Packet, Seen

MAX_FELT_ITEMS = 1_024


@dataclass(frozen=True, slots=True)
class Gap:
    """So many pictures were left out here."""

    pictures: int


class Intake:
    """Any number of threads offer, one takes."""

    def __init__(self, limit_items: int, *, patient: bool) -> None:
        """`patient` makes the one who offers wait for room."""
        self._limit_items = limit_items
        self._patient = patient
        self._items: deque[Seen | Gap] = deque()
        self._changed = threading.Condition()
        self._left_out = 0
        self._felt = 0
        self._closed = False

    def offer(self, item: Seen) -> None:
        """Put one item in line, or leave it out as the class says."""
        with self._changed:
            if isinstance(item, Felt):
                self._felt += 1
                if self._felt > MAX_FELT_ITEMS:
                    raise AssertionError(f"{MAX_FELT_ITEMS} presses wait: the stage behind has stopped")
            elif self._patient:
                self._changed.wait_for(lambda: len(self._items) < self._limit_items or self._closed)
            elif not self._has_room_for(item):
                return
            if self._left_out and isinstance(item, Packet):
                self._items.append(Gap(self._left_out))
                self._left_out = 0
            self._items.append(item)
            self._changed.notify_all()

    def take(self, timeout_s: float) -> Seen | Gap | None:
        """Return the next item, or None if none came in time or all have been taken after `close`."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._items) or self._closed, timeout_s)
            if not self._items:
                return None
            item = self._items.popleft()
            self._felt -= isinstance(item, Felt)
            self._changed.notify_all()
            return item

    def close(self) -> None:
        """Nothing more will be offered."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def ended(self) -> bool:
        """Whether everything that was offered before `close` has been taken."""
        with self._changed:
            return self._closed and not self._items

    def _has_room_for(self, item: Seen) -> bool:
        full = len(self._items) >= self._limit_items
        if isinstance(item, Frame | Light):
            return not full
        if full or (self._left_out and not (isinstance(item, Packet) and item.keyframe)):
            self._left_out += 1
            return False
        return True
