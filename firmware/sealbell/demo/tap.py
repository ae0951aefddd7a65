"""A wiretap: a client that is let in as the relay itself, hears everything, and keeps every byte it is given."""

import random
import threading
from pathlib import Path
from typing import BinaryIO

from sealbell.clock import SystemClock
from sealbell.seams import Connected, Message
from sealbell.uplink.mqtt import MqttTransport
from sealbell.uplink.outbox import OutboxReader

RELAY = "sealbell-relay"  # who may hear everybody
EVERYTHING = "sb/1/#"
CONNECT_S = 20.0
LOOK_S = 0.2


class Tap:
    """Listens from a thread of its own until stopped; topics and payloads go into one file."""

    def __init__(self, url: str, password: str, into: Path, wake: OutboxReader) -> None:
        """`password` is the relay's own; `wake` lends the descriptor that the transport waits on; nobody rings it."""
        jitter = random.SystemRandom().random
        self._transport = MqttTransport(url, RELAY, password, EVERYTHING, SystemClock("0" * 32).now_us, jitter)
        self._into = into
        self._wake = wake
        self._listening = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def start(self) -> bool:
        """Begin; returns whether the broker let us in."""
        self._thread.start()
        return self._listening.wait(CONNECT_S)

    def stop(self) -> None:
        """End, with everything written."""
        self._stopped.set()
        self._thread.join()

    def _listen(self) -> None:
        with self._into.open("wb") as file:
            while not self._stopped.is_set():
                self._take(file)

    def _take(self, file: BinaryIO) -> None:
        for arrival in self._transport.wait(LOOK_S, self._wake.open_bell()):
            if isinstance(arrival, Connected):
                self._listening.set()
            elif isinstance(arrival, Message):
                file.write(arrival.topic.encode() + b"\n" + arrival.payload + b"\n")
