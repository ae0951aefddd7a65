"""Several relays over one broker and one store: neither doorbells nor owners need know how many there are."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from brokers import Nats
from parts_factory import Doorbell, Owner
from relay_peers import Line, doorbell_line, health, owner_session, read_object
from sealbell_relay.folder import Folder
from sealbell_relay.store.store import DirectoryStore
from sealbell_relay.tenants.allow import Register
from sealbell_testing.relay import Relay
from sealbell_testing.waiting import DEADLINE_S

OWNER = Owner()
BELLS = [Doorbell(seed, OWNER) for seed in range(1, 13)]
SEED = bytes(range(32))


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[Nats]:
    broker = Nats(tmp_path)
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture
def relays(tmp_path: Path, nats: Nats) -> Iterator[list[Relay]]:
    """Two relays, each from a copy of one folder, that know of each other."""
    store = DirectoryStore(tmp_path / "store")
    store.make()
    register = Register(store)
    for card in (OWNER.card, *(bell.card for bell in BELLS)):
        register.allow(card)
    started = []
    for name in ("one", "two"):
        Folder(tmp_path / name).make(SEED)
        started.append(Relay(tmp_path / name, "--broker", nats.url, "--store", str(tmp_path / "store")))
    try:
        for relay in started:
            relay.ready().wait_for("relays-changed live=2")
        yield started
    finally:
        for relay in started:
            if relay.runs:
                relay.kill()


def run(scenario: object) -> None:
    async def within() -> None:
        async with asyncio.timeout(3 * DEADLINE_S):
            await scenario  # type: ignore[misc] # always a coroutine

    asyncio.run(within())


async def lines(stack: AsyncExitStack, relay: Relay) -> list[Line]:
    return [await stack.enter_async_context(doorbell_line(relay, bell)) for bell in BELLS]


async def until_shared(relays: list[Relay]) -> None:
    while sum([int(str((await health(relay))["shards"])) for relay in relays]) > 256:
        await asyncio.sleep(0.1)


def test_owners_follow_at_any_relay_and_each_part_is_kept_by_one(relays: list[Relay]) -> None:
    async def scenario() -> None:
        await until_shared(relays)
        async with AsyncExitStack() as stack:
            contents = []
            for relay in relays:
                session = await stack.enter_async_context(owner_session(relay, OWNER.authorization))
                contents.append(
                    {
                        bell.id: (await session.get(f"/v1/doorbells/{bell.id}/follow?after={'0' * 32}")).content
                        for bell in BELLS
                    }
                )
            for bell, line in zip(BELLS, await lines(stack, relays[0]), strict=True):
                for part in bell.clip(5):
                    assert (await line.deliver(part)).verdict == "stored"
                    for content in contents:  # at once: with looks at the store alone this would take a minute
                        assert (await read_object(content[bell.id])).startswith(part.encode())
        stored = [int(str((await health(relay))["stored"])) for relay in relays]
        assert sum(stored) == 5 * len(BELLS)
        assert all(stored)

    run(scenario())


def test_a_relay_that_stops_hands_its_doorbells_over_before_it_goes(relays: list[Relay]) -> None:
    async def scenario() -> None:
        await until_shared(relays)
        async with AsyncExitStack() as stack:
            connected = await lines(stack, relays[0])
            stopping = asyncio.create_task(asyncio.to_thread(relays[1].stop))
            number = 0
            while not stopping.done():
                number += 1
                for bell, line in zip(BELLS, connected, strict=True):  # nobody sends anything twice here
                    assert (await line.deliver(bell.clip(1, number=number)[0])).verdict == "stored"
            assert number > 1
            assert await stopping == 0

    run(scenario())


def test_a_relay_that_is_killed_is_replaced_at_once(relays: list[Relay]) -> None:
    async def scenario() -> None:
        await until_shared(relays)
        relays[1].kill()
        relays[0].wait_for("relays-changed live=1 joined=0 gone=1")  # the broker tells, nobody waits for silence
        while int(str((await health(relays[0]))["shards"])) < 256:
            await asyncio.sleep(0.01)
        async with AsyncExitStack() as stack:
            for bell, line in zip(BELLS, await lines(stack, relays[0]), strict=True):
                assert (await line.deliver(bell.clip(1)[0])).verdict == "stored"

    run(scenario())
