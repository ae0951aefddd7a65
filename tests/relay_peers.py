"""A doorbell's and an owner's side of a real relay: MQTT and HTTP as they are on the wire."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp
import aiomqtt

from parts_factory import Doorbell, topic_of
from sealbell_testing.relay import Relay, credential_of
from sealbell_testing.waiting import DEADLINE_S
from sealbell_wire import topics
from sealbell_wire.part import Part
from sealbell_wire.receipt import Receipt, read_receipts

NO_DELAY = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)


class Line:
    """A doorbell's connection: it publishes parts and hears receipts."""

    def __init__(self, client: aiomqtt.Client, relay: Relay, bell: Doorbell) -> None:
        self._client = client
        self._relay_key = bytes.fromhex(relay.card.receipt_key)
        self._bell = bell
        self._heard: list[Receipt] = []

    async def publish(self, topic: str, payload: bytes) -> None:
        await self._client.publish(topic, payload, qos=0)

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
    address, who = urlsplit(relay.card.mqtt), {"username": bell.id, "password": credential_of(bell.id)}
    async with aiomqtt.Client(address.hostname or "", address.port or 0, socket_options=NO_DELAY, **who) as client:
        client.pending_calls_threshold = 1_000  # below it aiomqtt says nothing of how many are under way
        await client.subscribe(topics.down_filter(bell.id), qos=0)
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
    """What the relay says of itself where only this machine may ask."""
    admin = (relay.root / "admin").read_text(encoding="ascii").strip()
    async with aiohttp.ClientSession(admin) as session, session.get("/status") as answer:
        return json.loads(await answer.text())  # type: ignore[no-any-return]
