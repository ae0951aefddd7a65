"""How many may be connected, and how long they may say nothing."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from http_front import PATIENT, WIDE, Served, can_bind, request, served, status
from sealbell_relay.http.front import FrontSettings
from sealbell_relay.http.gate import Patience, Room

HASTY = Patience(header_s=0.2, keep_alive_s=0.2, body_s=0.2)


def run(scenario: Callable[[Served], Awaitable[None]], room: Room = WIDE, patience: Patience = PATIENT) -> None:
    async def within() -> None:
        async with asyncio.timeout(20), served(FrontSettings(), room=room, patience=patience) as front:
            await scenario(front)

    asyncio.run(within())


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.005)


async def ended(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionError:
        return b""


@pytest.mark.parametrize(
    "said", [b"", b"GET /hello HTTP/1.1\r\nHo", b"\r\n\r\n", b"GET /hello HTTP/1.1\r\nHost: a\r\n"]
)
def test_who_says_nothing_or_half_a_header_is_let_go(said: bytes) -> None:
    async def scenario(front: Served) -> None:
        reader, writer = await front.open()
        writer.write(said)
        assert await ended(reader) == b""
        await until(lambda: front.front.gate.open == 0)
        assert "turned-away-slow" in front.lines.getvalue()
        writer.close()

    run(scenario, patience=HASTY)


def test_dripping_a_header_buys_no_time() -> None:
    async def scenario(front: Served) -> None:
        reader, writer = await front.open()
        writer.write(b"GET /hello HTTP/1.1\r\n")
        ends = asyncio.create_task(ended(reader))
        for number in range(10_000):
            if ends.done():
                break
            writer.write(b"X-%d: 1\r\n" % number if number < 40 else b"x")
            await asyncio.sleep(0.01)
        assert ends.done()
        assert front.turned_away["slow"] == 1
        writer.close()

    run(scenario, patience=HASTY)


def test_a_connection_that_rests_after_an_answer_is_closed_without_a_word() -> None:
    async def scenario(front: Served) -> None:
        reader, writer = await front.open()
        writer.write(request(last=False))
        assert status(await ended(reader)) == 200
        assert not front.turned_away
        writer.close()

    run(scenario, patience=HASTY)


def test_a_request_under_way_is_not_hurried() -> None:
    async def scenario(front: Served) -> None:
        reader, writer = await front.open()
        writer.write(request("/stall"))
        assert status(await reader.readuntil(b"\r\n\r\n")) == 200
        other, closing = await front.open()
        assert await ended(other) == b""  # longer than anybody who says nothing may stay
        assert front.front.gate.open == 1
        writer.close()
        closing.close()

    run(scenario, patience=HASTY)


def test_the_oldest_that_says_nothing_makes_room_and_who_asks_is_answered() -> None:
    async def scenario(front: Served) -> None:
        silent = [await front.open() for _ in range(10)]
        await until(lambda: front.front.gate.open == 10)
        for _ in range(5):
            assert status(await front.ask(request())) == 200
        assert await ended(silent[0][0]) == b""
        assert front.front.gate.open <= 10
        assert front.turned_away["made-room"] >= 1
        for _, writer in silent:
            writer.close()
        await until(lambda: front.front.gate.open == 0)

    run(scenario, room=Room(10, 10))


def test_requests_under_way_make_no_room() -> None:
    async def scenario(front: Served) -> None:
        busy = [await front.open() for _ in range(3)]
        for reader, writer in busy:
            writer.write(request("/stall"))
            await reader.readuntil(b"\r\n\r\n")
        assert await front.ask(request()) == b""
        assert front.turned_away["connections"] == 1
        for _, writer in busy:
            writer.close()
        await until(lambda: front.front.gate.open == 0)
        assert status(await front.ask(request())) == 200

    run(scenario, room=Room(3, 100))


@pytest.mark.skipif(not can_bind("127.0.0.9"), reason="this machine has one loopback address")
def test_one_network_never_takes_the_room_of_all() -> None:
    async def scenario(front: Served) -> None:
        greedy = [await front.open("127.0.0.9") for _ in range(5)]
        for reader, writer in greedy:
            writer.write(request("/stall"))
            await reader.readuntil(b"\r\n\r\n")
        reader, writer = await front.open("127.0.0.9")
        assert await ended(reader) == b""
        assert front.turned_away["connections-of-network"] == 1
        assert status(await front.ask(request())) == 200
        for _, each in [*greedy, (reader, writer)]:
            each.close()
        await until(lambda: front.front.gate.open == 0)

    run(scenario, room=Room(100, 5))
