"""What keeps and deletes in a serving relay knows of each other."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from parts_factory import STARTED_MS, Doorbell, Owner, topic_of
from sealbell_relay.errors import StoreError
from sealbell_relay.follow.hub import Hub
from sealbell_relay.keep.custody import Custody
from sealbell_relay.keep.ledger import FileLedger, read_lines
from sealbell_relay.keep.quota import Limits
from sealbell_relay.keep.retentions import Retentions
from sealbell_relay.keep.rules import DAY_MS
from sealbell_relay.log import Log
from sealbell_relay.state import State
from sealbell_relay.store.archive import Archive
from sealbell_relay.store.store import Listing
from sealbell_relay.tenants.allow import Register
from sealbell_relay.tenants.endings import Endings
from sealbell_testing.waiting import DEADLINE_S
from sealbell_wire.retention import Retention
from sealbell_wire.tombstone import Tombstone
from sealbell_wire.topics import parse_up
from store_doubles import MemoryStore

OWNER = Owner(1)
BELL = Doorbell(1, OWNER)


class Ailing(MemoryStore):
    """Lists nothing while it `fails`."""

    fails = False
    refused = 0

    def list(self, prefix: str) -> Listing:
        if self.fails:
            self.refused += 1
            raise StoreError("the disk is away")
        return super().list(prefix)


@dataclass
class World:
    """A relay without its sockets, by clocks that the test sets; made in an event loop."""

    limits: Limits = field(default_factory=Limits)
    store: Ailing = field(default_factory=Ailing)
    now_ms: int = STARTED_MS
    monotonic_s: float = 0.0
    ledger: Path | None = None

    def __post_init__(self) -> None:
        self.register = Register(self.store)
        self.register.allow(OWNER.card)
        self.register.allow(BELL.card)
        self.lines, self.state = io.StringIO(), State()
        self.custody = Custody(
            self.store, Archive(self.store, lambda _: None), self.register, Owner(9).key, self.limits, self.ledger,
            Hub(), self.state, Log(self.lines, lambda: 0.0), lambda: self.now_ms, lambda: self.monotonic_s,
        )  # fmt: skip
        self.intake = self.custody.intake(self.register)

    def take(self, number: int) -> None:
        for part in BELL.clip(3, number=number):
            assert self.intake.take(parse_up(topic_of(part)), part.encode()).stored

    def clips(self) -> set[str]:
        return {name.split("/")[3] for name in self.store.objects if name.startswith(f"clips/{BELL.id}/")}


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not true():
            await asyncio.sleep(0.01)


async def working(world: World, scenario: Callable[[], Awaitable[None]]) -> None:
    with ThreadPoolExecutor(2) as threads:
        tasks = [asyncio.create_task(work()) for work in world.custody.work(threads)]
        try:
            await scenario()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def test_clips_whose_days_are_over_make_room_so_that_no_younger_one_goes() -> None:
    async def scenario() -> None:
        world = World(Limits(max_clips=3))
        world.take(1)
        world.take(2)
        world.now_ms += 20 * DAY_MS
        world.take(3)
        world.now_ms += 15 * DAY_MS
        world.custody.hear_clock(world.now_ms)

        async def swept() -> None:
            await until(lambda: world.state.expired == 2)

        await working(world, swept)
        world.take(4)
        world.take(5)
        assert world.clips() == {BELL.clip_id(number) for number in (3, 4, 5)}

    asyncio.run(scenario())


def test_store_that_fails_is_not_taken_for_the_end_of_a_hold() -> None:
    async def scenario() -> None:
        world = World()
        world.custody.holds.begin()

        async def ailing() -> None:
            await until(lambda: world.state.holding is not None)
            world.store.fails = True
            world.monotonic_s += 10
            refused = world.store.refused
            await until(lambda: world.store.refused > refused + 1)
            assert world.state.holding is not None
            assert "shown-again" not in world.lines.getvalue()

        await working(world, ailing)

    asyncio.run(scenario())


def test_a_ledger_whose_first_copy_was_cut_off_gets_the_rest_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    document = Retention(OWNER.card.key, BELL.id, 1, 7)

    async def scenario() -> None:
        world = World(ledger=path)
        stones = [Tombstone(OWNER.card.key, "clip", BELL.id, BELL.clip_id(number), STARTED_MS) for number in (1, 2)]
        for stone in stones:
            Endings(world.store).end("clip", f"{BELL.id}/{stone.name}", stone.sign(OWNER.key))
        Retentions(world.store).keep(document, document.sign(OWNER.key))
        FileLedger(path).note(stones[0].sign(OWNER.key))
        for _ in range(2):

            async def copied() -> None:
                await until(lambda: len(list(read_lines(path))) >= 3)

            await working(world, copied)
        assert sorted(line.word for line in read_lines(path)) == ["ended", "retention", "tombstone"]

    asyncio.run(scenario())
