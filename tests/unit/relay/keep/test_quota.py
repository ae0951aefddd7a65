"""What an owner may have kept; and that over it the oldest of their own clips go, and nobody else's."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from parts_factory import STARTED_MS, Doorbell, Owner, topic_of
from sealbell_relay.intake.intake import Intake, Outcome
from sealbell_relay.keep.quota import RECOUNT_S, Limits, Quota
from sealbell_relay.keep.rules import DAY_MS
from sealbell_relay.store.archive import Archive
from sealbell_relay.tenants.allow import Register
from sealbell_wire.part import Part
from sealbell_wire.receipt import read_receipts
from sealbell_wire.sshsig import verify_key_of
from sealbell_wire.topics import parse_up
from store_doubles import MemoryStore

OWNER, OTHER = Owner(1), Owner(2)
BELL, SECOND, OTHERS_BELL = Doorbell(1, OWNER), Doorbell(2, OWNER), Doorbell(3, OTHER)
RELAY = Owner(9).key


@dataclass
class World:
    limits: Limits
    store: MemoryStore = field(default_factory=MemoryStore)
    now_ms: int = STARTED_MS
    monotonic_s: float = 0.0
    removed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        register = Register(self.store)
        for bell in (BELL, SECOND, OTHERS_BELL):
            register.allow(bell.owner.card)
            register.allow(bell.card)
        archive = Archive(self.store, lambda _: None)
        self.quota = Quota(self.limits, archive, register, lambda: self.now_ms, lambda: self.monotonic_s, self.went)
        self.intake = Intake(archive, register, RELAY, lambda: self.now_ms, self.quota)

    def went(self, doorbell: str, clip: str) -> None:
        self.removed.append(clip)
        self.intake.forget(doorbell, clip)

    def take(self, *parts: Part) -> list[Outcome]:
        return [self.intake.take(parse_up(topic_of(part)), part.encode()) for part in parts]

    def clips(self, *bells: Doorbell) -> list[str]:
        prefixes = tuple(f"clips/{bell.id}/" for bell in bells)
        return sorted({name.split("/")[3] for name in self.store.objects if name.startswith(prefixes)})

    @property
    def size_bytes(self) -> int:
        mine = (f"clips/{BELL.id}/", f"clips/{SECOND.id}/")
        return sum(len(data) for name, data in self.store.objects.items() if name.startswith(mine))


def clip(number: int, bell: Doorbell = BELL, parts: int = 3, *, final: bool = True) -> list[Part]:
    return bell.clip(parts, number=number, final=final)


def name(number: int, bell: Doorbell = BELL) -> str:
    return bell.clip_id(number)


def test_over_the_quota_of_clips_the_oldest_of_all_the_owners_doorbells_go() -> None:
    world = World(Limits(max_clips=3))
    for number, bell in ((1, SECOND), (2, BELL), (3, BELL), (4, SECOND), (5, BELL)):
        world.take(*clip(number, bell))
    assert world.removed == [name(1, SECOND), name(2)]
    assert world.clips(BELL, SECOND) == sorted([name(3), name(4, SECOND), name(5)])


def test_over_the_quota_of_bytes_as_many_go_as_make_room() -> None:
    world = World(Limits(max_bytes=20_000))
    for number in range(1, 8):
        assert all(outcome.stored for outcome in world.take(*clip(number)))
        assert world.size_bytes <= 20_000
    kept = len(world.clips(BELL))
    assert 1 < kept < 7
    assert world.removed == [name(number) for number in range(1, 8 - kept)]


def test_another_owners_clips_are_not_touched() -> None:
    world = World(Limits(max_clips=1))
    world.take(*clip(1, OTHERS_BELL))
    world.take(*clip(2), *clip(3))
    assert world.clips(OTHERS_BELL) == [name(1, OTHERS_BELL)]


def test_a_clip_that_is_being_received_does_not_go_and_what_cannot_fit_is_refused() -> None:
    world = World(Limits(max_clips=1))
    world.take(*clip(1, final=False)[:2])
    (refused,) = world.take(clip(2)[0])
    assert refused.refused
    assert refused.refused.reason == "over-quota"
    (said,) = read_receipts(refused.receipt or b"", verify_key_of(RELAY))
    assert (said.verdict, said.reason, said.clip) == ("refused", "over-quota", name(2))
    world.now_ms += DAY_MS + 60_000  # it has rested for a day: nothing more comes
    assert all(outcome.stored for outcome in world.take(*clip(2)))
    assert world.clips(BELL) == [name(2)]


def test_a_part_that_comes_late_never_pushes_out_its_own_clip() -> None:
    world = World(Limits(max_bytes=6_000))
    parts = clip(1, parts=4)
    world.take(parts[0], parts[1], parts[3])
    (refused,) = world.take(parts[2])
    assert refused.refused
    assert refused.refused.reason == "over-quota"
    assert world.clips(BELL) == [name(1)]


def test_a_part_larger_than_the_whole_quota_removes_nothing_for_its_sake() -> None:
    world = World(Limits(max_bytes=7_000))
    world.take(*clip(1))
    (refused,) = world.take(BELL.clip(3, number=2, size=8_000)[0])
    assert refused.refused
    assert refused.refused.reason == "over-quota"
    assert world.clips(BELL) == [name(1)]


def test_without_limits_nothing_is_counted_while_parts_come() -> None:
    world = World(Limits())
    world.store.calls.clear()
    world.take(*clip(1))
    assert world.store.calls["list"] <= 1


@given(st.lists(st.tuples(st.sampled_from("atr"), st.integers(1, 6)), max_size=20))
def test_what_is_counted_is_what_is_there(steps: list[tuple[str, int]]) -> None:
    world = World(Limits(max_bytes=30_000))
    for what, number in steps:
        if what == "a":
            world.take(*clip(number))
        elif what == "t":
            world.monotonic_s += RECOUNT_S
        else:
            world.take(*clip(number), *clip(number))
        used = world.quota.use(OWNER.card.key)
        assert (used.size_bytes, used.clips) == (world.size_bytes, len(world.clips(BELL)))
