"""Where a stream of notices is: what a client shows when it comes again, to miss nothing and hear nothing twice.

Notices arrive at several relays and threads, so one that arrived earlier may be stored later. A place is therefore not
a point in time, but a floor (everything that arrived before it was sent, or is none of this stream's) and marks of
what was sent of that which arrived at it or later:

    {floor}-{mark}-{mark}...     floor in 12 hex digits of Unix milliseconds, a mark in 8 hex digits of a hash

Pure: no I/O, no clock.
"""

import hashlib
import re
from collections import OrderedDict

from sealbell_relay.errors import RequestError
from sealbell_relay.follow.noticed import Noticed

OVERTAKING_MS = 60_000  # by which one notice may overtake another: a slow store, a relay whose clock is behind
MAX_MARKS = 128
MAX_PLACE_CHARS = 12 + 9 * MAX_MARKS

_PLACE = re.compile(rf"([0-9a-f]{{12}})((?:-[0-9a-f]{{8}}){{0,{MAX_MARKS}}})\Z", re.ASCII)


class Place:
    """A place that moves on. `text` is what the client keeps."""

    def __init__(self, floor_ms: int, marks: tuple[str, ...] = ()) -> None:
        self.floor_ms = floor_ms
        self._marks: OrderedDict[str, int] = OrderedDict((mark, floor_ms) for mark in marks)

    @property
    def text(self) -> str:
        """The place as it travels."""
        return "-".join((f"{self.floor_ms:012x}", *self._marks))

    def is_new(self, noticed: Noticed) -> bool:
        """Whether a notice is still to be sent."""
        return noticed.arrived_ms >= self.floor_ms and _mark(noticed) not in self._marks

    def sent(self, noticed: Noticed) -> None:
        """Move on past a notice that is being sent. Notices that are sent together have to come in order of arrival."""
        self._marks[_mark(noticed)] = noticed.arrived_ms
        self._rise(noticed.arrived_ms - OVERTAKING_MS)
        while len(self._marks) > MAX_MARKS:
            self._rise(min(self._marks.values()) + 1)

    def _rise(self, floor_ms: int) -> None:
        if floor_ms > self.floor_ms:
            self.floor_ms = floor_ms
            for mark in [mark for mark, arrived_ms in self._marks.items() if arrived_ms < floor_ms]:
                del self._marks[mark]


def parse_place(text: str) -> Place:
    """Parse what a client kept; RequestError 400 on anything else."""
    found = _PLACE.match(text) if len(text) <= MAX_PLACE_CHARS else None
    marks = tuple(found[2].split("-")[1:]) if found else ()
    if not found or len(set(marks)) != len(marks):
        raise RequestError(400, "this is no place in a stream of notices: leave it out to begin now")
    return Place(int(found[1], 16), marks)


def _mark(noticed: Noticed) -> str:
    named = f"{noticed.doorbell}/{noticed.clip}/{noticed.seq}"
    return hashlib.sha256(named.encode("ascii")).hexdigest()[:8]
