"""What to send next, and what the relay has signed for. No socket, no clock, no file.

Theory. Every entry of the outbox is in one of three states: waiting, under way (sent at some time, so many times), or
received (a receipt verified; the outbox then deletes it). A new connection puts everything back to waiting, and a
clip that was in the outbox before it is asked for first (`have`): its parts wait for the answer, or ASK_US. What is
under way too long is sent again, later each time; but while the relay still signs for what was sent before it, it is
only waiting in a slow line, and sending it again would make the line slower. Notices go first, the newest before all,
since someone stands at the door; then the newest clip, which is being recorded and may be stolen with the doorbell;
then the rest in order. At most WINDOW_PARTS and WINDOW_BYTES are under way, since a notice cannot overtake those.
Nothing is ever given up: a refusal only makes it wait longer.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sealbell.spool import Entry
from sealbell_wire.receipt import Receipt

WINDOW_PARTS = 32
WINDOW_BYTES = 1_000_000  # eight seconds at 1 Mbit/s
MAX_ASKED_CLIPS = 8
ASK_US = 2_000_000
RETRY_US = 4_000_000
MAX_RETRY_US = 120_000_000
UNHEARD_US = 60_000_000  # a part of the usual size takes so long at 50 kbit/s, and its receipt comes behind it
SILENCE_US = 8_000_000  # what the largest part takes at 1 Mbit/s
REFUSED_US = 600_000_000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the relay which parts of this clip it has."""

    clip: str


@dataclass(frozen=True, slots=True)
class Send:
    """Send this entry."""

    entry: Entry


@dataclass(slots=True)
class _UnderWay:
    sent_us: int
    again_us: int
    size_bytes: int


class Courier:
    """Decides; someone else acts. `jitter` returns a number from 0 up to 1, so that doorbells do not call in step."""

    def __init__(self, jitter: Callable[[], float]) -> None:
        self._jitter = jitter
        self._entries: list[Entry] = []
        self._under_way: dict[Entry, _UnderWay] = {}
        self._attempts: dict[Entry, int] = {}
        self._refused_until: dict[Entry, int] = {}
        self._to_ask: list[str] = []
        self._asked: dict[str, int] = {}
        self._heard_us = -SILENCE_US  # when the relay spoke last
        self._unanswered_us: int | None = None  # since when the relay owes an answer
        self._signed_us = 0  # when the newest part that it has signed for was sent
        self._connected = False

    def connected(self, entries: Iterable[Entry]) -> None:
        """A connection stands; `entries` may have been sent before."""
        self._connected = True
        self._unanswered_us = None
        self._under_way.clear()
        self._asked.clear()
        self._to_ask = sorted({entry.clip for entry in entries}, reverse=True)

    def lost(self) -> None:
        """The connection is gone."""
        self._connected = False
        self._unanswered_us = None
        self._under_way.clear()

    def present(self, entries: list[Entry]) -> None:
        """Tell what the outbox holds now."""
        self._entries = entries
        there = set(entries)
        for memory in (self._under_way, self._attempts, self._refused_until):
            for entry in memory.keys() - there:
                memory.pop(entry, None)

    def due(self, now_us: int) -> list[Ask | Send]:
        """Return what may be asked and tried now; a Send counts as tried once `sent` is told of it."""
        if not self._connected:
            return []
        for entry in [entry for entry, way in self._under_way.items() if self._is_lost(way, now_us)]:
            self._under_way.pop(entry)
        actions: list[Ask | Send] = []
        while self._to_ask and len(self._asked) < MAX_ASKED_CLIPS:
            clip = self._to_ask.pop(0)
            self._asked[clip] = now_us + ASK_US
            self._owed(now_us)
            actions.append(Ask(clip))
        for clip in [clip for clip, until_us in self._asked.items() if now_us >= until_us]:
            self._asked.pop(clip)
        held = {*self._to_ask, *self._asked}
        room = WINDOW_PARTS - len(self._under_way)
        waiting = [entry for entry in self._in_order() if entry.clip not in held and self._may_go(entry, now_us)]
        return actions + [Send(entry) for entry in waiting[: max(0, room)]]

    def has_room(self, size_bytes: int) -> bool:
        """Whether so many bytes more may be under way; one part always may."""
        under_way = sum(way.size_bytes for way in self._under_way.values())
        return not self._under_way or under_way + size_bytes <= WINDOW_BYTES

    def sent(self, entry: Entry, size_bytes: int, now_us: int) -> None:
        """The entry was handed to the connection."""
        self._owed(now_us)
        attempt = self._attempts.get(entry, 0)
        self._attempts[entry] = attempt + 1
        wait_us = min(RETRY_US << min(attempt, 10), MAX_RETRY_US)
        self._under_way[entry] = _UnderWay(now_us, now_us + int(wait_us * (1 + self._jitter())), size_bytes)

    def answered(
        self, clip: str, receipts: list[Receipt], hash_of: Callable[[Entry], str | None], now_us: int
    ) -> list[Entry]:
        """Take verified receipts of one clip; return the entries that they sign for, to be deleted.

        `hash_of` returns the record hash of an entry as it lies in the outbox: a receipt counts for nothing else.
        """
        self._heard_us = now_us
        self._asked.pop(clip, None)
        by_seq = {entry.seq: entry for entry in self._entries if entry.clip == clip}
        received: list[Entry] = []
        for receipt in receipts:
            entry = by_seq.get(receipt.seq)
            if entry is None or receipt.clip != clip or hash_of(entry) != receipt.record:
                continue
            if receipt.verdict == "dropped" and not entry.dropped:
                continue  # the relay has the record alone, from before; the part is still here and can still arrive
            if way := self._under_way.pop(entry, None):
                self._signed_us = max(self._signed_us, way.sent_us)
            if receipt.verdict == "refused":
                self._refused_until[entry] = now_us + int(REFUSED_US * (1 + self._jitter()))
                _log.warning("the relay refused part %d of clip %s: %s", entry.seq, clip, receipt.reason)
            else:
                received.append(entry)
        self._unanswered_us = now_us if self._under_way or self._asked else None
        return received

    def unheard(self, now_us: int) -> bool:
        """Whether the relay has said nothing at all, for too long, to what it was sent over this connection."""
        return self._unanswered_us is not None and now_us >= self._unanswered_us + UNHEARD_US

    def _owed(self, now_us: int) -> None:
        if self._unanswered_us is None:
            self._unanswered_us = now_us

    def _is_lost(self, way: _UnderWay, now_us: int) -> bool:
        overtaken = way.sent_us < self._signed_us
        return now_us >= way.again_us and (overtaken or now_us >= self._heard_us + SILENCE_US)

    def _may_go(self, entry: Entry, now_us: int) -> bool:
        return entry not in self._under_way and now_us >= self._refused_until.get(entry, 0)

    def _in_order(self) -> list[Entry]:
        if not self._entries:
            return []
        newest_clip = self._entries[-1].clip
        notices = [entry for entry in reversed(self._entries) if entry.kind == "notice" and not entry.dropped]
        rest = [entry for entry in self._entries if entry.kind != "notice" or entry.dropped]
        return [*notices, *(e for e in rest if e.clip == newest_clip), *(e for e in rest if e.clip != newest_clip)]
