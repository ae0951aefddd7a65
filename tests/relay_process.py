"""A real relay as a process of its own, and a doorbell's side of MQTT to talk to it."""

import asyncio
import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import aiohttp
import aiomqtt

from parts_factory import Doorbell, topic_of
from sealbell_relay.allow import Register
from sealbell_relay.store import DirectoryStore
from sealbell_wire import topics
from sealbell_wire.enrolment import DoorbellCard, OwnerCard, RelayCard, parse_card
from sealbell_wire.part import Part
from sealbell_wire.receipt import Receipt, read_receipts

DEADLINE_S = 20.0
COMMAND = (str(Path(sys.executable).with_name("sealbell-relay")),)
NO_DELAY = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)


class Relay:
    """`sealbell-relay serve` on a folder. `lines` is what it logged so far."""

    def __init__(self, root: Path, *arguments: str, command: tuple[str, ...] = COMMAND) -> None:
        self.root = root
        self.lines: list[str] = []
        self._news = threading.Condition()
        self.process = subprocess.Popen(
            [*command, "serve", str(root), "--json", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def ready(self) -> Self:
        """Wait until it serves."""
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], DEADLINE_S)[0]:
            raise TimeoutError(f"the relay is not ready: {self.lines}")
        line = self.process.stdout.readline()
        assert line, f"the relay ended: {self.process.wait(DEADLINE_S)} {self.lines}"
        card = parse_card(line.encode())
        assert isinstance(card, RelayCard)
        self.card = card
        return self

    @property
    def mqtt_port(self) -> int:
        return urlsplit(self.card.mqtt).port or 0

    def allow(self, *cards: DoorbellCard | OwnerCard) -> Self:
        """Enrol, the way `sealbell-relay allow` does."""
        for card in cards:
            Register(DirectoryStore(self.root / "store")).allow(card)
        return self

    def wait_for(self, what: str, times: int = 1) -> str:
        """Wait until it has logged `what` so many times; return the last such line."""
        with self._news:
            found = self._news.wait_for(lambda: len(self._with(what)) >= times, DEADLINE_S)
            assert found, f"{what!r} was not logged: {self.lines}"
            return self._with(what)[times - 1]

    def stop(self) -> int:
        """SIGTERM, and wait for its end."""
        self.process.terminate()
        return self._end()

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self._end()

    def _end(self) -> int:
        code = self.process.wait(DEADLINE_S)
        self._reader.join(DEADLINE_S)
        return code

    def _with(self, what: str) -> list[str]:
        return [line for line in self.lines if what in line]

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()


@contextmanager
def serving(root: Path, *arguments: str, command: tuple[str, ...] = COMMAND) -> Iterator[Relay]:
    """A relay that serves; it has to stop by itself and in order at the end, unless the test ended it."""
    relay = Relay(root, *arguments, command=command)
    try:
        yield relay.ready()
        if relay.process.poll() is None:
            assert relay.stop() == 0, relay.lines
    finally:
        if relay.process.poll() is None:
            relay.kill()


class Line:
    """A doorbell's connection: it publishes parts and hears receipts."""

    def __init__(self, client: aiomqtt.Client, relay: Relay, bell: Doorbell) -> None:
        self._client = client
        self._relay_key = bytes.fromhex(relay.card.receipt_key)
        self._bell = bell
        self._heard: list[Receipt] = []

    async def publish(self, topic: str, payload: bytes) -> None:
        await self._client.publish(topic, payload, qos=1)

    async def send(self, *parts: Part) -> None:
        for part in parts:
            await self.publish(topic_of(part), part.encode())

    async def message(self) -> list[Receipt]:
        """The next message on this doorbell's receipts, verified."""
        async with asyncio.timeout(DEADLINE_S):
            message = await anext(aiter(self._client.messages))
        clip = topics.parse_receipt_topic(message.topic.value, self._bell.id)
        receipts = read_receipts(message.payload, self._relay_key)  # type: ignore[arg-type] # always bytes
        assert {(receipt.doorbell, receipt.clip) for receipt in receipts} <= {(self._bell.id, clip)}
        return receipts

    async def receipt(self) -> Receipt:
        """The next single receipt, however many a message joined."""
        while not self._heard:
            self._heard = await self.message()
        return self._heard.pop(0)

    async def deliver(self, part: Part, message: bytes | None = None, topic: str | None = None) -> Receipt:
        """Publish a part and return what the relay says of it."""
        await self.publish(topic or topic_of(part), part.encode() if message is None else message)
        return await self.receipt()

    async def have(self, clip: str) -> list[Receipt]:
        await self.publish(topics.have(self._bell.id, clip), b"")
        return await self.message()


@asynccontextmanager
async def doorbell_line(relay: Relay, bell: Doorbell) -> AsyncIterator[Line]:
    """Connect as `bell` to the relay's broker."""
    address = urlsplit(relay.card.mqtt)
    async with aiomqtt.Client(address.hostname or "", address.port or 0, socket_options=NO_DELAY) as client:
        client.pending_calls_threshold = 1_000  # below it aiomqtt says nothing of how many are under way
        await client.subscribe(topics.down_filter(bell.id), qos=1)
        yield Line(client, relay, bell)


@asynccontextmanager
async def owner_session(relay: Relay, headers: dict[str, str]) -> AsyncIterator[aiohttp.ClientSession]:
    """Speak HTTP to the relay with these headers."""
    timeout = aiohttp.ClientTimeout(total=DEADLINE_S)
    async with aiohttp.ClientSession(relay.card.http, headers=headers, timeout=timeout) as session:
        yield session


async def read_object(content: aiohttp.StreamReader) -> bytes:
    """The next stored object of a stream, past signs of life."""
    while True:
        length = int.from_bytes(await content.readexactly(4))
        if length:
            return await content.readexactly(length)


async def read_objects(content: aiohttp.StreamReader) -> list[bytes]:
    """Every stored object of a stream, which has to end behind one of them."""
    data, found = await content.read(), list[bytes]()
    while data:
        end = 4 + int.from_bytes(data[:4])
        assert len(data) >= end >= 4
        found += [data[4:end]] if end > 4 else []
        data = data[end:]
    return found


async def health(relay: Relay) -> dict[str, object]:
    async with owner_session(relay, {}) as session, session.get("/healthz") as answer:
        return json.loads(await answer.text())  # type: ignore[no-any-return]


def until(true: Callable[[], bool], what: str) -> None:
    """Wait until something outside this process is so."""
    deadline = time.monotonic() + DEADLINE_S
    pause = threading.Event()
    while not true():
        assert time.monotonic() < deadline, f"still not so: {what}"
        pause.wait(0.01)
