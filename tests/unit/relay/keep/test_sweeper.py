"""What is removed by rule is what the rule says: against a simple model, with wrong clocks, and nothing else."""

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from parts_factory import STARTED_MS, Doorbell, Owner, topic_of
from sealbell_relay.intake.intake import Intake
from sealbell_relay.keep.deletion import Deletion
from sealbell_relay.keep.retentions import Retentions
from sealbell_relay.keep.rules import DAY_MS, Witness
from sealbell_relay.keep.sweeper import Sweeper
from sealbell_relay.log import Log
from sealbell_relay.state import State
from sealbell_relay.store.archive import Archive
from sealbell_relay.tenants.allow import Register
from sealbell_testing.waiting import DEADLINE_S
from sealbell_wire.part import Part
from sealbell_wire.retention import Retention
from sealbell_wire.topics import parse_up
from store_doubles import MemoryStore

OWNER, OTHER = Owner(1), Owner(2)
BELL, OTHERS_BELL = Doorbell(1, OWNER), Doorbell(2, OTHER)
RELAY = Owner(9).key
YEAR_MS = 366 * DAY_MS


@dataclass
class World:
    """A relay without its sockets, by a clock that the test sets."""

    store: MemoryStore = field(default_factory=MemoryStore)
    now_ms: int = STARTED_MS
    monotonic_s: float = 0.0

    def __post_init__(self) -> None:
        register = Register(self.store)
        for bell in (BELL, OTHERS_BELL):
            register.allow(bell.owner.card)
            register.allow(bell.card)
        self.archive = Archive(self.store, lambda _: None)
        self.intake = Intake(self.archive, register, RELAY, lambda: self.now_ms)
        self.retentions, self.witness = Retentions(self.store), Witness()
        self.lines = io.StringIO()
        self.sweeper = Sweeper(
            self.archive,
            register,
            self.retentions,
            Deletion(self.store, self.archive, register, RELAY, lambda: self.now_ms, None),
            self.witness,
            lambda: self.now_ms,
            lambda: self.monotonic_s,
            self.intake.forget,
            Log(self.lines, lambda: 0.0),
        )

    def take(self, *parts: Part) -> None:
        for part in parts:
            assert self.intake.take(parse_up(topic_of(part)), part.encode()).stored

    def retain(self, days: int, number: int = 1, bell: Doorbell = BELL) -> bool:
        document = Retention(bell.owner.card.key, bell.id, number, days)
        return self.retentions.keep(document, document.sign(bell.owner.key))

    def passes(self, ms: int) -> None:
        """Time goes by for every clock."""
        self.now_ms += ms
        self.monotonic_s += ms / 1_000

    def confirmed(self) -> None:
        """A doorbell's clock says the same as the relay's."""
        self.witness.hear(self.now_ms, self.now_ms, self.monotonic_s)

    def sweep(self) -> int:
        return sum(self.sweeper.expire(doorbell) for doorbell in self.sweeper.doorbells())

    def clips(self, bell: Doorbell = BELL) -> set[str]:
        return {name.split("/")[3] for name in self.store.objects if name.startswith(f"clips/{bell.id}/")}


def test_without_a_document_a_clip_is_kept_for_thirty_days_from_its_arrival() -> None:
    world = World()
    world.passes(10 * DAY_MS)  # it was on its way for long
    world.take(*(clip := BELL.clip(4)))
    world.passes(30 * DAY_MS - 1)
    world.confirmed()
    assert world.sweep() == 0
    world.passes(60_000)
    assert world.sweep() == 1
    assert world.clips() == set()
    world.take(*clip)  # nothing that was remembered of it stands in the way


def test_the_highest_document_rules_and_an_old_one_that_is_sent_again_changes_nothing() -> None:
    world = World()
    world.take(*BELL.clip(4))
    assert world.retain(365, number=1)
    assert world.retain(2, number=2)
    assert not world.retain(365, number=1)
    assert not world.retain(365, number=2)
    assert world.retain(2, number=2)
    world.passes(2 * DAY_MS + 60_000 * 60)
    world.confirmed()
    assert world.sweep() == 1


def test_retention_touches_nobody_elses_clips() -> None:
    world = World()
    world.take(*BELL.clip(4), *OTHERS_BELL.clip(4))
    world.retain(1)
    world.passes(3 * DAY_MS)
    world.confirmed()
    assert world.sweep() == 1
    assert (world.clips(), len(world.clips(OTHERS_BELL))) == (set(), 1)


def test_a_clip_still_being_received_is_not_removed() -> None:
    world = World()
    world.retain(1)
    clip = BELL.clip(4)
    world.take(*clip[:2])
    world.passes(2 * DAY_MS)
    world.take(clip[3])
    world.passes(DAY_MS // 2)
    world.take(clip[2])  # a hole is filled: the part that came last is not the highest
    world.passes(DAY_MS - 1)
    world.confirmed()
    assert world.sweep() == 0
    world.passes(60_000)
    assert world.sweep() == 1


def test_a_part_that_comes_while_its_clip_is_looked_at_is_not_lost() -> None:
    clip = BELL.clip(4)

    class Busy(MemoryStore):
        late = False

        def remove(self, name: str) -> None:
            if self.late:
                self.late = False
                world.intake.forget(BELL.id, clip[0].record.clip)
                world.take(clip[3])
            super().remove(name)

    world = World(store := Busy())
    world.take(*clip[:3])
    world.passes(40 * DAY_MS)
    world.confirmed()
    store.late = True
    world.sweep()
    assert [name.seq for name in world.archive.names(BELL.id, clip[0].record.clip)] == [3]


def test_a_clock_that_nobody_confirmed_removes_nothing() -> None:
    world = World()
    world.take(*BELL.clip(4))
    world.passes(YEAR_MS)
    assert world.sweep() == 0
    world.confirmed()
    assert world.sweep() == 1


def test_a_clock_that_jumps_years_ahead_removes_nothing() -> None:
    world = World()
    world.take(*BELL.clip(4))
    world.confirmed()
    world.now_ms += 5 * YEAR_MS
    world.witness.hear(world.now_ms - 5 * YEAR_MS, world.now_ms, world.monotonic_s)  # what doorbells go on saying
    assert world.sweep() == 0
    assert len(world.clips()) == 1


def test_what_came_under_a_clock_years_behind_is_kept_once_the_clock_is_right() -> None:
    for behind_ms in (100 * DAY_MS, 2 * YEAR_MS, STARTED_MS - 1_000):
        world = World()
        world.now_ms -= behind_ms
        world.take(*BELL.clip(4))
        world.now_ms += behind_ms
        world.passes(2 * DAY_MS)
        world.confirmed()
        assert world.sweep() == 0


def test_what_came_under_a_clock_years_ahead_is_kept_till_then() -> None:
    world = World()
    world.now_ms += YEAR_MS
    world.take(*BELL.clip(4))
    world.now_ms -= YEAR_MS
    world.passes(40 * DAY_MS)
    world.confirmed()
    assert world.sweep() == 0


def test_nothing_is_removed_that_no_rule_covers() -> None:
    world = World()
    world.take(*(clip := BELL.clip(4)))
    folder = f"clips/{BELL.id}/{clip[0].record.clip[:6]}"
    strange = {
        f"clips/{BELL.id}/000000/{'0' * 32}/000000.part": b"damaged",
        f"{folder}/{clip[0].record.clip}/notes.txt": b"put here by hand",
        f"clips/{BELL.id}/letters/000000.part": b"x",
        "elsewhere/old": b"x",
    }
    for name, data in strange.items():
        world.store.put(name, data)
    world.passes(100 * DAY_MS)
    world.confirmed()
    assert world.sweep() == 1
    assert strange.items() <= world.store.objects.items()
    assert "clip-kept" in world.lines.getvalue()


def test_a_sweep_lists_the_old_buckets_only() -> None:
    world = World()
    for number in range(1, 40):
        clip = BELL.clip(3, number=number * 24 * 60)
        world.now_ms = clip[0].record.wall_ms
        world.take(*clip)
    world.confirmed()
    world.sweep()
    world.store.calls.clear()
    assert world.sweep() == 0
    assert world.store.calls["list"] <= 8, "not a listing a clip that is kept"


@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.booleans()), min_size=1, max_size=12, unique_by=lambda arrival: arrival[0]
    ),
    st.integers(1, 40),
    st.integers(0, 80),
)
def test_sweeping_leaves_what_a_simple_model_leaves(arrivals: list[tuple[int, bool]], days: int, then: int) -> None:
    world = World()
    world.retain(days)
    world.retain(days, bell=OTHERS_BELL)
    expected: dict[str, set[str]] = {BELL.id: set(), OTHERS_BELL.id: set()}
    last = max(day for day, _ in arrivals)
    for day, mine in sorted(arrivals):
        bell = BELL if mine else OTHERS_BELL
        clip = bell.clip(3, number=day * 24 * 60 + 1)
        world.now_ms = STARTED_MS + (day * 24 * 60 + 5) * 60_000
        world.take(*clip)
        if last + then - day <= days:
            expected[bell.id].add(clip[0].record.clip)
    world.passes(then * DAY_MS)
    world.confirmed()
    world.sweep()
    assert {bell.id: world.clips(bell) for bell in (BELL, OTHERS_BELL)} == expected


def test_what_was_left_of_deleted_clips_goes_though_no_doorbells_clock_is_heard() -> None:
    world = World()
    world.take(*BELL.clip(3))

    async def scenario() -> None:
        with ThreadPoolExecutor(1) as threads:
            sweeping = asyncio.create_task(world.sweeper.run(threads, State(), interval_s=0.01))
            async with asyncio.timeout(DEADLINE_S):
                while "not-sweeping" not in world.lines.getvalue():
                    await asyncio.sleep(0.01)
                world.store.put(f"ended/clip/{BELL.id}/{BELL.clip_id()}", b"")  # by a relay that died then
                world.passes(20)
                while world.clips():
                    await asyncio.sleep(0.01)
            sweeping.cancel()

    asyncio.run(scenario())
