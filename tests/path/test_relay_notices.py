"""Notices as server-sent events, from a relay as it runs: at once, in full, and each once."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from brokers import Nats
from parts_factory import Doorbell, Owner
from relay_peers import doorbell_line, owner_session
from sealbell_relay.folder import Folder
from sealbell_relay.store.store import DirectoryStore
from sealbell_relay.tenants.allow import Register
from sealbell_relay.tenants.endings import Endings
from sealbell_testing.relay import Relay, serving
from sealbell_testing.waiting import DEADLINE_S

OWNER = Owner(1)
BELLS = [Doorbell(seed, OWNER) for seed in range(1, 7)]
STRANGER = Owner(2)
THEIRS = Doorbell(50, STRANGER)


class Events:
    """A client of the stream: what it was told, and where it is."""

    def __init__(self, content: aiohttp.StreamReader, place: str | None = None) -> None:
        self._content = content
        self.place = place
        self.told: list[tuple[str, str, int]] = []

    async def next(self) -> tuple[str, str, int]:
        while True:
            event = await self.block()
            if "data" in event:
                data = json.loads(event["data"])
                assert set(data) == {"doorbell", "clip", "seq", "arrived_ms"}
                self.told.append((data["doorbell"], data["clip"], data["seq"]))
                return self.told[-1]

    async def block(self) -> dict[str, str]:
        lines = (await self._content.readuntil(b"\n\n")).decode("ascii").splitlines()
        event = dict(line.split(": ", 1) for line in lines if line and not line.startswith(":"))
        self.place = event.get("id", self.place)
        return event

    async def ends(self) -> None:
        await self._content.read()


@asynccontextmanager
async def listening(relay: Relay, place: str | None = None, owner: Owner = OWNER) -> AsyncIterator[Events]:
    headers = owner.authorization | ({"Last-Event-ID": place} if place else {})
    async with owner_session(relay, headers) as session, session.get("/v1/notices") as answer:
        assert answer.status == 200
        assert answer.content_type == "text/event-stream"
        events = Events(answer.content, place)
        assert int((await events.block())["retry"]) > 0
        yield events


async def ring(relay: Relay, bell: Doorbell, *numbers: int, more: int = 0) -> list[tuple[str, str, int]]:
    """Deliver the notices of these clips, each with `more` parts behind."""
    async with doorbell_line(relay, bell) as line:
        for number in numbers:
            for part in bell.clip(1 + more, number=number, final=False):
                assert (await line.deliver(part)).verdict == "stored"
    return [(bell.id, bell.clip_id(number), 0) for number in numbers]


def run(root: Path, scenario: Callable[[Relay], Awaitable[None]]) -> None:
    async def within(relay: Relay) -> None:
        async with asyncio.timeout(2 * DEADLINE_S):
            await scenario(relay)

    with serving(root) as relay:
        relay.allow(OWNER.card, STRANGER.card, THEIRS.card, *(bell.card for bell in BELLS))
        asyncio.run(within(relay))


def test_a_notice_of_any_doorbell_is_told_and_nothing_else_is(tmp_path: Path) -> None:
    async def scenario(relay: Relay) -> None:
        async with listening(relay) as events:
            await ring(relay, THEIRS, 1)
            for number, bell in enumerate(BELLS, 1):
                (rang,) = await ring(relay, bell, number, more=2)
                assert await events.next() == rang

    run(tmp_path, scenario)


def test_who_comes_again_misses_nothing_and_hears_nothing_twice_even_after_a_restart(tmp_path: Path) -> None:
    async def scenario(relay: Relay) -> None:
        async with listening(relay) as events:
            rang = await ring(relay, BELLS[0], 1)
            assert await events.next() == rang[0]
            place = events.place
        missed = await ring(relay, BELLS[1], 1, 2) + await ring(relay, BELLS[0], 2)
        await ring(relay, BELLS[0], 1)  # sent again, as after a lost receipt
        await asyncio.to_thread(relay.goes_away)
        await asyncio.to_thread(relay.comes_back)
        missed += await ring(relay, BELLS[2], 1)
        async with listening(relay, place) as events:
            assert [await events.next() for _ in missed] == missed
            later = await ring(relay, BELLS[0], 3)
            assert await events.next() == later[0]
            place = events.place
        async with listening(relay, place) as events:
            last = await ring(relay, BELLS[3], 1)
            assert await events.next() == last[0]

    run(tmp_path, scenario)


def test_a_place_is_taken_in_the_query_too_and_from_there_on_only(tmp_path: Path) -> None:
    async def scenario(relay: Relay) -> None:
        rang = await ring(relay, BELLS[0], 1, 2)
        async with owner_session(relay, OWNER.authorization) as session:
            async with session.get("/v1/notices?after=000000000000") as answer:
                events = Events(answer.content)
                assert [await events.next() for _ in rang] == rang
            for query in ("?after=nonsense", "?before=000000000000", "?after=000000000000&after=000000000000"):
                async with session.get(f"/v1/notices{query}") as answer:
                    assert answer.status == 400

    run(tmp_path, scenario)


def test_who_reads_slowly_gets_everything_once_and_in_order(tmp_path: Path) -> None:
    async def scenario(relay: Relay) -> None:
        async with listening(relay) as events:
            rang = await ring(relay, BELLS[0], *range(1, 200))
            assert [await events.next() for _ in rang] == rang

    run(tmp_path, scenario)


def test_a_doorbell_that_is_enrolled_while_somebody_listens_is_heard(tmp_path: Path) -> None:
    async def scenario(relay: Relay) -> None:
        new = Doorbell(60, OWNER)
        async with listening(relay) as events:
            relay.allow(new.card)
            rang = await ring(relay, new, 1)
            place = events.place
        async with listening(relay, place) as events:
            assert await events.next() == rang[0]

    run(tmp_path, scenario)


def test_a_stream_ends_with_its_token(tmp_path: Path) -> None:
    async def scenario(relay: Relay) -> None:
        async with listening(relay) as events:
            Endings(DirectoryStore(relay.root / "store")).end("token", OWNER.card.token_hash, b"revoked")
            with pytest.raises((aiohttp.ClientError, asyncio.IncompleteReadError)):
                await events.next()

    run(tmp_path, scenario)


def test_a_relay_that_stops_ends_its_streams_in_order(tmp_path: Path) -> None:
    async def scenario(relay: Relay) -> None:
        async with listening(relay) as events:
            stopping = asyncio.create_task(asyncio.to_thread(relay.stop))
            await events.ends()  # and not with a connection that breaks
            assert await stopping == 0

    run(tmp_path, scenario)


def test_any_relay_tells_what_another_one_took_and_goes_on_from_its_place(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "store")
    store.make()
    for card in (OWNER.card, *(bell.card for bell in BELLS)):
        Register(store).allow(card)
    broker = Nats(tmp_path)
    broker.start()
    for name in ("one", "two"):
        Folder(tmp_path / name).make(bytes(range(32)))
    arguments = ("--broker", broker.url, "--store", str(tmp_path / "store"))
    try:
        with serving(tmp_path / "one", *arguments) as one, serving(tmp_path / "two", *arguments) as two:
            for relay in (one, two):
                relay.wait_for("relays-changed live=2")

            async def scenario() -> None:
                async with asyncio.timeout(2 * DEADLINE_S), listening(one) as here, listening(two) as there:
                    for number, bell in enumerate(BELLS, 1):
                        (rang,) = await ring(one, bell, number)
                        assert [await here.next(), await there.next()] == [rang, rang]
                    place = here.place
                async with asyncio.timeout(2 * DEADLINE_S):
                    missed = await ring(one, BELLS[0], 20, 21)
                    async with listening(two, place) as there:
                        assert [await there.next() for _ in missed] == missed

            asyncio.run(scenario())
    finally:
        broker.kill()
