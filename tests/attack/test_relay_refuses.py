"""What a relay refuses, sent to a real one over a real broker; after each attempt it serves on as before."""

import asyncio
import json
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import aiomqtt
import pytest
from yarl import URL

from parts_factory import Doorbell, Owner, hash_of, topic_of
from relay_peers import Line, doorbell_line, health, owner_session
from sealbell_testing.relay import Relay, credential_of, serving
from sealbell_testing.waiting import DEADLINE_S
from sealbell_wire import topics
from sealbell_wire.ids import ZERO_HASH, ZERO_ID
from sealbell_wire.limits import MAX_PART_BYTES
from sealbell_wire.part import Part
from sealbell_wire.receipt import Receipt

OWNER, OTHER_OWNER = Owner(1), Owner(2)
GIBIBYTE = 2**30
NOT_FOUND = b'{"error": "not found"}'

Scenario = Callable[[Line, Doorbell], Awaitable[None]]


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    with serving(tmp_path_factory.mktemp("relay") / "relay") as relay:
        yield relay.allow(OWNER.card, OTHER_OWNER.card)


@pytest.fixture
def bell(relay: Relay, request: pytest.FixtureRequest) -> Doorbell:
    """A doorbell of the test's own, so that tests share the relay and nothing in it."""
    bell = Doorbell(2 * zlib.crc32(request.node.nodeid.encode()), OWNER)
    relay.allow(bell.card)
    return bell


@asynccontextmanager
async def attacked(relay: Relay, bell: Doorbell) -> AsyncIterator[Line]:
    """A line to attack through; afterwards an honest clip of the same doorbell must get through whole."""
    async with doorbell_line(relay, bell) as line:
        yield line
        before = stored(relay, bell)
        honest = bell.clip(3, number=99)
        for part in honest:
            assert (await line.deliver(part)).verdict == "stored"
        assert {path: data for path, data in stored(relay, bell).items() if path in before} == before
        assert len(stored(relay, bell)) == len(before) + 3


def stored(relay: Relay, bell: Doorbell) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in (relay.root / "store" / "clips" / bell.id).rglob("*.*")}


def refused(receipt: Receipt, reason: str, record: str = ZERO_HASH) -> None:
    assert (receipt.verdict, receipt.reason, receipt.record) == ("refused", reason, record)


def attack(relay: Relay, bell: Doorbell, scenario: Callable[[Line], Awaitable[None]]) -> None:
    async def run() -> None:
        async with asyncio.timeout(DEADLINE_S), attacked(relay, bell) as line:
            await scenario(line)

    asyncio.run(run())


def test_a_forged_signature_is_refused(relay: Relay, bell: Doorbell) -> None:
    async def scenario(line: Line) -> None:
        part = bell.clip(1)[0]
        refused(await line.deliver(replace(part, signature=bytes(64))), "forged-signature")
        refused(await line.deliver(Doorbell(7).sign(part.record, part.sealed or b"")), "forged-signature")
        assert not stored(relay, bell)

    attack(relay, bell, scenario)


def test_other_bytes_under_a_signed_record_are_refused_and_the_true_part_is_kept(relay: Relay, bell: Doorbell) -> None:
    async def scenario(line: Line) -> None:
        part = bell.clip(1)[0]
        sealed = part.sealed or b""
        refused(await line.deliver(replace(part, sealed=sealed[:-1] + b"!")), "forged-content")
        refused(await line.deliver(replace(part, sealed=sealed.replace(b"X made", b"Y made"))), "forged-content")
        refused(await line.deliver(part, part.encode() + b"!"), "malformed")
        assert (await line.deliver(part)).verdict == "stored"

    attack(relay, bell, scenario)


def test_another_doorbell_cannot_publish_in_this_ones_name(relay: Relay, bell: Doorbell) -> None:
    async def scenario(line: Line) -> None:
        other = Doorbell(bell.seed + 1, OTHER_OWNER)
        relay.allow(other.card)
        mine, theirs = bell.clip(1)[0], other.clip(1)[0]
        refused(await line.deliver(theirs, topic=topic_of(mine)), "wrong-topic")
        in_my_name = other.sign(replace(theirs.record, doorbell=bell.id), theirs.sealed or b"")
        refused(await line.deliver(in_my_name), "forged-signature")
        assert not stored(relay, bell)
        assert not stored(relay, other)

    attack(relay, bell, scenario)


def test_another_doorbell_cannot_sign_this_ones_body_as_its_own_clip(relay: Relay, bell: Doorbell) -> None:
    async def scenario(line: Line) -> None:
        other = Doorbell(bell.seed + 1, OTHER_OWNER)
        relay.allow(other.card)
        part = bell.clip(1)[0]
        taken_over = other.sign(part.record, part.sealed or b"")
        refused(await line.deliver(taken_over), "forged-signature")
        async with doorbell_line(relay, other) as theirs:
            refused(await theirs.deliver(taken_over, topic=topics.part(other.id, part.record.clip, 0)), "wrong-topic")

    attack(relay, bell, scenario)


def test_a_part_on_the_topic_of_another_clip_or_number_is_refused(relay: Relay, bell: Doorbell) -> None:
    async def scenario(line: Line) -> None:
        part = bell.clip(2)[1]
        refused(await line.deliver(part, topic=topics.part(bell.id, bell.clip_id(5), 1)), "wrong-topic")
        refused(await line.deliver(part, topic=topics.part(bell.id, bell.clip_id(), 2)), "wrong-topic")

    attack(relay, bell, scenario)


def test_an_announced_gibibyte_is_refused(relay: Relay, bell: Doorbell) -> None:
    async def scenario(line: Line) -> None:
        part = bell.clip(1)[0]
        message = bytearray(part.encode())
        struct.pack_into(">I", message, 6 + len(part.record_bytes) + 64, GIBIBYTE)
        refused(await line.deliver(part, bytes(message)), "malformed")
        text = part.record_bytes.replace(b"\nsize 1000\n", b"\nsize %d\n" % GIBIBYTE)
        announced = Part(part.record, text, bell.sign(part.record, b"").signature, part.sealed)
        refused(await line.deliver(announced), "malformed")

    attack(relay, bell, scenario)


def test_the_largest_part_is_kept_and_one_byte_more_is_refused(relay: Relay, bell: Doorbell) -> None:
    async def scenario(line: Line) -> None:
        topic = topics.part(bell.id, bell.clip_id(), 0)
        await line.publish(topic, bell.notice_of(MAX_PART_BYTES + 1))
        refused(await line.receipt(), "too-large")
        assert not stored(relay, bell)
        await line.publish(topic, bell.notice_of(MAX_PART_BYTES))
        assert (await line.receipt()).verdict == "stored"
        (kept,) = stored(relay, bell).values()
        assert kept.startswith(bell.notice_of(MAX_PART_BYTES))

    attack(relay, bell, scenario)


def test_the_largest_message_that_the_broker_lets_through_is_refused(relay: Relay, bell: Doorbell) -> None:
    async def scenario(line: Line) -> None:
        await line.publish(topics.part(bell.id, bell.clip_id(), 0), bytes(2_000_000))
        refused(await line.receipt(), "too-large")

    attack(relay, bell, scenario)


@pytest.mark.parametrize("first", ["lie", "truth"])
def test_a_part_that_contradicts_its_neighbour_is_refused(relay: Relay, bell: Doorbell, first: str) -> None:
    async def scenario(line: Line) -> None:
        clip = bell.clip(3)
        lie = bell.changed(clip[2], prev="ab" * 32)
        one, other = (lie, clip[1]) if first == "lie" else (clip[1], lie)
        assert (await line.deliver(one)).verdict == "stored"
        refused(await line.deliver(other), "contradicts-neighbour", hash_of(other))

    attack(relay, bell, scenario)


def test_nothing_is_added_after_the_end_and_nothing_stored_is_cut_off(relay: Relay, bell: Doorbell) -> None:
    async def scenario(line: Line) -> None:
        clip = bell.clip(5)
        assert (await line.deliver(clip[4])).verdict == "stored"
        beyond = bell.sign(replace(clip[3].record, seq=5, prev=hash_of(clip[4])), clip[3].sealed or b"")
        refused(await line.deliver(beyond), "after-end", hash_of(beyond))
        early = bell.part(bell.clip_id(), 2, "manifest", hash_of(clip[1]), clip[2].sealed or b"")
        refused(await line.deliver(early), "end-before-stored", hash_of(early))

    attack(relay, bell, scenario)


def test_a_differing_resend_is_refused_and_the_stored_bytes_stay(relay: Relay, bell: Doorbell) -> None:
    async def scenario(line: Line) -> None:
        part = bell.clip(1)[0]
        first = await line.deliver(part)
        before = stored(relay, bell)
        other = bell.changed(part, wall_ms=1)
        refused(await line.deliver(other), "differs-from-stored", hash_of(other))
        assert await line.deliver(part) == first
        assert stored(relay, bell) == before

    attack(relay, bell, scenario)


def test_a_mark_of_dropping_cannot_be_forged_nor_take_a_parts_place(relay: Relay, bell: Doorbell) -> None:
    async def scenario(line: Line) -> None:
        part = bell.clip(2)[1]
        mark = bell.dropped(part)
        refused(await line.deliver(replace(mark, dropped=part.signature)), "forged-signature")
        kept = await line.deliver(part)
        assert await line.deliver(mark) == kept
        assert [path for path in stored(relay, bell) if path.endswith(".dropped")] == []

    attack(relay, bell, scenario)


def test_a_doorbell_that_is_not_enrolled_is_not_heard(relay: Relay, bell: Doorbell) -> None:
    async def scenario(line: Line) -> None:
        stranger = Doorbell(bell.seed + 1)
        with pytest.raises(aiomqtt.MqttError, match="Not authorized"):
            async with doorbell_line(relay, stranger):
                pass
        relay.lets_in({stranger.id: credential_of(stranger.id)})  # as somebody else's list might
        seen = len(relay.lines)
        async with doorbell_line(relay, stranger) as theirs:
            await theirs.send(stranger.clip(1)[0])
            await theirs.publish(topics.have(stranger.id, ZERO_ID), b"")
            await asyncio.to_thread(relay.wait_for, f"doorbell={stranger.id}")
        assert any("reason=unknown-doorbell" in line for line in relay.lines[seen:])
        assert not stored(relay, stranger)

    attack(relay, bell, scenario)


@pytest.mark.parametrize(
    "topic",
    ["sb/1/up/part", "sb/1/zz/{id}/up/part/x/1", "sb/1/00/{id}/up/x/\x1b[2J", "sb/1/00/{id}/up/" + "x" * 60_000],
)
def test_a_strange_topic_costs_only_its_message(relay: Relay, bell: Doorbell, topic: str) -> None:
    async def scenario(line: Line) -> None:
        await line.publish(topic.replace("{id}", bell.id), b"x")

    attack(relay, bell, scenario)
    assert all(line.isprintable() for line in relay.lines)


def packet(kind: int, body: bytes) -> bytes:
    """An MQTT packet, with whatever a client library would not send."""
    length, rest = b"", len(body)
    while True:
        rest, digit = divmod(rest, 128)
        length += bytes([digit | (128 if rest else 0)])
        if not rest:
            return bytes([kind]) + length + body


def text(data: bytes) -> bytes:
    return len(data).to_bytes(2) + data


@pytest.mark.parametrize("end", [b"\xff\xfe", b"#", b"+/\x1b[2J", b"\0"])
@pytest.mark.parametrize("length", [0, 60_000])
def test_a_topic_that_the_broker_itself_refuses_ends_only_its_sender(
    relay: Relay, bell: Doorbell, end: bytes, length: int
) -> None:
    topic = b"sb/1/00/" + bell.id.encode() + b"/up/" + b"x" * length + end

    async def scenario(line: Line) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.mqtt_port)
        who = text(b"attacker") + text(bell.id.encode()) + text(credential_of(bell.id).encode())
        writer.write(packet(0x10, text(b"MQTT") + b"\x04\xc2\x00\x3c" + who))
        assert await reader.readexactly(4) == b"\x20\x02\x00\x00"
        writer.write(packet(0x32, text(topic) + b"\x00\x01" + b"payload"))
        assert await reader.read() == b""
        writer.close()

    attack(relay, bell, scenario)
    assert relay.process.poll() is None
    assert all(line.isprintable() for line in relay.lines)


def test_an_owner_gets_nothing_of_another_owners_doorbell(relay: Relay, bell: Doorbell) -> None:
    async def scenario(line: Line) -> None:
        part = bell.clip(2)[1]
        await line.deliver(part)
        clip = part.record.clip
        absent = Doorbell(bell.seed + 1)
        own, foreign = f"/v1/doorbells/{bell.id}", f"/v1/doorbells/{absent.id}"
        routes = ["/clips", f"/clips/{clip}/parts", f"/clips/{clip}/parts?follow=1", "/follow"]
        async with owner_session(relay, OWNER.authorization) as owner:
            for route in routes[:2]:
                assert (await answer(owner, own + route))[0] == 200
        async with owner_session(relay, OTHER_OWNER.authorization) as other:
            for route in routes:
                assert await answer(other, own + route) == await answer(other, foreign + route) == (404, NOT_FOUND)
            assert bell.id.encode() not in (await answer(other, "/v1/doorbells"))[1]

    attack(relay, bell, scenario)


def test_without_a_token_nothing_is_said(relay: Relay, bell: Doorbell) -> None:
    token = OWNER.token.hex()
    wrong = [
        {},
        {"Authorization": token},
        {"Authorization": f"Bearer {token.upper()}"},
        {"Authorization": f"Bearer {token[:-1]}"},
        {"Authorization": f"Basic {token}"},
        {"Authorization": f"Bearer {bytes(32).hex()}"},
        {"Authorization": f"Bearer {OWNER.card.token_hash}"},
    ]

    async def run() -> None:
        for headers in wrong:
            async with owner_session(relay, headers) as session:
                for path in ("/v1/doorbells", f"/v1/doorbells/{bell.id}/clips", f"/v1/doorbells/{bell.id}/follow"):
                    status, body = await answer(session, path)
                    assert status == 401
                    assert json.loads(body).keys() == {"error"}

    asyncio.run(run())
    assert not [line for line in relay.lines if token.lower() in line.lower()]


async def answer(session: aiohttp.ClientSession, path: str | URL) -> tuple[int, bytes]:
    async with session.get(path) as said:
        return said.status, await said.read()


async def raw(relay: Relay, request: bytes) -> bytes:
    """Send bytes that no client library would, and return the first of the answer."""
    host, port = relay.card.http.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(request)
        await writer.drain()
        async with asyncio.timeout(DEADLINE_S):
            return await reader.readline()
    except ConnectionError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /v1/doorbells HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + b"0" * 1_000_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 1_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 10_000 + b"\r\n",
        b"GET /v1/doorbells HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \x00\x1b[2J\r\n\r\n",
        b"POST /v1/doorbells HTTP/1.1\r\nHost: x\r\nContent-Length: 1073741824\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100) + b"\r\n\r\n",
        b"GET /v1/doorbells/%2e%2e/clips HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/doorbells/\xff\xfe/clips?limit=%00 HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_a_request_that_is_no_request_is_refused(relay: Relay, request_bytes: bytes) -> None:
    async def run() -> None:
        status = await raw(relay, request_bytes)
        assert status == b"" or status.split()[1][:1] == b"4", status
        assert (await health(relay))["healthy"] is True

    asyncio.run(run())
    assert all(line.isprintable() for line in relay.lines)


def test_paths_out_of_the_store_are_not_found(relay: Relay, bell: Doorbell) -> None:
    async def run() -> None:
        async with owner_session(relay, OWNER.authorization) as session:
            for path in (
                "/v1/doorbells/..%2f..%2f/clips",
                f"/v1/doorbells/{bell.id}/clips/..%2f..%2freceipt.key/parts",
                f"/v1/doorbells/{bell.id.upper()}/clips",
                f"/v1/doorbells/{bell.id}/clips/{ZERO_ID}/parts",
                "/v1/doorbells/" + "0" * 33 + "/clips",
                "/receipt.key",
            ):
                assert (await answer(session, URL(relay.card.http + path, encoded=True)))[0] == 404, path
            for query in ("limit=51", "limit=x", "before=1", "limit=1&limit=1", "nothing=1"):
                assert (await answer(session, f"/v1/doorbells/{bell.id}/clips?{query}"))[0] == 400, query

    asyncio.run(run())
