"""A doorbell's outbox and uplink, a broker and a relay, put together on one clock."""

import os
import random
from pathlib import Path

from crafted import Bell
from sealbell.seams import Connected, Message
from sealbell.spool import Entry, listing
from sealbell.uplink.courier import Courier
from sealbell.uplink.main import Uplink
from sealbell.uplink.outbox import OutboxReader
from sealbell.watch.outbox import Outbox
from sealbell_testing.clock import HandClock
from sealbell_wire import topics
from sealbell_wire.part import Part
from simulator import Broker, Relay, Weather, Wire

NO_CAP = 1 << 40


class Told:
    """What the uplink said of its connection, in the place of the file in an inbox."""

    def __init__(self) -> None:
        self.connected = False

    def changed(self, *, connected: bool) -> None:
        self.connected = connected

    def tell(self) -> None:
        pass


class Street:
    """A doorbell's outbox and uplink, a broker and a relay."""

    def __init__(self, folder: Path, weather: Weather | None = None, cap_bytes: int = NO_CAP) -> None:
        self.folder = folder
        self.clock = HandClock()
        self.bell = Bell(size_bytes=10_000)
        self.relay = Relay({self.bell.id: self.bell.verify_key}, self.clock.now_us)
        self.broker = Broker(self.clock, self.relay, weather or Weather())
        self.outbox = Outbox(folder, cap_bytes, 0, self.bell.drop, lambda _: NO_CAP)
        self.committed: list[Part] = []
        self.dropped: set[tuple[str, int]] = set()
        self.fd: int | None = None
        self.start_uplink()

    def start_uplink(self) -> None:
        """Start the process anew: it remembers nothing but the outbox."""
        self.close()
        jitter = random.Random(5).random
        reader = OutboxReader(self.folder)
        self.wire = Wire(self.broker, topics.down_filter(self.bell.id))
        self.link, courier = Told(), Courier(jitter)
        self.uplink = Uplink(self.bell.id, self.relay.verify_key, reader, courier, self.wire, self.clock, self.link)  # type: ignore[arg-type] # it is told as a LinkTeller is
        self.fd = reader.open_bell()

    def commit(self, *parts: Part, pressed: bool = False) -> None:
        for part in parts:
            dropped = self.outbox.commit(part, pressed=pressed, counter=self.bell.counter)
            self.dropped |= {(entry.clip, entry.seq) for entry in dropped}
            self.committed.append(part)

    def live(self, us: int, *, step_s: float = 0.5) -> None:
        """Let the uplink do its turns for so long."""
        until_us = self.clock.now_us() + us
        while self.clock.now_us() < until_us:
            self.turn(min(step_s, (until_us - self.clock.now_us()) / 1e6))

    def turn(self, timeout_s: float) -> None:
        assert self.fd is not None
        self.uplink.turn(self.wire.wait(timeout_s, self.fd))

    def hear(self, *messages: Message) -> None:
        """The uplink is connected, knows what lies in the outbox, and something comes from the broker."""
        self.uplink.turn([Connected()])
        self.uplink.turn([*messages])

    def close(self) -> None:
        if self.fd is not None:
            self.wire.close()
            os.close(self.fd)
            self.fd = None

    @property
    def waiting(self) -> list[Entry]:
        return listing(self.folder)

    def check_all_arrived_once(self) -> None:
        """Every committed part is at the relay, written once and unchanged, and only the newest still lies here."""
        self.check_all_arrived()
        assert {kept.writes for kept in self.relay.kept.values()} == {1}

    def check_all_arrived(self) -> None:
        """The same, but the whole part may have been written over a mark that it was dropped."""
        assert [entry.seq for entry in self.waiting] == [self.committed[-1].record.seq]
        names = [(self.bell.id, part.record.clip, part.record.seq) for part in self.committed]
        assert sorted(self.relay.kept) == sorted(names)
        for name, part in zip(names, self.committed, strict=True):
            kept = self.relay.kept[name]
            assert kept.writes <= 1 + (name[1:] in self.dropped)
            assert kept.part.hash == part.hash
            assert kept.part == part or (kept.part.sealed is None and name[1:] in self.dropped)
        assert self.relay.refused == []
