"""What every request passes and every answer carries, asked over real sockets."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from http_front import PATIENT, Served, header, request, served, status
from sealbell_relay.http.front import FrontSettings
from sealbell_relay.http.gate import Patience
from sealbell_relay.http.guards import MAX_BODY_BYTES

APP = "https://app.example.org"
SETTINGS = FrontSettings(origins=(APP,))
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


def run(
    scenario: Callable[[Served], Awaitable[None]],
    settings: FrontSettings = SETTINGS,
    patience: Patience = PATIENT,
) -> None:
    async def within() -> None:
        async with asyncio.timeout(20), served(settings, patience=patience) as front:
            await scenario(front)

    asyncio.run(within())


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (request(), 200),
        (request("/nowhere"), 404),
        (request("/hello", "DELETE"), 405),
        (request("/hello", "HEAD"), 405),
        (request("/hello", "BREW"), 400),
        (request("/fail/no"), 404),
        (request("/fail/store"), 503),
        (request("/fail/bug"), 500),
        (request("/take", "POST", b"{}"), 200),
        (request("/hello", "GET", b"{}"), 400),
        (request("/take", "POST", b"{}", Content_Type="text/html"), 415),
        (request("/take", "POST", b"{}", Content_Encoding="gzip"), 415),
        (request("/take", "POST", bytes(MAX_BODY_BYTES + 1)), 413),
        (request("/take", "POST", bytes(MAX_BODY_BYTES)), 200),
        (request("/hello", Expect="the-moon"), 417),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET /hello HTTP/1.1\r\nHost: a\r\nBad Header: x\r\n\r\n", 400),
        (b"GET /hello HTTP/1.1\r\nX: " + b"a" * 100_000, 400),
        (b"GET /" + b"a" * 100_000, 400),
        (b"GET /hello HTTP/1.1\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(200)) + b"\r\n", 400),
        (b"GET /hello HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /take HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
    ],
    ids=range(22),
)
def test_every_answer_is_dressed_and_none_says_what_the_relay_is_made_of(raw: bytes, expected: int) -> None:
    async def scenario(front: Served) -> None:
        said = await front.ask(raw)
        assert status(said) == expected
        assert header(said, "Server") is None
        assert b"aiohttp" not in said
        assert b"Python" not in said
        assert b"secret" not in said
        assert {name: header(said, name) for name in ALWAYS} == ALWAYS
        assert header(said, "Strict-Transport-Security") is None
        assert said.count(b"HTTP/1.") == 1

    run(scenario)


def test_a_method_that_is_not_taken_says_which_is() -> None:
    async def scenario(front: Served) -> None:
        assert header(await front.ask(request("/take")), "Allow") == "POST"

    run(scenario)


def test_a_page_of_the_app_may_ask_and_read() -> None:
    async def scenario(front: Served) -> None:
        said = await front.ask(request(Origin=APP))
        assert header(said, "Access-Control-Allow-Origin") == APP
        assert header(said, "Vary") == "Origin"
        assert header(said, "Access-Control-Allow-Credentials") is None
        refused = await front.ask(request("/fail/no", Origin=APP))
        assert header(refused, "Access-Control-Allow-Origin") == APP
        asked = await front.ask(request("/hello", "OPTIONS", Origin=APP, Access_Control_Request_Method="GET"))
        assert status(asked) == 204
        assert header(asked, "Access-Control-Allow-Origin") == APP
        assert "Authorization" in (header(asked, "Access-Control-Allow-Headers") or "")
        assert header(asked, "Access-Control-Allow-Credentials") is None

    run(scenario)


@pytest.mark.parametrize(
    "origin",
    ["https://app.example.org.evil", "http://app.example.org", "https://APP.example.org", "null", "*", APP + "/"],
)
def test_a_page_of_another_origin_reads_nothing(origin: str) -> None:
    async def scenario(front: Served) -> None:
        said = await front.ask(request(Origin=origin))
        assert header(said, "Access-Control-Allow-Origin") is None
        assert header(said, "Vary") == "Origin"
        asked = await front.ask(request("/hello", "OPTIONS", Origin=origin, Access_Control_Request_Method="GET"))
        assert status(asked) == 403
        assert header(asked, "Access-Control-Allow-Methods") is None

    run(scenario)


def test_where_no_origin_is_configured_no_page_may_ask() -> None:
    async def scenario(front: Served) -> None:
        assert header(await front.ask(request(Origin=APP)), "Access-Control-Allow-Origin") is None
        assert status(await front.ask(request("/hello", "OPTIONS", Access_Control_Request_Method="GET"))) == 403

    run(scenario, FrontSettings())


def test_who_asks_too_often_is_told_when_to_come_again() -> None:
    async def scenario(front: Served) -> None:
        reader, writer = await front.open()
        for _ in range(400):
            writer.write(request(last=False))
            await writer.drain()
            said = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(header(said, "Content-Length") or 0))
            if status(said) == 429:
                break
        assert status(said) == 429
        assert int(header(said, "Retry-After") or 0) >= 1
        assert front.turned_away["too-often"] == 1
        assert "warn turned-away-too-often peer=127.0.0.1\n" in front.lines.getvalue()
        writer.close()

    run(scenario)


def test_a_body_that_drips_is_not_waited_for() -> None:
    async def scenario(front: Served) -> None:
        reader, writer = await front.open()
        writer.write(request("/take", "POST", Content_Type="application/json", Content_Length="100") + b"{")
        said = await reader.read()
        assert status(said) == 408
        assert front.turned_away["slow-body"] == 1
        writer.close()

    run(scenario, patience=Patience(body_s=0.1))


def test_a_chunked_body_has_the_same_bound() -> None:
    async def scenario(front: Served) -> None:
        raw = request("/take", "POST", Content_Type="application/json", Transfer_Encoding="chunked")
        chunk = b"4000\r\n" + bytes(0x4000) + b"\r\n"
        assert status(await front.ask(raw + 3 * chunk + b"0\r\n\r\n")) == 200
        assert status(await front.ask(raw + 5 * chunk + b"0\r\n\r\n")) == 413

    run(scenario)


def test_requests_in_a_row_are_answered_in_their_order() -> None:
    async def scenario(front: Served) -> None:
        rows = (request(last=False), request("/fail/no", last=False), request("/take", "POST", b"{}", last=False))
        said = await front.ask(b"".join(rows) + request("/nowhere"))
        assert [int(each[:3]) for each in said.split(b"HTTP/1.1 ")[1:]] == [200, 404, 200, 404]

    run(scenario)


@pytest.mark.parametrize("rest", [b"zz\r\n", b"5\r\nhello!\r\n", b"-1\r\n", None])
def test_a_body_that_breaks_off_is_nobodys_failure(rest: bytes | None) -> None:
    async def scenario(front: Served) -> None:
        reader, writer = await front.open()
        head = request(
            "/take", "POST", Content_Type="application/json", Transfer_Encoding="chunked", Expect="100-continue"
        )
        writer.write(head)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
        if rest is None:
            writer.transport.abort()
        else:
            writer.write(rest)
            assert status(await reader.read()) in (
                400,
                408,
            )  # aiohttp tells the route of no wrong chunk: it waits in vain
            writer.close()
        assert status(await front.ask(request())) == 200
        assert front.turned_away["malformed"] + front.turned_away["slow-body"] >= 1
        assert "error " not in front.lines.getvalue()

    run(scenario, patience=Patience(body_s=0.3))
