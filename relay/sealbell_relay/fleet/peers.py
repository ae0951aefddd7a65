"""This relay among others on the same brokers: what it subscribes to, what it tells them, what it makes of their word.

Topics: `sb/1/relay/{relay}/beat` (membership.py) and `sb/1/{shard}/{doorbell}/news` (news.py), both QoS 0: a beat that
is lost is followed by another, and news that is lost by a look at the store.
"""

import asyncio
from collections.abc import Callable

from sealbell_relay.fleet.membership import MAX_SILENT_BEATS, Membership
from sealbell_relay.fleet.shards import SHARDS, Holding
from sealbell_relay.follow import news
from sealbell_relay.follow.hub import Hub, Stored
from sealbell_relay.intake.outgoing import Outgoing
from sealbell_relay.log import Log
from sealbell_relay.state import State
from sealbell_wire import topics
from sealbell_wire.errors import FormatError
from sealbell_wire.ids import shard

MAX_UNHEARD_BEATS = 8  # of one's own; more than another needs to be taken for dead, since a broker may pause


class Peers:
    """For one event loop. `relay` is an id that no other relay has, 32 hex digits; `monotonic` returns seconds."""

    def __init__(
        self,
        relay: str,
        hub: Hub,
        forget: Callable[[], None],
        state: State,
        log: Log,
        monotonic: Callable[[], float],
    ) -> None:
        """`forget` is called when others may have stored parts of clips that this relay remembers."""
        self.beat = topics.beat(relay)
        self.changed = asyncio.Event()  # what `filters` returns may have changed before its time
        self.met = asyncio.Event()  # somebody is here who may not know of us
        self.news = Outgoing()
        self._relay = relay
        self._membership = Membership(relay)
        self._holding = Holding(relay)
        self._hub = hub
        self._forget = forget
        self._state = state
        self._log = log
        self._now = monotonic
        self._unheard_beats = 0
        self._live = self._membership.live
        self._held = frozenset[str]()
        hub.join(self._announce, self.changed.set)

    def connected(self) -> None:
        """A broker is reached, the first time or again: what was said meanwhile was not heard."""
        self._unheard_beats = 0
        self._doubt()

    def deaf(self) -> bool:
        """Count a beat that is about to be published; whether so many before it were not heard that nothing is."""
        self._unheard_beats += 1
        return self._unheard_beats > MAX_UNHEARD_BEATS

    def holds(self, doorbell: str) -> bool:
        """Whether this relay takes what a doorbell sends."""
        return shard(doorbell) in self._held

    def filters(self) -> frozenset[str]:
        """Return what to be subscribed to now; to be asked every BEAT_S, and when `changed`."""
        held = self._holding.hold(self._live, self._now())
        if held != self._held:
            self._held, self._state.shards = held, len(held)
            self._doubt()
        ups = {topics.up_filter()} if len(held) == len(SHARDS) else {topics.up_filter(each) for each in held}
        return frozenset({topics.beat_filter(), *ups, *map(topics.news, self._hub.followed)})

    def receive(self, topic: str, payload: bytes) -> bool:
        """Take a message if it is from a relay; False if it is not. Never raises."""
        try:
            if topic.endswith("/beat"):
                if topic == self.beat:
                    self._heard_again()
                if self._membership.heard(topics.parse_beat(topic), payload):
                    self._look_around()
            elif topic.endswith("/news"):
                self._take_news(topics.parse_news(topic), payload)
            else:
                return False
        except FormatError as error:
            self._state.refused["strange-topic"] += 1
            self._log.warn("refused", reason="strange-topic", topic=topic, detail=error)
        return True

    def _take_news(self, doorbell: str, payload: bytes) -> None:
        for relay, stored in news.parse(payload):
            if relay != self._relay:
                self._hub.heard(doorbell, stored)

    def _announce(self, doorbell: str, stored: Stored) -> None:
        if len(self._live) > 1:
            self.news.add_receipt(topics.news(doorbell), news.line(self._relay, stored))

    def _look_around(self) -> None:
        live = self._membership.live
        joined, gone = len(live - self._live), len(self._live - live)
        self._log.info("relays-changed", live=len(live), joined=joined, gone=gone)
        self._live, self._state.relays = live, len(live)
        self.changed.set()
        if joined:
            self.met.set()
        self._doubt()

    def _heard_again(self) -> None:
        if self._unheard_beats > MAX_SILENT_BEATS:  # others may have taken over what this relay thinks that it held
            self._doubt()
        self._unheard_beats = 0

    def _doubt(self) -> None:
        """Others may have stored parts of which this relay was not told."""
        self._hub.missed()
        self._forget()
