"""One contract for every Transport: the one of the firmware on two real brokers, and the simulator that tests use."""

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import simulator
from brokers import Broker, Mosquitto, Nats
from crafted import Bell
from sealbell.seams import Arrival, Connected, Lost, Message, Transport
from sealbell.uplink.mqtt import MqttTransport
from sealbell_testing.clock import HandClock
from sealbell_wire import topics
from sealbell_wire.limits import MAX_PART_BYTES

BELL = Bell()
CLIP = "ab" * 16
UP, DOWN = topics.part(BELL.id, CLIP, 0), topics.receipt(BELL.id, CLIP)
WAIT_S = 0.05
MAX_WAITS = 400


class Site(ABC):
    """Where a transport meets a broker, seen from the relay's side."""

    def __init__(self) -> None:
        self._wake, self._waker = os.pipe()

    @abstractmethod
    def transport(self) -> Transport:
        """A doorbell's transport, not connected yet."""

    @abstractmethod
    def start(self) -> None:
        """The broker comes, or comes back."""

    @abstractmethod
    def kill(self) -> None:
        """The broker dies."""

    @abstractmethod
    def say(self, topic: str, payload: bytes) -> None:
        """The relay publishes."""

    @abstractmethod
    def heard(self, count: int) -> list[tuple[str, bytes]]:
        """The first `count` messages that the relay heard of all doorbells."""

    def wake(self) -> None:
        os.write(self._waker, b"!")

    def wait(self, transport: Transport, timeout_s: float = WAIT_S) -> list[Arrival]:
        return transport.wait(timeout_s, self._wake)

    def until(self, transport: Transport, done: Callable[[list[Arrival]], bool]) -> list[Arrival]:
        """Wait until `done` with everything that arrived; return that."""
        arrivals: list[Arrival] = []
        for _ in range(MAX_WAITS):
            arrivals += self.wait(transport)
            if done(arrivals):
                return arrivals
        raise AssertionError(f"waited in vain; there came {arrivals}")

    def connected(self) -> Transport:
        transport = self.transport()
        arrivals = self.until(transport, bool)
        assert [type(arrival) for arrival in arrivals] == [Connected]
        return transport

    def close(self) -> None:
        os.close(self._wake)
        os.close(self._waker)


class SimulatedSite(Site):
    def __init__(self, folder: Path) -> None:
        super().__init__()
        clock = HandClock()
        self._relay = simulator.Relay({}, clock.now_us)
        self._broker = simulator.Broker(clock, self._relay, simulator.Weather(longest_us=1), away=True)

    def transport(self) -> Transport:
        return simulator.Wire(self._broker, topics.down_filter(BELL.id))

    def start(self) -> None:
        self._broker.away = False

    def kill(self) -> None:
        self._broker.die()

    def say(self, topic: str, payload: bytes) -> None:
        self._broker.down(topic, payload)

    def heard(self, count: int) -> list[tuple[str, bytes]]:
        while len(self._relay.heard) < count:
            assert self._broker.next_us() is not None, "nothing more is on its way"
            self._broker.happen()
        return self._relay.heard[:count]


class RealSite(Site):
    kind: type[Broker]

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._broker = self.kind(folder)
        self._relay = self._mqtt("relay", topics.up_filter())
        self._heard: list[tuple[str, bytes]] = []
        self._relay_connected = False

    def _mqtt(self, name: str, subscribe: str) -> MqttTransport:
        return MqttTransport(
            self._broker.url,
            name,
            "nobody asks",
            subscribe,
            now_us=lambda: time.monotonic_ns() // 1_000,
            jitter=lambda: 0.0,
        )

    def transport(self) -> Transport:
        return self._mqtt("doorbell", topics.down_filter(BELL.id))

    def start(self) -> None:
        self._broker.start()

    def kill(self) -> None:
        self._broker.kill()
        self._relay_connected = False

    def say(self, topic: str, payload: bytes) -> None:
        self._listen(lambda: self._relay_connected)
        assert self._relay.publish(topic, payload)
        self._look(0)

    def heard(self, count: int) -> list[tuple[str, bytes]]:
        self._listen(lambda: len(self._heard) >= count)
        return self._heard[:count]

    def ready(self) -> None:
        """The relay listens too, so that nothing passes it by."""
        self._listen(lambda: self._relay_connected)

    def _listen(self, done: Callable[[], bool]) -> None:
        for _ in range(MAX_WAITS):
            if done():
                return
            self._look(WAIT_S)
        raise AssertionError("the relay heard nothing")

    def _look(self, timeout_s: float) -> None:
        for arrival in self._relay.wait(timeout_s, self._wake):
            if isinstance(arrival, Message):
                self._heard.append((arrival.topic, arrival.payload))
            else:
                self._relay_connected = isinstance(arrival, Connected)

    def close(self) -> None:
        self._relay.close()
        self._broker.kill()
        super().close()


class NatsSite(RealSite):
    kind = Nats


class MosquittoSite(RealSite):
    kind = Mosquitto


@pytest.fixture(params=[SimulatedSite, NatsSite, MosquittoSite], ids=["simulator", "nats-server", "mosquitto"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    site: Site = request.param(tmp_path)
    yield site
    site.close()


@pytest.fixture
def up(site: Site) -> Site:
    """A site whose broker is there and whose relay listens."""
    site.start()
    if isinstance(site, RealSite):
        site.ready()
    return site


def messages(arrivals: list[Arrival]) -> list[tuple[str, bytes]]:
    return [(arrival.topic, arrival.payload) for arrival in arrivals if isinstance(arrival, Message)]


def test_nothing_is_published_before_the_connection_stands(up: Site) -> None:
    transport = up.transport()
    assert transport.publish(UP, b"too early") is False
    up.until(transport, lambda arrivals: any(isinstance(arrival, Connected) for arrival in arrivals))
    assert transport.publish(UP, b"now") is True
    up.wait(transport)
    assert up.heard(1) == [(UP, b"now")], "what was refused is not sent later"
    transport.close()


@pytest.mark.parametrize("payload", [b"", b"x", bytes(range(256)), b"\0" * MAX_PART_BYTES], ids=len)
def test_what_is_published_arrives_unchanged_up_to_the_largest_part(up: Site, payload: bytes) -> None:
    transport = up.connected()
    assert transport.publish(UP, payload)
    for _ in range(3):
        up.wait(transport)
    assert up.heard(1) == [(UP, payload)]
    transport.close()


@pytest.mark.parametrize("payload", [b"", bytes(range(256)), b"\0" * 900_000], ids=len)
def test_what_the_relay_says_arrives_unchanged(up: Site, payload: bytes) -> None:
    transport = up.connected()
    up.say(DOWN, payload)
    arrivals = up.until(transport, lambda arrivals: bool(messages(arrivals)))
    assert messages(arrivals) == [(DOWN, payload)]
    transport.close()


def test_oversize_message_is_refused(up: Site) -> None:
    transport = up.connected()
    with pytest.raises(ValueError, match="more than 1000000"):
        transport.publish(UP, bytes(MAX_PART_BYTES + 1))
    assert transport.publish(UP, b"goes on")
    up.wait(transport)
    assert up.heard(1) == [(UP, b"goes on")]
    transport.close()


def test_nothing_is_heard_of_what_is_said_to_others(up: Site) -> None:
    transport = up.connected()
    up.say(topics.receipt("ef" * 16, CLIP), b"theirs")
    up.say(UP, b"not down")
    up.say(DOWN, b"ours")
    arrivals = up.until(transport, lambda arrivals: bool(messages(arrivals)))
    assert messages(arrivals) == [(DOWN, b"ours")]
    transport.close()


def test_many_messages_arrive_each_once_and_in_order(up: Site) -> None:
    transport = up.connected()
    sent = [(topics.part(BELL.id, CLIP, n), b"%d" % n) for n in range(60)]
    for topic, payload in sent:
        assert transport.publish(topic, payload)
        up.wait(transport, 0)
    up.until(transport, lambda _: len(up.heard(1)) == 1)
    for _ in range(3):
        up.wait(transport)
    assert up.heard(60) == sent
    transport.close()


def test_connects_when_the_broker_comes_late(site: Site) -> None:
    transport = site.transport()
    for _ in range(3):
        assert site.wait(transport, 0.01) == []
    site.start()
    arrivals = site.until(transport, bool)
    assert [type(arrival) for arrival in arrivals] == [Connected]
    transport.close()


def test_death_of_the_broker_is_a_loss_and_its_return_a_new_connection(up: Site) -> None:
    transport = up.connected()
    up.kill()
    arrivals = up.until(transport, bool)
    assert [type(arrival) for arrival in arrivals] == [Lost]
    assert transport.publish(UP, b"to nobody") is False
    up.start()
    arrivals = up.until(transport, bool)
    assert [type(arrival) for arrival in arrivals] == [Connected]
    up.say(DOWN, b"back")
    assert messages(up.until(transport, lambda arrivals: bool(messages(arrivals)))) == [(DOWN, b"back")]
    transport.close()


def test_wake_wakes_at_once(up: Site) -> None:
    transport = up.connected()
    up.wake()
    began_s = time.monotonic()
    assert up.wait(transport, 60) == []
    assert time.monotonic() - began_s < 5


def test_wake_wakes_while_there_is_no_broker(site: Site) -> None:
    transport = site.transport()
    site.wait(transport, 0.01)
    site.wake()
    began_s = time.monotonic()
    assert site.wait(transport, 60) == []
    assert time.monotonic() - began_s < 5


def test_wait_ends_when_its_time_is_over(up: Site) -> None:
    transport = up.connected()
    began_s = time.monotonic()
    assert up.wait(transport, 0.05) == []
    assert time.monotonic() - began_s < 5
    transport.close()


def test_nothing_is_published_after_leaving(up: Site) -> None:
    transport = up.connected()
    transport.close()
    assert transport.publish(UP, b"gone") is False
