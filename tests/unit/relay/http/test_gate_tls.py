"""The gate with TLS in front: the handshake counts as waiting, and what fails in it leaves nothing behind."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

from certificates import TestCa, server_context
from http_front import PATIENT, Served, header, request, served, status
from sealbell_relay.http.front import FrontSettings
from sealbell_relay.http.gate import Patience, Room


def run(tmp_path: Path, scenario: Callable[[Served, ssl.SSLContext], Awaitable[None]], patience: Patience) -> None:
    ca = TestCa()
    client = ssl.create_default_context(cadata=ca.pem.decode("ascii"))

    async def within() -> None:
        tls = server_context(*ca.sign(), tmp_path)
        front = served(FrontSettings(), room=Room(5, 5), patience=patience, tls=tls)
        async with asyncio.timeout(20), front as server:
            await scenario(server, client)

    asyncio.run(within())


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.005)


async def ended(reader: asyncio.StreamReader) -> None:
    while True:
        try:
            if not await reader.read(65_536):
                return
        except ConnectionError:
            return


async def ask(front: Served, client: ssl.SSLContext, raw: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", front.port, ssl=client)
    writer.write(raw)
    said = await reader.read()
    writer.close()
    return said


def test_over_tls_answers_say_to_stay_with_it(tmp_path: Path) -> None:
    async def scenario(front: Served, client: ssl.SSLContext) -> None:
        for raw, expected in ((request(), 200), (request("/nowhere"), 404), (b"rubbish\r\n\r\n", 400)):
            said = await ask(front, client, raw)
            assert status(said) == expected
            assert expected == 400 or header(said, "Strict-Transport-Security") == "max-age=31536000"
            assert header(said, "Server") is None
        await until(lambda: front.front.gate.open == 0)

    run(tmp_path, scenario, PATIENT)


def test_who_says_nothing_in_a_handshake_is_let_go_and_keeps_nobody_out(tmp_path: Path) -> None:
    async def scenario(front: Served, client: ssl.SSLContext) -> None:
        silent = [await front.open() for _ in range(12)]
        assert status(await ask(front, client, request())) == 200
        assert front.turned_away["made-room"] >= 8
        for reader, writer in silent:
            await ended(reader)
            writer.close()
        await until(lambda: front.front.gate.open == 0)

    run(tmp_path, scenario, Patience(header_s=0.5))


def test_a_handshake_that_fails_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    async def scenario(front: Served, client: ssl.SSLContext) -> None:
        for said in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"x" * 200, b"\x16\x03\x01", b""):
            reader, writer = await front.open()
            writer.write(said)
            writer.write_eof()
            await ended(reader)
            writer.close()
        await until(lambda: front.front.gate.open == 0)
        assert front.turned_away["handshake"] >= 2
        assert "Traceback" not in front.lines.getvalue()
        assert status(await ask(front, client, request())) == 200

    run(tmp_path, scenario, PATIENT)


def test_a_request_that_follows_the_handshake_at_once_is_not_lost(tmp_path: Path) -> None:
    async def scenario(front: Served, client: ssl.SSLContext) -> None:
        for _ in range(20):
            assert status(await ask(front, client, request())) == 200

    run(tmp_path, scenario, PATIENT)
