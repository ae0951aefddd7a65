"""A relay that says that it deleted, and lies; one that hides, and calls it deleted; and what is rightly gone."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import clip_factory
from owner_world import Ran, World
from relay_double import RelayDouble
from sealbell_owner.gone import NOT_SIGNED, STILL_SHOWN
from sealbell_wire.part import Part
from sealbell_wire.receipt import NO_REASON, Receipt
from sealbell_wire.sshsig import verify_key_of
from sealbell_wire.tombstone import Tombstone, take_tombstone


@contextlib.contextmanager
def living(folder: Path, relay: type[RelayDouble] = RelayDouble) -> Iterator[World]:
    """A world whose doorbell records today."""
    with World(folder, relay) as world:
        world.bell.wall_ms = time.time_ns() // 1_000_000 - 3_600_000
        yield world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with living(tmp_path) as world:
        yield world


def record(world: World, count: int = 3) -> list[list[Part]]:
    clips = [world.bell.record(media=1) for _ in range(count)]
    world.keep(*clips)
    assert world.run("clips", "--json").json["findings"] == []
    return clips


def name(clip: list[Part]) -> str:
    return clip[0].record.clip


def findings(world: World) -> dict[str, str]:
    told = world.run("clips", "--json").json["findings"]
    return {one["clip"]: one["finding"] for one in told}


def delete(world: World, *clips: list[Part]) -> Ran:
    return world.run("delete", *(name(clip)[:16] for clip in clips), "--yes")


def _key(seed: int) -> str:
    return verify_key_of(clip_factory.key_of(seed)).hex()


def kept(world: World) -> list[bytes]:
    folder = world.home.folder / "ended"
    return [path.read_bytes() for path in sorted(folder.iterdir())] if folder.is_dir() else []


def test_what_the_owner_deleted_is_gone_and_is_no_accusation(world: World) -> None:
    first, second, third = record(world)
    ran = delete(world, second)
    assert ran.code == 0, ran.err
    assert "the relay signed" in ran.out
    assert findings(world) == {}
    joins = {row["clip"]: row["joins"] for row in world.run("clips", "--json").json["clips"]}
    assert joins == {name(first): True, name(third): True}, "the chain holds across what was deleted"
    assert world.run("verify", name(third)).code == 0
    (frame,) = kept(world)
    assert take_tombstone(frame)[0].name == name(second)


def test_a_clip_that_is_shown_after_it_was_deleted_is_told(tmp_path: Path) -> None:
    class Liar(RelayDouble):
        def bury(self, body: bytes) -> bytes:
            before = {doorbell: dict(clips) for doorbell, clips in self.store.objects.items()}
            receipts = super().bury(body)
            self.store.objects = before
            return receipts

    with living(tmp_path, Liar) as world:
        _, second, _ = record(world)
        delete(world, second)
        assert findings(world) == {name(second): STILL_SHOWN}
        assert world.run("verify", name(second)).code == 1


def _wrong(kind: str, relay: RelayDouble, tombstone: Tombstone) -> bytes:
    key = clip_factory.key_of(51) if kind == "forged" else relay.store.relay_key
    named = "77" * 32 if kind == "of another tombstone" else tombstone.hash
    verdict: Any = "stored" if kind == "of another verdict" else "deleted"
    if kind == "none":
        return b""
    return Receipt(tombstone.doorbell, tombstone.name, 0, named, verdict, NO_REASON, 1).sign(key)


@pytest.mark.parametrize("kind", ["forged", "none", "of another tombstone", "of another verdict"])
def test_a_deletion_that_is_not_signed_for_is_not_believed(tmp_path: Path, kind: str) -> None:
    class Evasive(RelayDouble):
        def bury(self, body: bytes) -> bytes:
            return _wrong(kind, self, take_tombstone(body)[0])

    with living(tmp_path, Evasive) as world:
        _, second, _ = record(world)
        assert delete(world, second).code == 1
        assert findings(world) == {name(second): NOT_SIGNED}
        (frame,) = kept(world)
        assert take_tombstone(frame)[2] == b"", "the tombstone is kept, to be given again"


def test_a_relay_cannot_hide_a_clip_by_calling_it_deleted(world: World) -> None:
    _, second, third = record(world)
    forged = Tombstone("ab" * 32, "clip", world.bell.doorbell, name(second), 1)
    for frame in (
        forged.sign(clip_factory.key_of(60)),
        Tombstone(world.bell.card.owner, "clip", world.bell.doorbell, name(second), 1).sign(clip_factory.key_of(60)),
        Tombstone(_key(60), "clip", world.bell.doorbell, name(second), 1).sign(clip_factory.key_of(60)),
    ):
        world.relay.buried = [frame]
        world.store.objects[world.bell.doorbell].pop(name(second), None)
        ran = world.run("clips", "--json")
        assert ran.code == 1, "what it shows as the owner's word is not: that is refused"
        assert kept(world) == []
    world.relay.buried = []
    assert findings(world) == {
        name(second): "was seen before, and is no longer shown",
        name(third): findings(world)[name(third)],
    }


def test_a_deletion_by_another_phone_is_learned_and_is_no_accusation(world: World) -> None:
    _, second, _ = record(world)
    other = Tombstone(world.bell.card.owner, "clip", world.bell.doorbell, name(second), 1)
    world.relay.buried = [other.sign(world.home.key())]
    world.store.objects[world.bell.doorbell].pop(name(second))
    assert findings(world) == {}
    assert len(kept(world)) == 1


def test_deleting_one_clip_does_not_excuse_that_its_neighbour_is_hidden(world: World) -> None:
    _, second, third, fourth = record(world, 4)
    delete(world, second)
    world.store.objects[world.bell.doorbell].pop(name(third))
    told = findings(world)
    assert told[name(third)] == "was seen before, and is no longer shown"
    assert name(fourth) in told


def test_another_end_of_the_deleted_clip_is_noticed_by_the_clip_after_it(world: World) -> None:
    clips = [world.bell.record(media=1, end=False) for _ in range(2)]
    whole = world.bell.record(media=1)
    cut = clips[1][:-1]
    world.keep(clips[0], cut)
    world.run("clips")
    world.keep(whole)
    delete(world, clips[1])
    assert "its end is another" in findings(world)[name(whole)]


def test_what_is_past_its_days_is_gone_without_an_accusation(world: World) -> None:
    world.bell.wall_ms -= 40 * 86_400_000
    old = world.bell.record(media=1)
    world.bell.wall_ms += 40 * 86_400_000
    new = world.bell.record(media=1)
    world.keep(old, new)
    world.run("clips")
    world.store.objects[world.bell.doorbell].pop(name(old))
    assert findings(world) == {}
    joins = {row["clip"]: row["joins"] for row in world.run("clips", "--json").json["clips"]}
    assert joins == {name(new): True}


def test_what_is_within_its_days_is_missed(world: World) -> None:
    world.bell.wall_ms -= 29 * 86_400_000
    old = world.bell.record(media=1)
    world.bell.wall_ms += 29 * 86_400_000
    world.keep(old, world.bell.record(media=1))
    world.run("clips")
    world.store.objects[world.bell.doorbell].pop(name(old))
    assert findings(world)[name(old)] == "was seen before, and is no longer shown"


def test_nothing_is_deleted_unless_somebody_says_so(world: World) -> None:
    clips = record(world)
    ran = world.run("delete", name(clips[0]))
    assert (ran.code, kept(world)) == (1, [])
    assert "--yes" in ran.err
    assert len(world.store.objects[world.bell.doorbell]) == 3


def test_everything_before_a_day_is_deleted(world: World) -> None:
    world.bell.wall_ms -= 10 * 86_400_000
    old = world.bell.record(media=1)
    world.bell.wall_ms += 10 * 86_400_000
    world.keep(old, new := world.bell.record(media=1))
    day = time.strftime("%Y-%m-%d", time.localtime(time.time() - 5 * 86_400))
    assert world.run("delete", "--before", day, "--yes").code == 0
    assert list(world.store.objects[world.bell.doorbell]) == [name(new)]


def test_a_restored_relay_is_given_all_tombstones_before_anything_else(tmp_path: Path) -> None:
    class Restored(RelayDouble):
        held = False

        def answer(self, path: str, query: dict[str, str]) -> Any:
            return (503, {"error": "held", "nonce": "5c" * 32}) if self.held else super().answer(path, query)

    with living(tmp_path, Restored) as world:
        clips = record(world)
        delete(world, clips[0], clips[1])
        world.relay.posted.clear()
        world.relay.answers["/v1/resumption"] = 200
        world.relay.held = True  # type: ignore[attr-defined] # it is a Restored
        ran = world.run("clips")
        assert ran.code == 1, "this one goes on saying that it was restored: it is asked once more, and not for ever"
        paths = [path for path, _, _ in world.relay.posted]
        assert paths == ["/v1/tombstones", "/v1/resumption"]
        assert "2 tombstones" in ran.err
