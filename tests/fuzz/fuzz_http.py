"""Fuzz targets for a relay's listeners: raw bytes to its HTTP server, topics and messages to its MQTT reception."""

import asyncio
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from http_front import Served, request, served, status
from parts_factory import Doorbell, topic_of
from sealbell_relay.errors import RequestError
from sealbell_relay.follow.hub import Hub
from sealbell_relay.follow.noticed import parse_noticed
from sealbell_relay.http import bodies, keep, requests
from sealbell_relay.http.addresses import network_of
from sealbell_relay.http.buckets import Rate
from sealbell_relay.http.gate import Patience
from sealbell_relay.http.limits import Limits
from sealbell_relay.http.place import parse_place
from sealbell_relay.intake.healths import HealthIntake, HealthShelf
from sealbell_relay.intake.intake import Intake
from sealbell_relay.intake.outgoing import Outgoing
from sealbell_relay.intake.reception import Reception
from sealbell_relay.log import Log, json_line
from sealbell_relay.state import State
from sealbell_relay.store.archive import Archive
from sealbell_relay.tenants.allow import Register
from sealbell_relay.tenants.endings import ENDED
from sealbell_wire.topics import health
from store_doubles import MemoryStore

BELL = Doorbell(1)
CLIP = BELL.clip(3, size=300)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
STATUSES = {0, 100, 200, 204, 400, 401, 403, 404, 405, 408, 413, 415, 417, 429}
ANSWER_S = 0.02  # for what is no whole request to be answered with nothing


NO_LIMIT = Rate(1e9, 10**9)


@cache
def _server() -> tuple[asyncio.Runner, Served, object]:
    runner, patience = asyncio.Runner(), Patience(5.0, 5.0, 5.0)
    context = served(patience=patience, limits=lambda now: Limits(now, NO_LIMIT, NO_LIMIT))
    return runner, runner.run(context.__aenter__()), context  # it is never left: the process ends with it


def fuzz_http(data: bytes) -> None:
    """Whatever comes, the answer is one that was meant, nothing is logged as a failure, and the next one is served."""
    runner, front, _ = _server()
    said, next_said = runner.run(_ask(front, data))
    for answer in said.split(b"HTTP/1.")[1:]:
        assert status(b"HTTP/1." + answer) in STATUSES, answer
    assert b"aiohttp" not in said
    assert status(next_said) == 200
    assert "error " not in front.lines.getvalue()
    front.lines.truncate(0)


async def _ask(front: Served, data: bytes) -> tuple[bytes, bytes]:
    reader, writer = await front.open()
    said = b""
    with suppress(ConnectionError, TimeoutError):
        writer.write(data)
        async with asyncio.timeout(ANSWER_S):
            while more := await reader.read(65_536):
                said += more
    writer.close()
    return said, await front.ask(request())


def fuzz_reception(data: bytes) -> None:
    """A line of topic, then the message: nothing is stored but what was signed, and nothing fails."""
    topic, _, payload = data.partition(b"\n")
    lines, store, state = io.StringIO(), MemoryStore(), State()
    register, shelf = Register(store), HealthShelf(store)
    register.allow(BELL.card)
    archive = Archive(store, lambda _: None)

    async def within() -> None:
        with ThreadPoolExecutor(1) as threads:
            intake, healths = Intake(archive, register, KEY, lambda: 1), HealthIntake(shelf, register, lambda: 1)
            log = Log(lines, lambda: 0.0)
            reception = Reception(intake, healths, Hub(), Outgoing(), state, log, threads)
            reception.receive(topic_of(CLIP[0]), CLIP[0].encode())
            reception.receive(topic.decode("utf-8", "surrogateescape"), payload)
            await reception.lanes.drain(10.0)

    asyncio.run(within())
    assert "internal-error" not in state.refused, lines.getvalue()
    assert "error " not in lines.getvalue()
    allowed = [part.encode() for part in CLIP] + [BELL.health(1, 300).encode()]
    stored = [data for name, data in store.objects.items() if name.startswith(("clips/", "health/"))]
    assert all(any(object_.startswith(one) for one in allowed) for object_ in stored)
    assert not [name for name in store.objects if name.startswith(ENDED)]


def fuzz_request_parsers(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    for parse in (bodies.parse_joining, bodies.parse_introduction, bodies.parse_phone, keep.parse_tombstones):
        with suppress(RequestError):
            parse(data)
    for parse_text in (requests.parse_after_name, parse_place):
        with suppress(RequestError):
            parse_text(text)  # type: ignore[operator] # each takes text
    network_of(text)
    found = parse_noticed(BELL.id, text)
    assert found is None or text.startswith(found.clip)


def fuzz_json_line(data: bytes) -> None:
    line = json_line(0, "warn", "refused", {"detail": data.decode("utf-8", "surrogateescape"), "raw": data})
    assert line.isascii()
    assert line.isprintable()


TARGETS: dict[str, Callable[[bytes], None]] = {
    "http_raw": fuzz_http,
    "relay_reception": fuzz_reception,
    "relay_request_parsers": fuzz_request_parsers,
    "relay_json_line": fuzz_json_line,
}
SEEDS: dict[str, list[bytes]] = {
    "http_raw": [
        request("/hello", Authorization="Bearer " + "0f" * 32, Origin="https://app.example.org"),
        request("/hello", last=False) + request("/take", "POST", b"{}"),
        request("/take", "POST", Content_Type="application/json", Transfer_Encoding="chunked")
        + b"4;x=y\r\n{}{}\r\n0\r\nX: y\r\n\r\n",
        request("/take", "POST", b"{}", Expect="100-continue"),
        request("/hello", Upgrade="websocket", Sec_WebSocket_Key="AAAA", Connection="Upgrade"),
        request("/hello", "OPTIONS", Origin="https://app.example.org", Access_Control_Request_Method="GET"),
    ],
    "relay_reception": [
        topic_of(CLIP[1]).encode() + b"\n" + CLIP[1].encode(),
        health(BELL.id).encode() + b"\n" + BELL.health(1, 300).encode(),
    ],
    "relay_request_parsers": [
        b'{"invite": "a", "card": {}, "signature": "' + b"0f" * 64 + b'"}',
        b'{"token_hash": "' + b"0f" * 32 + b'"}',
        b"after=clip-" + b"0f" * 16 + b"-" + b"0f" * 16,
        b"01a0c4513f00-5f1c20aa",
        b"0f" * 16 + b"-000001-01a0c4513f00",
        b"2001:db8::1%eth0",
    ],
}
