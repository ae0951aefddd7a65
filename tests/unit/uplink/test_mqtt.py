"""What a broker may do to the doorbell: nothing that it says, or does not say, comes out of `wait` as an exception.

The broker here is a bare socket in the same thread, so each step happens when the test says so.
"""

import os
import select
import socket
import struct
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crafted import Bell
from sealbell.seams import Arrival, Connected, Lost, Message
from sealbell.uplink.mqtt import CONFIRM_TIMEOUT_US, MAX_BACKOFF_US, MAX_MESSAGE_BYTES, MIN_BACKOFF_US, MqttTransport
from sealbell_testing.clock import HandClock
from sealbell_wire import topics
from sealbell_wire.limits import MAX_PART_BYTES

BELL = Bell()
FILTER = topics.down_filter(BELL.id)
TOPIC = topics.receipt(BELL.id, "ab" * 16)
CONNACK = b"\x20\x02\x00\x00"
SECRET = "5e" * 32
DEADLINE_S = 5.0
TICK_S = 0.004


class HostileBroker:
    """Listens; the test reads and writes what it likes."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(DEADLINE_S)
        self.port = self._listener.getsockname()[1]
        self._connection: socket.socket | None = None

    def accept(self) -> None:
        self.hang_up()
        self._connection, _ = self._listener.accept()
        self._connection.settimeout(DEADLINE_S)
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def somebody_knocks(self) -> bool:
        return bool(select.select([self._listener], [], [], 0)[0])

    def read(self) -> bytes:
        assert self._connection is not None
        return self._connection.recv(65_536)

    def say(self, data: bytes) -> None:
        assert self._connection is not None
        self._connection.sendall(data)

    def hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def break_off(self) -> None:
        """Reset the connection rather than end it."""
        assert self._connection is not None
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.hang_up()

    def close(self) -> None:
        self.hang_up()
        self._listener.close()


class Line:
    """A transport and the broker that it trusts."""

    def __init__(self, jitter: float = 0.0) -> None:
        self.broker = HostileBroker()
        self.clock = HandClock()
        url = f"mqtt://127.0.0.1:{self.broker.port}"
        self.transport = MqttTransport(url, BELL.id, SECRET, FILTER, self.clock.now_us, lambda: jitter)
        self._wake, self._waker = os.pipe()

    def wait(self, timeout_s: float = TICK_S) -> list[Arrival]:
        return self.transport.wait(timeout_s, self._wake)

    def wake(self) -> None:
        os.write(self._waker, b"!")

    def until(self, wanted: type) -> list[Arrival]:
        """Wait until such a thing arrives; return all that did."""
        arrivals: list[Arrival] = []
        for _ in range(int(DEADLINE_S / TICK_S)):
            arrivals += self.wait()
            if any(isinstance(arrival, wanted) for arrival in arrivals):
                return arrivals
        raise AssertionError(f"no {wanted.__name__} among {arrivals}")

    def knock(self) -> None:
        """Begin to connect; the broker has taken the call and heard CONNECT."""
        self.wait(0)
        self.broker.accept()
        assert self.broker.read()[:1] == b"\x10"

    def subscribe(self) -> bytes:
        """The broker welcomes; return the packet id under which the doorbell then subscribes."""
        self.broker.say(CONNACK)
        self.wait(DEADLINE_S)
        packet = self.broker.read()
        assert packet[:1] == b"\x82"
        assert FILTER.encode() in packet
        return packet[2:4]

    def connect(self) -> None:
        """Connect as one should."""
        self.knock()
        self.broker.say(b"\x90\x03" + self.subscribe() + b"\x01")
        assert [type(arrival) for arrival in self.until(Connected)] == [Connected]

    def comes_back(self) -> None:
        """After whatever happened, the next connection is as good as the first."""
        self.broker.hang_up()
        for _ in range(50):
            self.clock.pass_us(MAX_BACKOFF_US)
            self.wait()
            if self.broker.somebody_knocks:
                break
        self.broker.accept()
        assert self.broker.read()[:1] == b"\x10"
        self.broker.say(b"\x90\x03" + self.subscribe() + b"\x01")
        self.until(Connected)
        self.broker.say(publish(TOPIC.encode(), b"good"))
        (message,) = [arrival for arrival in self.until(Message) if isinstance(arrival, Message)]
        assert (message.topic, message.payload) == (TOPIC, b"good")

    def close(self) -> None:
        self.transport.close()
        self.broker.close()
        os.close(self._wake)
        os.close(self._waker)


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.close()


def length(count: int) -> bytes:
    """MQTT's remaining length."""
    encoded = bytearray()
    while True:
        count, digit = divmod(count, 128)
        encoded.append(digit | (128 if count else 0))
        if not count:
            return bytes(encoded)


def packet(first: int, body: bytes) -> bytes:
    return bytes([first]) + length(len(body)) + body


def publish(topic: bytes, payload: bytes, first: int = 0x30) -> bytes:
    packet_id = b"\x00\x07" if first & 0x06 else b""
    return packet(first, struct.pack(">H", len(topic)) + topic + packet_id + payload)


def test_connected_is_said_when_the_subscription_is_confirmed_and_not_before(line: Line) -> None:
    line.knock()
    line.subscribe()
    assert line.wait() == []
    assert not line.transport.publish("t", b"x")


def test_message_arrives_as_it_was_sent_and_is_acknowledged(line: Line) -> None:
    line.connect()
    payload = bytes(range(256)) * 4
    line.broker.say(publish(TOPIC.encode(), payload, first=0x32))
    (message,) = line.until(Message)
    assert isinstance(message, Message)
    assert (message.topic, message.payload) == (TOPIC, payload)
    line.wait(0)
    assert line.broker.read() == b"\x40\x02\x00\x07"


def test_message_is_published_at_level_0_under_its_topic(line: Line) -> None:
    line.connect()
    assert line.transport.publish("sb/1/up", b"payload")
    line.wait(0)
    sent = line.broker.read()
    assert sent[:1] == b"\x30", "so that the broker writes nothing down, and retains nothing"
    assert sent[2:11] == b"\x00\x07sb/1/up"
    assert sent.endswith(b"payload")


def test_packet_that_comes_byte_by_byte_arrives_whole(line: Line) -> None:
    line.connect()
    for byte in publish(TOPIC.encode(), b"dribble"):
        line.broker.say(bytes([byte]))
        arrived = line.wait()
    assert [(m.topic, m.payload) for m in arrived if isinstance(m, Message)] == [(TOPIC, b"dribble")]


def test_many_messages_at_once_all_arrive_in_order(line: Line) -> None:
    line.connect()
    line.broker.say(b"".join(publish(TOPIC.encode(), b"%d" % n) for n in range(200)))
    payloads: list[bytes] = []
    for _ in range(1_000):
        payloads += [arrival.payload for arrival in line.wait() if isinstance(arrival, Message)]
        if len(payloads) == 200:
            break
    assert payloads == [b"%d" % n for n in range(200)]


def test_oversize_message_is_refused_before_it_is_sent(line: Line) -> None:
    line.connect()
    with pytest.raises(ValueError, match="1000001 bytes"):
        line.transport.publish(TOPIC, bytes(MAX_PART_BYTES + 1))
    assert line.transport.publish(TOPIC, b"fits")


def test_message_larger_than_any_of_ours_is_thrown_away(line: Line) -> None:
    line.connect()
    data = publish(TOPIC.encode(), bytes(MAX_MESSAGE_BYTES + 1)) + publish(TOPIC.encode(), b"after it")
    while data:
        line.broker.say(data[:50_000])
        data = data[50_000:]
        arrived = line.wait(0)
        assert not any(isinstance(arrival, Message) and len(arrival.payload) > 100 for arrival in arrived)
    assert [arrival.payload for arrival in line.until(Message) if isinstance(arrival, Message)] == [b"after it"]


def test_broker_that_never_welcomes_is_given_up_and_called_again(line: Line) -> None:
    line.knock()
    line.clock.pass_us(CONFIRM_TIMEOUT_US - 1)
    assert line.wait() == []
    assert not line.broker.somebody_knocks
    line.clock.pass_us(2)
    assert line.wait() == [], "what was never confirmed is not lost"
    assert line.broker.read() == b"", "it hung up"
    line.comes_back()


def test_broker_that_never_confirms_the_subscription_is_given_up(line: Line) -> None:
    line.knock()
    line.subscribe()
    line.clock.pass_us(CONFIRM_TIMEOUT_US + 1)
    assert line.wait() == []
    assert line.broker.read() == b""
    line.comes_back()


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 6, 255])
def test_broker_that_refuses_is_called_again_later(line: Line, code: int) -> None:
    line.knock()
    line.broker.say(bytes([0x20, 0x02, 0x00, code]))
    assert line.wait() == []
    line.wait()
    # To code 1, a wrong version, paho answers by another version and not by its callback.
    assert line.transport.why == ("no-answer" if code == 1 else "not-allowed")
    line.comes_back()


def test_why_there_is_no_connection_is_said_in_words_that_a_link_may_hold(line: Line) -> None:
    assert line.transport.why == "connecting"
    line.connect()
    line.broker.hang_up()
    line.until(Lost)
    assert line.transport.why == "connection-lost"
    line.comes_back()
    line.broker.hang_up()
    line.until(Lost)
    line.clock.pass_us(MAX_BACKOFF_US)
    line.wait()
    line.broker.accept()
    line.clock.pass_us(CONFIRM_TIMEOUT_US + 1)
    line.wait()
    assert line.transport.why == "no-answer"
    line.broker.close()
    line.clock.pass_us(MAX_BACKOFF_US)
    line.wait()
    assert line.transport.why == "refused"


def test_broker_that_refuses_the_subscription_is_said_and_called_again(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    line.knock()
    line.broker.say(b"\x90\x03" + line.subscribe() + b"\x80")
    assert line.wait() == []
    assert "refused the subscription" in caplog.text
    assert line.transport.why == "not-allowed"
    assert not line.transport.publish(TOPIC, b"x")
    line.clock.pass_us(CONFIRM_TIMEOUT_US + 1)
    line.wait()
    line.comes_back()


@pytest.mark.parametrize("end", ["hang up", "reset"])
def test_connection_that_ends_is_lost_once_and_then_made_anew(line: Line, end: str) -> None:
    line.connect()
    if end == "reset":
        line.broker.break_off()
    else:
        line.broker.hang_up()
    assert [type(arrival) for arrival in line.until(Lost)] == [Lost]
    assert not line.transport.publish(TOPIC, b"x"), "nothing is kept for later"
    line.comes_back()


def test_publishing_into_a_connection_that_just_ended_raises_nothing(line: Line) -> None:
    line.connect()
    line.broker.break_off()
    sent = [line.transport.publish(TOPIC, bytes(900_000)) for _ in range(5)]
    assert not all(sent)
    line.until(Lost)
    line.comes_back()


def test_broker_that_stops_reading_blocks_nobody(line: Line) -> None:
    line.connect()
    for _ in range(20):
        line.transport.publish(TOPIC, bytes(900_000))
        line.wait(0)
    line.broker.break_off()
    line.until(Lost)
    line.comes_back()


def test_pauses_between_attempts_grow_up_to_a_limit(caplog: pytest.LogCaptureFixture) -> None:
    line, tried_at_us = Line(jitter=0.999_999), [0]
    line.broker.close()
    while len(tried_at_us) < 11:
        line.wait(0)
        if caplog.records:
            caplog.clear()
            tried_at_us.append(line.clock.now_us())
        line.clock.pass_us(MIN_BACKOFF_US // 5)
    pauses_us = [later - sooner for sooner, later in pairwise(tried_at_us[1:])]
    assert pauses_us[0] == pytest.approx(MIN_BACKOFF_US, abs=MIN_BACKOFF_US // 5)
    assert pauses_us == sorted(pauses_us)
    assert pauses_us[-1] == pytest.approx(MAX_BACKOFF_US, abs=MIN_BACKOFF_US)
    line.close()


HOSTILE = {
    "nothing but zeros": bytes(64),
    "http": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "tls": b"\x15\x03\x01\x00\x02\x02\x46",
    "a length of five bytes": b"\x30\xff\xff\xff\xff\x01",
    "a length that never ends": b"\x30" + b"\xff" * 200,
    "a topic that is not utf-8": publish(b"\xff\xfe\xfd", b"x"),
    "a topic with a zero": publish(b"a\0b", b"x"),
    "a topic of surrogates": publish(b"\xed\xa0\x80", b"x"),
    "an empty topic": publish(b"", b"x"),
    "a topic longer than its packet": packet(0x30, b"\xff\xffshort"),
    "a publish without a topic": packet(0x30, b""),
    "a publish of one byte": packet(0x30, b"\x00"),
    "a publish at level 1 without a number": packet(0x32, b"\x00\x01a"),
    "a publish at level 2": publish(TOPIC.encode(), b"x", first=0x34),
    "a publish at level 3": publish(TOPIC.encode(), b"x", first=0x36),
    "a puback of nothing": packet(0x40, b""),
    "a puback of what was never sent": packet(0x40, b"\x12\x34"),
    "a pubrec of nothing": packet(0x50, b""),
    "a pubrel of nothing": packet(0x62, b""),
    "a pubrel of what never came": packet(0x62, b"\x12\x34"),
    "a pubcomp of nothing": packet(0x70, b""),
    "a suback of nothing": packet(0x90, b""),
    "a suback without codes": packet(0x90, b"\x00\x01"),
    "a suback with strange codes": packet(0x90, b"\x00\x01\x77\x03"),
    "an unsuback of nothing": packet(0xB0, b""),
    "a pingresp with a body": packet(0xD0, b"x"),
    "a pingreq": packet(0xC0, b""),
    "a connect": packet(0x10, b"\x00\x04MQTT\x04\x02\x00\x3c\x00\x00"),
    "a second connack": CONNACK,
    "a connack of nothing": packet(0x20, b""),
    "a connack of one byte": packet(0x20, b"\x00"),
    "a refusal after the welcome": b"\x20\x02\x00\x05",
    "a disconnect": packet(0xE0, b""),
    "a disconnect with a body": packet(0xE0, b"\x8b\x00"),
    "a packet of no kind": packet(0x00, b"x"),
    "an auth packet": packet(0xF0, b"\x18\x00"),
    "256 MB announced": b"\x30\xff\xff\xff\x7f" + b"x" * 1_000,
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_a_broker_says_after_the_handshake_ends_the_connection_at_most(line: Line, what: str) -> None:
    line.connect()
    line.broker.say(HOSTILE[what])
    for _ in range(5):
        line.wait()
    line.comes_back()


@pytest.mark.parametrize("what", HOSTILE)
def test_what_a_broker_says_in_the_place_of_a_welcome_ends_the_connection_at_most(line: Line, what: str) -> None:
    line.knock()
    line.broker.say(HOSTILE[what])
    for _ in range(5):
        line.wait()
    line.comes_back()


@pytest.mark.parametrize("cut", range(1, 12))
def test_packet_that_is_cut_by_the_end_of_the_connection_is_nothing(line: Line, cut: int) -> None:
    line.connect()
    line.broker.say(publish(TOPIC.encode(), b"cut")[:cut])
    line.wait()
    line.broker.hang_up()
    assert [type(arrival) for arrival in line.until(Lost)] == [Lost]
    line.comes_back()


@settings(max_examples=60, deadline=None)
@given(packets=st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=12)), max_size=6), tail=st.binary(max_size=9))
def test_no_packet_comes_out_of_wait_as_an_exception(packets: list[tuple[int, bytes]], tail: bytes) -> None:
    line = Line()
    line.connect()
    line.broker.say(b"".join(packet(first, body) for first, body in packets) + tail)
    for _ in range(4):
        line.wait(0.001)
        line.transport.publish(TOPIC, b"x")
    line.comes_back()
    line.close()


def test_what_peers_say_is_not_logged(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    line.connect()
    line.broker.say(publish(b"sb/\x1b[31mred", b"\x1b[31mred"))
    line.until(Message)
    assert "red" not in caplog.text


def test_wake_wakes_at_once(line: Line) -> None:
    line.connect()
    line.wake()
    assert line.wait(60) == []


def test_wake_wakes_without_a_connection(line: Line) -> None:
    line.broker.close()
    line.wait(0)
    line.wake()
    assert line.wait(60) == []


@pytest.mark.parametrize("url", ["mqtt://127.0.0.1:99999", "mqtt://127.0.0.1:x", "mqtt://[::1"])
def test_address_that_cannot_be_is_said_when_it_is_read(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        MqttTransport(url, BELL.id, SECRET, FILTER, HandClock().now_us, lambda: 0.0)


@pytest.mark.parametrize("url", ["mqtt://no.such.host.invalid:1", "mqtt://a..b:1", "mqtt://" + "a" * 250 + ":1"])
def test_host_that_does_not_exist_is_called_again_later(url: str, caplog: pytest.LogCaptureFixture) -> None:
    clock = HandClock()
    transport = MqttTransport(url, BELL.id, SECRET, FILTER, clock.now_us, lambda: 0.0)
    wake, waker = os.pipe()
    for _ in range(3):
        assert transport.wait(0, wake) == []
        clock.pass_us(MAX_BACKOFF_US)
    assert caplog.text.count("cannot reach the relay") == 3
    assert transport.why in ("name-unknown", "unreachable")
    os.close(wake)
    os.close(waker)
