"""A tombstone ends what it names, at once and for good, in whatever order it meets the parts, and whoever dies."""

from dataclasses import dataclass, field

import pytest

from parts_factory import STARTED_MS, Doorbell, Owner, topic_of
from sealbell_relay.audit.tenant_checks import check_ending
from sealbell_relay.errors import StoreError
from sealbell_relay.intake.healths import HealthShelf, Kept
from sealbell_relay.intake.intake import Intake, Outcome
from sealbell_relay.keep.deletion import Deletion
from sealbell_relay.store.archive import Archive
from sealbell_relay.store.store import Store
from sealbell_relay.tenants.allow import Register
from sealbell_relay.tenants.endings import operators_word
from sealbell_relay.tenants.revocation import Revocation
from sealbell_wire.ids import ZERO_ID
from sealbell_wire.part import Part
from sealbell_wire.receipt import Receipt, read_receipts
from sealbell_wire.sshsig import verify_key_of
from sealbell_wire.tombstone import Kind, Tombstone
from sealbell_wire.topics import parse_up
from store_doubles import FailingStore, MemoryStore

OWNER, OTHER = Owner(1), Owner(2)
BELL, OTHERS_BELL = Doorbell(1, OWNER), Doorbell(2, OTHER)
CLIP, NEXT = BELL.clip(4), BELL.clip(4, number=2)
RELAY = Owner(9).key
NOW_MS = STARTED_MS + 1_000_000


def tombstone(kind: Kind = "clip", bell: Doorbell = BELL, clip: str = CLIP[0].record.clip) -> Tombstone:
    name = {"clip": clip, "doorbell": ZERO_ID, "token": bell.owner.card.token_hash}[kind]
    return Tombstone(bell.owner.card.key, kind, ZERO_ID if kind == "token" else bell.id, name, NOW_MS)


@dataclass
class World:
    """A relay without its sockets; `died` names how many more writes it makes before it is killed."""

    store: Store = field(default_factory=MemoryStore)

    def __post_init__(self) -> None:
        self.archive = Archive(self.store, lambda _: None)
        self.register = Register(self.store)
        for bell in (BELL, OTHERS_BELL):
            self.register.allow(bell.owner.card)
            self.register.allow(bell.card)
        self.restart()

    def restart(self) -> None:
        self.intake = Intake(self.archive, self.register, RELAY, lambda: NOW_MS)
        self.deletion = Deletion(self.store, self.archive, self.register, RELAY, lambda: NOW_MS, None)

    def take(self, *parts: Part) -> list[Outcome]:
        return [self.intake.take(parse_up(topic_of(part)), part.encode()) for part in parts]

    def obey(self, one: Tombstone, bell: Doorbell = BELL) -> Receipt:
        receipt = self.deletion.obey(one, one.sign(bell.owner.key))
        self.intake.forget(one.doorbell, one.name)
        (read,) = read_receipts(receipt, verify_key_of(RELAY))
        return read

    def clips(self, bell: Doorbell = BELL) -> list[str]:
        """What lies in the store, whatever anything says of it."""
        assert isinstance(self.store, MemoryStore)
        return sorted({name.split("/")[3] for name in self.store.objects if name.startswith(f"clips/{bell.id}/")})


def verdict(outcome: Outcome) -> str:
    assert outcome.receipt is not None
    return read_receipts(outcome.receipt, verify_key_of(RELAY))[0].verdict


def test_a_deleted_clip_is_gone_from_the_store_and_the_receipt_says_so() -> None:
    world = World()
    world.take(*CLIP, *NEXT)
    said = world.obey(tombstone())
    assert (said.doorbell, said.clip, said.verdict, said.record, said.arrived_ms) == (
        BELL.id, CLIP[0].record.clip, "deleted", tombstone().hash, NOW_MS,
    )  # fmt: skip
    assert world.clips() == [NEXT[0].record.clip]
    assert [one.clip for one in world.archive.page(BELL.id, 10, None)[0]] == [NEXT[0].record.clip]


def test_a_part_that_comes_after_the_deletion_is_not_stored_and_the_doorbell_may_drop_it() -> None:
    world = World()
    world.take(*CLIP[:2])
    world.obey(tombstone())
    assert [verdict(outcome) for outcome in world.take(*CLIP)] == ["deleted"] * len(CLIP)
    assert world.clips() == []
    assert world.take(*NEXT)[0].stored is not None


def test_a_part_under_way_while_its_clip_is_deleted_removes_itself() -> None:
    class Late(MemoryStore):
        """Deletes the clip just before the part is there: the deleting relay has listed it already."""

        def put(self, name: str, data: bytes) -> bool:
            if name.endswith("000001.part"):
                world.obey(tombstone())
            return super().put(name, data)

    world = World(Late())
    outcomes = world.take(*CLIP)
    assert [verdict(outcome) for outcome in outcomes] == ["stored", "deleted", "deleted", "deleted"]
    assert world.clips() == []


def test_deleting_twice_is_answered_twice_and_changes_nothing() -> None:
    world = World()
    world.take(*CLIP)
    assert isinstance(world.store, MemoryStore)
    first = world.obey(tombstone())
    kept = dict(world.store.objects)
    assert world.obey(tombstone()) == first
    assert world.store.objects == kept


def test_a_clip_may_be_deleted_before_anything_of_it_came() -> None:
    world = World()
    world.obey(tombstone())
    assert [verdict(outcome) for outcome in world.take(*CLIP)] == ["deleted"] * 4


def test_an_ended_doorbell_is_a_stranger_and_nothing_of_it_is_left() -> None:
    world = World()
    world.take(*CLIP, *NEXT)
    HealthShelf(world.store).keep(BELL.id, Kept(1, NOW_MS, BELL.health(1).encode()))
    assert world.obey(tombstone("doorbell")).clip == ZERO_ID
    assert world.clips() == []
    assert HealthShelf(world.store).newest(BELL.id) is None
    assert world.register.doorbell(BELL.id) is None
    assert world.register.owned_by(OWNER.card) == []
    assert [outcome.receipt for outcome in world.take(*CLIP)] == [None] * 4


def test_an_ended_token_lets_nobody_in() -> None:
    world = World()
    assert world.register.owner_by_token(OWNER.token) == OWNER.card
    world.obey(tombstone("token"))
    assert world.register.owner_by_token(OWNER.token) is None
    assert world.register.owner_by_token(OTHER.token) == OTHER.card


@pytest.mark.parametrize("kind", ["clip", "doorbell", "token"])
def test_an_owner_ends_nothing_of_another_owner(kind: Kind) -> None:
    deletion = World().deletion
    theirs = tombstone(kind, OTHERS_BELL)
    assert deletion.may(OTHER.card.key, theirs)
    assert not deletion.may(OWNER.card.key, theirs)
    as_mine = Tombstone(OWNER.card.key, kind, theirs.doorbell, theirs.name, NOW_MS)
    assert not deletion.may(OWNER.card.key, as_mine)


def test_whoever_has_the_owners_token_ends_nothing_by_another_key() -> None:
    by_a_thief = Tombstone(OTHER.card.key, "clip", BELL.id, CLIP[0].record.clip, NOW_MS)
    assert not World().deletion.may(OWNER.card.key, by_a_thief)


def test_nobody_ends_a_doorbell_that_is_not_enrolled() -> None:
    stranger = Doorbell(3, OWNER)
    assert not World().deletion.may(OWNER.card.key, tombstone("doorbell", stranger))


def test_deleting_one_doorbells_clip_leaves_anothers_of_the_same_name() -> None:
    world = World()
    theirs = OTHERS_BELL.part(CLIP[0].record.clip, 0, "notice", "0" * 64, b"".join([CLIP[0].sealed or b""]))
    world.take(*CLIP, theirs)
    world.obey(tombstone())
    assert world.clips() == []
    assert world.clips(OTHERS_BELL) == [CLIP[0].record.clip]


def test_every_tombstone_is_listed_for_its_owner_and_for_nobody_else() -> None:
    world = World()
    given = [tombstone("clip", BELL, f"{number:032x}") for number in range(1, 250)] + [tombstone("doorbell")]
    for one in given:
        world.deletion.end(one, one.sign(OWNER.key))
    theirs = tombstone("doorbell", OTHERS_BELL)
    world.deletion.end(theirs, theirs.sign(OTHER.key))
    first = world.deletion.page(OWNER.card.key, None)
    second = world.deletion.page(OWNER.card.key, first.next)
    assert (len(first.frames), second.next) == (128, None)
    assert sorted(first.frames + second.frames) == sorted(one.sign(OWNER.key) for one in given)
    assert world.deletion.page(OTHER.card.key, None).frames == (theirs.sign(OTHER.key),)


class DyingStore(MemoryStore):
    """Is killed at a write: that one and all that follow fail."""

    left = 10**9

    def put(self, name: str, data: bytes) -> bool:
        self._live()
        return super().put(name, data)

    def remove(self, name: str) -> None:
        self._live()
        super().remove(name)

    def _live(self) -> None:
        if self.left == 0:
            raise StoreError("killed")
        self.left -= 1


@pytest.mark.parametrize("kind", ["clip", "doorbell"])
def test_a_relay_killed_at_any_step_of_a_deletion_ends_it_when_it_is_back(kind: Kind) -> None:
    for step in range(20):
        store = DyingStore()
        world = World(store)
        world.take(*CLIP)
        HealthShelf(store).keep(BELL.id, Kept(1, NOW_MS, BELL.health(1).encode()))
        store.left = step
        try:
            world.obey(tombstone(kind))
        except StoreError:
            begun = bool(store.list("ended").folders)
            store.left = 10**9
            world.restart()
            assert not begun or world.archive.names(BELL.id, CLIP[0].record.clip) == [] or kind == "doorbell"
            world.deletion.finish()
            assert (world.clips() == []) is begun, "once it has begun, it ends without being asked again"
            world.obey(tombstone(kind))
        else:
            assert step > 5, "the deletion has more steps than were tried"
            return
        assert world.clips() == []
    pytest.fail("it never got through")


def test_clips_of_a_doorbell_that_was_only_revoked_go_for_good_once_they_are_to_go() -> None:
    world = World()
    world.take(*CLIP)
    assert isinstance(world.store, MemoryStore)
    before = dict(world.store.objects)
    revocation = Revocation(world.store)
    revocation.end("doorbell", BELL.id, operators_word("now", delete=False))
    assert (world.deletion.finish(), world.clips()) == (0, [CLIP[0].record.clip])
    assert revocation.remove("doorbell", BELL.id, word := operators_word("later", delete=True)) == 1
    assert world.clips() == []
    assert check_ending("clips", BELL.id, word) == []
    world.store.objects |= before  # a part that came meanwhile, or an older copy
    assert (world.deletion.finish(), world.clips()) == (1, [])


def test_without_a_durable_end_nothing_is_removed_and_nothing_is_said() -> None:
    memory = MemoryStore()
    world = World(memory)
    world.take(*CLIP)
    failing = FailingStore(memory, frozenset({"put"}))
    deletion = Deletion(failing, Archive(failing, lambda _: None), Register(failing), RELAY, lambda: NOW_MS, None)
    with pytest.raises(StoreError):
        deletion.obey(tombstone(), tombstone().sign(OWNER.key))
    assert world.clips() == [CLIP[0].record.clip]


def test_the_second_copy_is_written_before_anything_ends() -> None:
    noted: list[bytes] = []
    world = World()
    world.take(*CLIP)

    class Full:
        def note(self, frame: bytes) -> None:
            noted.append(frame)
            raise StoreError("no space left on device")

    deletion = Deletion(world.store, world.archive, world.register, RELAY, lambda: NOW_MS, Full())
    with pytest.raises(StoreError):
        deletion.obey(tombstone(), frame := tombstone().sign(OWNER.key))
    assert noted == [frame]
    assert world.clips() == [CLIP[0].record.clip]
