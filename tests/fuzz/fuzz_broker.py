"""Fuzz target for the embedded broker: raw bytes to its MQTT port, with the list of users that a relay writes.

The parser is nats-server's own. What is promised is that nobody outside the list gets through, that the broker outlives
whatever comes, and that a doorbell which is connected meanwhile is neither cut nor told anything.
"""

import atexit
import os
import socket
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

from brokers import Nats
from guarded import Client, account_of
from sealbell_relay.broker.accounts import RELAY, relay_account
from sealbell_relay.broker.credentials import hashes
from sealbell_testing.waiting import until
from sealbell_wire import topics

BELL, SECRET = "0a" * 16, "a1" * 32
RELAYS = "c1" * 32
ANSWER_S = 0.02  # for what is no whole packet to be answered with nothing


class _Site:
    def __init__(self) -> None:
        folder = tempfile.TemporaryDirectory()  # as long as the process
        self.broker = Nats(Path(folder.name), guarded=True)
        for path, data in self.broker.files([relay_account(*hashes(RELAYS.encode())), account_of(BELL, SECRET)]):
            path.write_bytes(data)
        self.broker.start()
        atexit.register(folder.cleanup)
        atexit.register(self.broker.kill)
        until(self._listens, "the broker listens")
        self.relay = Client(self.broker.port, RELAY, RELAYS)
        self.bell = Client(self.broker.port, BELL, SECRET)
        assert self.relay.subscribe("sb/1/#", qos=0)
        assert self.bell.subscribe(topics.down_filter(BELL))

    def _listens(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.broker.port), 1):
            return True
        return False


@cache
def _site() -> _Site:
    return _Site()


def fuzz_broker(data: bytes) -> None:
    """Bytes of somebody who knows no credential: nothing of them arrives, and who was connected goes on."""
    site = _site()
    with socket.create_connection(("127.0.0.1", site.broker.port), 5) as attacker, suppress(OSError):
        attacker.settimeout(ANSWER_S)
        attacker.sendall(data)
        answer = attacker.recv(4_096)
        assert answer[:4] != b"\x20\x02\x00\x00", "it was let in"
    mark = os.urandom(8)
    site.bell.publish(topics.health(BELL), mark)
    site.relay.hears(topics.health(BELL), mark)
    assert not site.bell.cut
    assert not site.relay.cut
    assert {topic for topic, _ in site.relay.heard} == {topics.health(BELL)}
    assert len(site.relay.heard) == 1
    assert site.bell.heard == []
    site.relay.heard.clear()


def _packet(kind: int, body: bytes) -> bytes:
    length, left = b"", len(body)
    while True:
        left, low = divmod(left, 128)
        length += bytes([low | (128 if left else 0)])
        if not left:
            return bytes([kind]) + length + body


def _text(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def _connect(flags: int, *fields: bytes) -> bytes:
    return _packet(0x10, _text(b"MQTT") + b"\x04" + bytes([flags]) + b"\x00\x3c" + b"".join(map(_text, fields)))


_TOPIC = topics.receipt(BELL, "cc" * 16).encode()
_PUBLISH = _packet(0x32, _text(_TOPIC) + b"\x00\x01" + b"evil")
_SUBSCRIBE = _packet(0x82, b"\x00\x02" + _text(b"#") + b"\x01")

TARGETS: dict[str, Callable[[bytes], None]] = {"broker_raw": fuzz_broker}
SEEDS: dict[str, list[bytes]] = {
    "broker_raw": [
        _connect(0xC2, b"client", BELL.encode(), b"no credential") + _PUBLISH,
        _connect(0x02, b"client") + _PUBLISH + _SUBSCRIBE,
        _connect(0xEE, b"client", _TOPIC, b"evil will", BELL.encode(), b"") + _SUBSCRIBE,
        _connect(0x00, b"") + _packet(0xC0, b""),
        _PUBLISH + _SUBSCRIBE + _packet(0xA2, b"\x00\x03" + _text(b"#")),
    ]
}
