"""Thousands of doorbells' connections in one process: MQTT 3.1.1 by hand, since a library's client costs too much each.

Only what a doorbell says and hears: CONNECT, SUBSCRIBE, PUBLISH of QoS 0, PINGREQ, and what answers them.
"""

import asyncio
import socket
import struct
from collections.abc import Callable

CONNECT, PUBLISH, SUBSCRIBE, PINGREQ = 0x10, 0x30, 0x82, 0xC0
KEEP_ALIVE_S = 60


class Line(asyncio.Protocol):
    """One connection; `heard` is called with each message's topic and payload."""

    def __init__(self, heard: Callable[[str, bytes], None]) -> None:
        self._heard = heard
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self.lost = asyncio.get_running_loop().create_future()
        self._answers: asyncio.Queue[int] = asyncio.Queue()

    @classmethod
    async def open(
        cls, port: int, user: str, password: str, listen: str, heard: Callable[[str, bytes], None]
    ) -> "Line":
        """Connect and subscribe; ConnectionError if the broker refuses either."""
        _, line = await asyncio.get_running_loop().create_connection(lambda: cls(heard), "127.0.0.1", port)
        body = _text("MQTT") + b"\x04\xc2" + struct.pack(">H", KEEP_ALIVE_S) + _text(f"bench-{user}")
        line._send(CONNECT, body + _text(user) + _text(password))
        await line._answered(0)
        line._send(SUBSCRIBE, struct.pack(">H", 1) + _text(listen) + b"\x00")
        await line._answered(0)
        return line

    def publish(self, topic: str, payload: bytes) -> None:
        """Send one message of QoS 0, as a doorbell does."""
        head = _text(topic)
        assert self._transport is not None
        self._transport.write(bytes([PUBLISH]) + _length(len(head) + len(payload)) + head)
        self._transport.write(payload)

    def ping(self) -> None:
        """Show that it lives."""
        self._send(PINGREQ, b"")

    def close(self) -> None:
        """Leave without a word."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.lost.done():
            self.lost.set_result(exc)
        self._answers.put_nowait(-1)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while packet := self._packet():
            kind, body = packet
            match kind & 0xF0:
                case 0x30:
                    length = struct.unpack_from(">H", body)[0]
                    topic, rest = body[2 : 2 + length].decode(), body[2 + length :]
                    self._heard(topic, rest)
                case 0x20:
                    self._answers.put_nowait(body[1])
                case 0x90:
                    self._answers.put_nowait(body[2])

    def _packet(self) -> tuple[int, bytes] | None:
        value = 0
        for at in range(1, min(len(self._buffer), 5)):
            value |= (self._buffer[at] & 0x7F) << 7 * (at - 1)
            if not self._buffer[at] & 0x80:
                end = at + 1 + value
                if len(self._buffer) < end:
                    return None
                kind, body = self._buffer[0], bytes(self._buffer[at + 1 : end])
                del self._buffer[:end]
                return kind, body
        return None

    def _send(self, kind: int, body: bytes) -> None:
        assert self._transport is not None
        self._transport.write(bytes([kind]) + _length(len(body)) + body)

    async def _answered(self, wanted: int) -> None:
        if (answer := await self._answers.get()) != wanted:
            raise ConnectionError(f"the broker refused with {answer}")


def _text(value: str) -> bytes:
    data = value.encode()
    return struct.pack(">H", len(data)) + data


def _length(value: int) -> bytes:
    data = bytearray()
    while True:
        value, digit = divmod(value, 128)
        data.append(digit | (0x80 if value else 0))
        if not value:
            return bytes(data)
