"""A broker and a relay in memory, on a clock that the test moves: an hour of outage takes a moment.

The relay keeps the rules of a real one (proof before anything, neighbours in the chain, put if absent, signed receipts)
and nothing else. The broker loses, doubles and delays as a `Weather` says. `Wire` is the Transport of one doorbell.
"""

import heapq
import random
import select
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from crafted import key_of
from sealbell.seams import Arrival, Connected, Lost, Message
from sealbell_testing.clock import HandClock
from sealbell_wire import chain, sshsig, topics
from sealbell_wire.errors import ContradictionError, WireError
from sealbell_wire.ids import ZERO_HASH
from sealbell_wire.limits import MAX_PART_BYTES, MAX_RECEIPTS_PER_MESSAGE
from sealbell_wire.part import Part, parse_part, verify_part
from sealbell_wire.receipt import NO_REASON, Receipt, Verdict
from sealbell_wire.topics import UpTopic, parse_up

RECONNECT_US = 1_000_000
RELAY_KEY = key_of(50)


@dataclass
class Weather:
    """How messages fare: chances from 0 to 1 each, and the longest delay. Fair weather by default."""

    seed: int = 0
    lose: float = 0.0
    double: float = 0.0
    longest_us: int = 20_000

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def fates_us(self) -> list[int]:
        """After how long each copy of one message arrives: none, one or two; copies overtake others."""
        copies = 0 if self._random.random() < self.lose else 1 + (self._random.random() < self.double)
        return [self._random.randint(1, self.longest_us) for _ in range(copies)]


@dataclass
class Kept:
    """One stored name: the part, its receipt as it was first signed, and how often it was written."""

    part: Part
    receipt: Receipt
    writes: int = 1


class Relay:
    """What a relay does with a message. `away`: it hears nothing. `disk_full`: it keeps nothing, and says nothing."""

    def __init__(self, enrolled: dict[str, bytes], now_us: Callable[[], int]) -> None:
        """`enrolled` gives the verification key of each doorbell's id."""
        self.verify_key = sshsig.verify_key_of(RELAY_KEY)
        self.kept: dict[tuple[str, str, int], Kept] = {}
        self.heard: list[tuple[str, bytes]] = []
        self.refused: list[Receipt] = []
        self.away = False
        self.disk_full = False
        self._enrolled = enrolled
        self._now_us = now_us

    def hear(self, topic: str, payload: bytes) -> list[tuple[str, bytes]]:
        """Take one message; return what is published for it."""
        if self.away:
            return []
        self.heard.append((topic, payload))
        try:
            up = parse_up(topic)
            if up.doorbell not in self._enrolled:
                return []
            if up.kind == "have":
                return self._answer(up)
            receipt = self._take(up, payload) if up.kind == "part" else None
        except WireError:
            return []
        return [(topics.receipt(up.doorbell, up.clip or ""), receipt.sign(RELAY_KEY))] if receipt else []

    def _answer(self, up: UpTopic) -> list[tuple[str, bytes]]:
        receipts = [kept.receipt for name, kept in sorted(self.kept.items()) if name[:2] == (up.doorbell, up.clip)]
        signed = [receipt.sign(RELAY_KEY) for receipt in receipts]
        starts = range(0, max(1, len(signed)), MAX_RECEIPTS_PER_MESSAGE)
        topic = topics.receipt(up.doorbell, up.clip or "")
        return [(topic, b"".join(signed[at : at + MAX_RECEIPTS_PER_MESSAGE])) for at in starts]

    def _take(self, up: UpTopic, payload: bytes) -> Receipt | None:
        if len(payload) > MAX_PART_BYTES:
            return self._refuse(up, ZERO_HASH, "too-large")
        part = parse_part(payload)
        name = (part.record.doorbell, part.record.clip, part.record.seq)
        if name != (up.doorbell, up.clip, up.seq):
            return self._refuse(up, ZERO_HASH, "wrong-topic")
        verify_part(part, self._enrolled[up.doorbell])
        kept = self.kept.get(name)
        if kept and kept.part.hash != part.hash:
            return self._refuse(up, part.hash, "differs-from-stored")
        if kept and (kept.part.sealed is not None or part.sealed is None):
            return kept.receipt
        return self._keep(up, name, part)

    def _keep(self, up: UpTopic, name: tuple[str, str, int], part: Part) -> Receipt | None:
        try:
            self._check_neighbours(name, part)
        except ContradictionError:
            return self._refuse(up, part.hash, "contradicts-neighbour")
        if self.disk_full:
            return None
        verdict: Verdict = "stored" if part.sealed is not None else "dropped"
        receipt = self._receipt(up, part.hash, verdict, NO_REASON)
        writes = self.kept[name].writes + 1 if name in self.kept else 1
        self.kept[name] = Kept(part, receipt, writes)
        return receipt

    def _check_neighbours(self, name: tuple[str, str, int], part: Part) -> None:
        doorbell, clip, seq = name
        if before := self.kept.get((doorbell, clip, seq - 1)):
            chain.check_joins(before.part.record, before.part.hash, part.record)
        if after := self.kept.get((doorbell, clip, seq + 1)):
            chain.check_joins(part.record, part.hash, after.part.record)

    def _refuse(self, up: UpTopic, record_hash: str, reason: str) -> Receipt:
        self.refused.append(self._receipt(up, record_hash, "refused", reason))
        return self.refused[-1]

    def _receipt(self, up: UpTopic, record_hash: str, verdict: Verdict, reason: str) -> Receipt:
        return Receipt(up.doorbell, up.clip or "", up.seq or 0, record_hash, verdict, reason, self._now_us() // 1_000)


@dataclass
class Broker:
    """Carries messages between one doorbell and the relay. `away`: nobody can connect.

    With `bytes_per_s` the doorbell's line is that narrow: what it publishes arrives one after the other.
    """

    clock: HandClock
    relay: Relay
    weather: Weather = field(default_factory=Weather)
    away: bool = False
    bytes_per_s: int | None = None

    def __post_init__(self) -> None:
        self.sent_bytes = 0
        self._busy_until_us = 0
        self.session = 0
        self.connected = False
        self._numbers = count()
        self._events: list[tuple[int, int, int, str, str, bytes]] = []

    def connect(self) -> int:
        """A doorbell connects, and is confirmed; a connection that it had is gone."""
        self.session += 1
        self.connected = True
        return self.session

    def cut(self) -> None:
        """The connection breaks, with everything that was on its way to the doorbell."""
        self.connected = False
        self.session += 1

    def die(self) -> None:
        """The broker is killed: whatever it had acknowledged and not delivered is gone."""
        self.away = True
        self.cut()
        self._events.clear()
        self._busy_until_us = 0

    def up(self, topic: str, payload: bytes) -> None:
        """The doorbell published."""
        self.sent_bytes += len(payload)
        if self.bytes_per_s:
            begins_us = max(self._busy_until_us, self.clock.now_us())
            self._busy_until_us = begins_us + len(payload) * 1_000_000 // self.bytes_per_s
        self._send("up", topic, payload, max(0, self._busy_until_us - self.clock.now_us()))

    def down(self, topic: str, payload: bytes) -> None:
        """Someone published to the doorbell."""
        self._send("down", topic, payload)

    def next_us(self) -> int | None:
        """When the next thing happens."""
        return self._events[0][0] if self._events else None

    def happen(self) -> tuple[str, bytes] | None:
        """Let the next thing happen; return what reaches the doorbell by it."""
        _, _, session, way, topic, payload = heapq.heappop(self._events)
        if way == "up":
            for answer in self.relay.hear(topic, payload):
                self.down(*answer)
            return None
        return (topic, payload) if self.connected and session == self.session else None

    def _send(self, way: str, topic: str, payload: bytes, queued_us: int = 0) -> None:
        for fate_us in self.weather.fates_us():
            at_us = self.clock.now_us() + queued_us + fate_us
            heapq.heappush(self._events, (at_us, next(self._numbers), self.session, way, topic, payload))


class Wire:
    """A Transport over a Broker. Waiting lets the clock run."""

    def __init__(self, broker: Broker, subscribe: str) -> None:
        """`subscribe` ends with `#`: the one filter."""
        self._broker = broker
        self._prefix = subscribe.removesuffix("#")
        self._session: int | None = None
        self._retry_at_us = 0

    def wait(self, timeout_s: float, wake_fd: int) -> list[Arrival]:
        """Let time run until something arrives, `wake_fd` is readable or the time is over."""
        clock = self._broker.clock
        until_us = clock.now_us() + int(timeout_s * 1e6)
        arrivals = self._connection()
        while not arrivals and not select.select([wake_fd], [], [], 0)[0]:
            next_us = self._broker.next_us()
            if next_us is None or next_us > until_us:
                clock.pass_us(max(0, until_us - clock.now_us()))
                return self._connection()
            clock.pass_us(max(0, next_us - clock.now_us()))
            arrived = self._broker.happen()
            arrivals = self._connection()
            if arrived and arrived[0].startswith(self._prefix):
                arrivals.append(Message(*arrived))
        return arrivals

    def publish(self, topic: str, payload: bytes) -> bool:
        """Hand one message over; False if there is no connection. ValueError if no broker would take it."""
        if len(payload) > MAX_PART_BYTES:
            raise ValueError(f"a message of {len(payload)} bytes is more than {MAX_PART_BYTES}")
        if self._session is None or self._session != self._broker.session:
            return False
        self._broker.up(topic, payload)
        return True

    def close(self) -> None:
        """Leave."""
        if self._session == self._broker.session:
            self._broker.cut()
        self._session = None

    def _connection(self) -> list[Arrival]:
        broker, now_us = self._broker, self._broker.clock.now_us()
        if self._session is not None and self._session != broker.session:
            self._session = None
            self._retry_at_us = now_us + RECONNECT_US
            return [Lost()]
        if self._session is None and not broker.away and now_us >= self._retry_at_us:
            self._session = broker.connect()
            return [Connected()]
        return []
