"""Clients who mean harm, at a real relay: owners are still answered, parts receipted, and nothing is left behind."""

import asyncio
import contextlib
import json
import math
import os
import random
import resource
import selectors
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from http_front import can_bind, request, status
from parts_factory import Doorbell, Owner
from relay_peers import doorbell_line, owner_session
from sealbell_testing.relay import Relay, serving
from sealbell_testing.waiting import DEADLINE_S, until

OWNER = Owner(1)
BELL = Doorbell(1, OWNER)
SILENT = 10_000
SOURCES = [f"127.0.0.{number}" for number in range(20, 60)]
OWN_DESCRIPTORS = 500
MAX_GROWTH_BYTES = 150_000_000
GIGABYTE = 1_000_000_000

pytestmark = pytest.mark.skipif(not can_bind(SOURCES[0]), reason="this machine has one loopback address")


class Siege:
    """A relay, how it does, and attackers' sockets."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.address = ("127.0.0.1", int(relay.card.http.rpartition(":")[2]))
        self.before_bytes = self.memory_bytes()
        self.before_descriptors = self.descriptors()
        self.sockets: list[socket.socket] = []
        self.clips = iter(range(1, 1_000))
        self.slowest_s = 0.0

    def connect(self, source: str = SOURCES[0]) -> socket.socket:
        attacker = socket.socket()
        attacker.bind((source, 0))
        attacker.settimeout(DEADLINE_S)
        attacker.connect(self.address)
        self.sockets.append(attacker)
        return attacker

    def close(self) -> None:
        for attacker in self.sockets:
            attacker.close()
        self.sockets.clear()

    def memory_bytes(self) -> int:
        status = Path(f"/proc/{self.relay.process.pid}/status").read_text()
        return 1024 * int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.relay.process.pid}/fd"))  # noqa: PTH208 - of another process, only counted

    def admin(self, path: str) -> bytes:
        url = (self.relay.root / "admin").read_text().strip()
        with urllib.request.urlopen(url + path, timeout=DEADLINE_S) as answer:
            return answer.read()  # type: ignore[no-any-return]

    def turned_away(self, reason: str) -> int:
        return int(json.loads(self.admin("/status"))["turned_away"].get(reason, 0))

    def serves(self) -> None:
        """An owner's request is answered, and a new part is stored and receipted, in good time."""
        asyncio.run(self._serves(next(self.clips)))

    async def _serves(self, number: int) -> None:
        async with asyncio.timeout(DEADLINE_S):
            began = time.monotonic()
            session = owner_session(self.relay, OWNER.authorization)
            async with session as asking, asking.get("/v1/doorbells") as answer:
                assert answer.status == 200
            async with doorbell_line(self.relay, BELL) as line:
                assert (await line.deliver(BELL.clip(2, number=number)[0])).verdict == "stored"
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)

    def is_free_again(self) -> None:
        """Everything that the attackers took is given back."""
        self.close()
        until(lambda: self.descriptors() <= self.before_descriptors + 5, "its descriptors are free again")
        assert self.memory_bytes() < self.before_bytes + MAX_GROWTH_BYTES
        self.serves()


@pytest.fixture
def siege(tmp_path: Path) -> Iterator[Siege]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with serving(tmp_path / "relay") as relay:
        relay.allow(OWNER.card, BELL.card)
        siege = Siege(relay)
        siege.serves()
        try:
            yield siege
        finally:
            siege.close()
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def pour(attacker: socket.socket, data: bytes, total_bytes: float = math.inf) -> int:
    """Send `data` again and again until it is enough or the other side has had enough; return how much went."""
    sent = 0
    with contextlib.suppress(OSError):
        while sent < total_bytes:
            sent += attacker.send(data)
    return sent


def said(attacker: socket.socket) -> bytes:
    """Everything that is answered until the connection ends."""
    data = b""
    with contextlib.suppress(ConnectionError):
        while more := attacker.recv(65_536):
            data += more
    return data


def over(sockets: list[socket.socket], each: Callable[[socket.socket], None] = lambda _: None) -> bool:
    """Whether the relay has ended all of these; `each` is done to those that it has not."""
    with selectors.DefaultSelector() as selector:
        for attacker in sockets:
            selector.register(attacker, selectors.EVENT_READ)
        ended = set()
        for key, _ in selector.select(0):
            attacker = sockets[[one.fileno() for one in sockets].index(key.fd)]
            try:
                if not attacker.recv(65_536):
                    ended.add(attacker)
            except OSError:
                ended.add(attacker)
    for attacker in sockets:
        if attacker not in ended:
            with contextlib.suppress(OSError):
                each(attacker)
    sockets[:] = [attacker for attacker in sockets if attacker not in ended]
    return not sockets


def test_ten_thousand_connections_that_say_nothing_keep_nobody_out(siege: Siege) -> None:
    count = min(SILENT, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - OWN_DESCRIPTORS)
    for number in range(count):
        siege.connect(SOURCES[number % len(SOURCES)])
        if number % 2_000 == 1_999:
            siege.serves()
    siege.serves()
    print(
        f"{count} silent connections: {siege.descriptors()} descriptors, "
        f"{(siege.memory_bytes() - siege.before_bytes) / 1e6:.1f} MB more, "
        f"slowest answer and receipt together {siege.slowest_s:.2f} s"
    )
    assert siege.memory_bytes() < siege.before_bytes + MAX_GROWTH_BYTES
    silent = list(siege.sockets)
    until(lambda: over(silent), "every silent connection was ended by the relay", 2 * DEADLINE_S)
    assert siege.turned_away("slow") > 0
    assert siege.turned_away("slow") + siege.turned_away("made-room") >= count - 100
    siege.relay.wait_for("warn turned-away-slow")
    assert sum("turned-away" in line for line in siege.relay.lines) < 200
    siege.is_free_again()


def test_headers_and_bodies_that_drip_are_not_waited_for(siege: Siege) -> None:
    for number in range(300):
        siege.connect(SOURCES[number % 10]).sendall(b"GET /v1/doorbells HTTP/1.1\r\nHost: relay\r\nX")
    bodies = [siege.connect(source) for source in SOURCES[10:20] for _ in range(5)]
    for attacker in bodies:
        attacker.sendall(request("/v1/owners", "POST", Content_Type="application/json", Content_Length="4000"))
    siege.serves()
    dripping = list(siege.sockets)
    until(lambda: over(dripping, lambda one: one.send(b"x") and None), "none is waited for", 2 * DEADLINE_S)  # type: ignore[func-returns-value]
    siege.serves()
    assert siege.turned_away("slow") >= 300
    assert siege.turned_away("slow-body") == len(bodies)
    siege.is_free_again()


def test_a_gigabyte_in_a_header_is_refused_at_its_beginning(siege: Siege) -> None:
    for begin in (b"GET /v1/doorbells HTTP/1.1\r\nX: ", b"GET /", b"GET / HTTP/1.1\r\n", b""):
        attacker = siege.connect()
        attacker.sendall(begin)
        sent = pour(attacker, b"a" * 65_536, GIGABYTE)
        assert sent < 50_000_000, "it took what it should have refused"
        assert status(said(attacker)) in (0, 400)
    lines = siege.connect()
    lines.sendall(b"GET / HTTP/1.1\r\n")
    assert pour(lines, b"X: y\r\n" * 10_000, GIGABYTE) < 50_000_000
    assert siege.turned_away("malformed") == 5
    siege.is_free_again()


def test_a_gigabyte_in_a_body_is_refused_at_its_beginning(siege: Siege) -> None:
    announced = request("/v1/owners", "POST", Content_Type="application/json", Content_Length=str(GIGABYTE))
    attacker = siege.connect()
    attacker.sendall(announced)
    assert status(attacker.recv(65_536)) == 413
    chunked = request("/v1/owners", "POST", Content_Type="application/json", Transfer_Encoding="chunked")
    for begin, data in (
        (announced, b"a" * 65_536),
        (chunked, b"10000\r\n" + b"a" * 65_536 + b"\r\n"),
        (chunked, b"1;" + b"x" * 60_000),
        (request("/v1/doorbells", Content_Length=str(GIGABYTE)), b"a" * 65_536),
    ):
        attacker = siege.connect()
        attacker.sendall(begin)
        with ThreadPoolExecutor(1) as threads:
            pouring = threads.submit(pour, attacker, data)
            siege.serves()
            pouring.result(DEADLINE_S)  # it ends, since the relay ends it
        assert siege.memory_bytes() < siege.before_bytes + MAX_GROWTH_BYTES
    siege.is_free_again()


def test_clients_that_never_read_a_stream_take_little_and_hold_up_nobody(siege: Siege) -> None:
    token = OWNER.authorization["Authorization"]
    streams = [siege.connect(source) for source in SOURCES[:30]]
    for attacker in streams:
        attacker.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        attacker.sendall(request(f"/v1/doorbells/{BELL.id}/follow", Authorization=token))
        assert status(attacker.recv(1_024)) == 200

    async def stream() -> None:
        async with doorbell_line(siege.relay, BELL) as line:
            for part in BELL.clip(30, number=1_000, size=900_000):
                assert (await line.deliver(part)).verdict == "stored"

    asyncio.run(stream())
    siege.serves()
    print(f"{len(streams)} that never read: {(siege.memory_bytes() - siege.before_bytes) / 1e6:.1f} MB more")
    assert siege.memory_bytes() < siege.before_bytes + MAX_GROWTH_BYTES
    siege.is_free_again()


def test_rubbish_by_the_thousand_ends_nothing_and_fills_no_log(siege: Siege) -> None:
    draw = random.Random(1)
    valid = request("/v1/doorbells", Authorization=OWNER.authorization["Authorization"])
    for number in range(3_000):
        attacker = siege.connect(SOURCES[number % 40])
        rubbish = bytearray(valid if number % 2 else draw.randbytes(200))
        for _ in range(draw.randrange(1, 6)):
            rubbish[draw.randrange(len(rubbish))] = draw.randrange(256)
        with contextlib.suppress(OSError):
            attacker.sendall(bytes(rubbish))
            attacker.shutdown(socket.SHUT_WR)
        if number % 500 == 499:
            siege.serves()
            siege.close()
    assert siege.turned_away("malformed") > 500
    assert sum("turned-away" in line for line in siege.relay.lines) <= 200
    assert all(line.isascii() and line.isprintable() for line in siege.relay.lines)
    assert not any("Traceback" in line or "error " in line[:6] for line in siege.relay.lines)
    siege.is_free_again()


def test_a_row_of_requests_that_nobody_reads_the_answers_of_is_not_answered_for_ever(siege: Siege) -> None:
    attacker = siege.connect()
    attacker.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    attacker.settimeout(1.0)
    one = request("/healthz", last=False)
    with contextlib.suppress(TimeoutError):
        pour(attacker, one * 100, 100_000_000)
    siege.serves()
    assert siege.memory_bytes() < siege.before_bytes + MAX_GROWTH_BYTES
    siege.is_free_again()
