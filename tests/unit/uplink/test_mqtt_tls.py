"""The doorbell's transport over TLS, whose records are read whole: nothing that came may lie there unseen."""

import os
import socket
import threading
from base64 import b64encode
from pathlib import Path

import pytest

from certificates import TestCa, server_context
from crafted import Bell
from sealbell.seams import Connected, Message
from sealbell.uplink.mqtt import MqttTransport
from sealbell.uplink.tls import Trust
from sealbell_testing.clock import HandClock
from sealbell_wire import topics

BELL = Bell()
TOPIC = topics.receipt(BELL.id, "ab" * 16).encode()
MESSAGES = 40
CONNACK = b"\x20\x02\x00\x00"
DEADLINE_S = 20.0


def publish(payload: bytes) -> bytes:
    """QoS 0, below 128 bytes beside the topic."""
    body = len(TOPIC).to_bytes(2) + TOPIC + payload
    length = bytes([len(body) & 0x7F | 0x80, len(body) >> 7]) if len(body) > 0x7F else bytes([len(body)])
    return b"\x30" + length + body


def test_messages_that_came_in_one_record_are_all_taken_at_once(tmp_path: Path) -> None:
    ca = TestCa()
    context = server_context(*ca.sign(), tmp_path)
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def broker() -> None:
        line, _ = listener.accept()
        line.settimeout(DEADLINE_S)
        with line, context.wrap_socket(line, server_side=True) as sealed:
            sealed.recv(4_096)
            sealed.sendall(CONNACK)
            packet = sealed.recv(4_096)
            suback = b"\x90\x03" + packet[2:4] + packet[-1:]
            sealed.sendall(suback + b"".join(publish(b"%d" % number) for number in range(MESSAGES)))
            done.wait(DEADLINE_S)  # and not a byte more

    thread = threading.Thread(target=broker, daemon=True)
    thread.start()
    trust = Trust(b64encode(ca.der).decode(), lambda: True)
    url = f"mqtts://127.0.0.1:{listener.getsockname()[1]}"
    down = topics.down_filter(BELL.id)
    transport = MqttTransport(url, BELL.id, "5e" * 32, down, HandClock().now_us, lambda: 0.0, trust)
    wake, waker = os.pipe()
    try:
        arrivals = []
        for _ in range(3 * MESSAGES):
            arrivals += transport.wait(0.1, wake)
            if len(arrivals) > MESSAGES:
                break
        assert isinstance(arrivals[0], Connected)
        taken = [arrival.payload for arrival in arrivals if isinstance(arrival, Message)]
        assert taken == [b"%d" % number for number in range(MESSAGES)]
    finally:
        done.set()
        transport.close()
        thread.join()
        listener.close()
        os.close(wake)
        os.close(waker)


def test_a_ca_that_is_none_is_refused() -> None:
    for ca in ("AAAA", b64encode(b"\x30\x82rubbish").decode()):
        with pytest.raises(ValueError, match="cannot be read"):
            Trust(ca, lambda: True)
