"""A front with a few routes, on a port of this process: what the guards do, without a relay behind them."""

import asyncio
import io
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from sealbell_relay.errors import RequestError, StoreError
from sealbell_relay.http.answers import answer
from sealbell_relay.http.front import Front, FrontSettings
from sealbell_relay.http.gate import Patience, Room
from sealbell_relay.http.limits import Limits
from sealbell_relay.log import Log

CLOSED, WIDE, PATIENT = FrontSettings(), Room(1_000, 1_000), Patience()


@dataclass
class Served:
    front: Front
    port: int
    lines: io.StringIO
    turned_away: Counter[str]

    async def open(self, source: str = "127.0.0.1") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port, local_addr=(source, 0))

    async def ask(self, raw: bytes) -> bytes:
        """Everything that is answered to these bytes, until the server ends the connection."""
        reader, writer = await self.open()
        try:
            writer.write(raw)
            return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()


async def _hello(_: web.Request) -> web.Response:
    return answer({"hello": "you"})


async def _take(request: web.Request) -> web.Response:
    return answer({"bytes": len(await request.read())})


async def _fail(request: web.Request) -> web.Response:
    raise {
        "store": StoreError("the store cannot read: gone"),
        "bug": KeyError("a secret"),
        "no": RequestError(404, "not found"),
    }[request.match_info["how"]]


async def _stall(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await asyncio.Event().wait()
    return response


ROUTES = (
    web.get("/hello", _hello, allow_head=False),
    web.post("/take", _take),
    web.get("/fail/{how}", _fail, allow_head=False),
    web.get("/stall", _stall, allow_head=False),
)


@asynccontextmanager
async def served(
    settings: FrontSettings = CLOSED,
    *,
    room: Room = WIDE,
    patience: Patience = PATIENT,
    tls: ssl.SSLContext | None = None,
    limits: Callable[[Callable[[], float]], Limits] = Limits,
) -> AsyncIterator[Served]:
    lines, turned_away, loop = io.StringIO(), Counter[str](), asyncio.get_running_loop()
    log = Log(lines, loop.time)
    front = Front(settings, turned_away, log, loop.time, room, patience, limits(loop.time))
    server = front.owners(ROUTES)
    port = await server.listen("127.0.0.1", 0, tls)
    try:
        yield Served(front, port, lines, turned_away)
    finally:
        await server.close()


def request(
    path: str = "/hello", method: str = "GET", body: bytes = b"", *, last: bool = True, **headers: str
) -> bytes:
    """A request as it is on the wire, the `last` of its connection or not; names of headers with _ for -."""
    if last:
        headers = {"Connection": "close", **headers}
    if body and "Content_Length" not in headers:
        headers = {"Content_Type": "application/json", **headers, "Content_Length": str(len(body))}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"{method} {path} HTTP/1.1\r\nHost: relay\r\n{lines}\r\n".encode() + body


def status(raw: bytes) -> int:
    """The status of the first answer in what a server sent; 0 if it sent none."""
    return int(raw.split(b" ", 2)[1]) if raw.startswith(b"HTTP/1.") else 0


def header(raw: bytes, name: str) -> str | None:
    """A header of the first answer."""
    for line in raw.split(b"\r\n\r\n", 1)[0].split(b"\r\n")[1:]:
        key, _, value = line.decode("latin-1").partition(": ")
        if key.lower() == name.lower():
            return value
    return None


def can_bind(source: str) -> bool:
    """Whether this machine has that loopback address."""
    with socket.socket() as probe:
        try:
            probe.bind((source, 0))
        except OSError:
            return False
        return True
