"""A relay and a relay's folder are one thing to the owner: the same contract for both."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from clip_factory import WALL_MS, Doorbell
from owner_world import World
from sealbell_owner.errors import OwnerError
from sealbell_owner.folder import Folder
from sealbell_owner.listing import Offered
from sealbell_owner.relay import Relay
from sealbell_owner.source import Source


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path) as world:
        for _ in range(3):
            world.keep(world.bell.record(media=2))
        world.keep(world.bell.record(media=2, drop=[3], end=False))
        yield world


@pytest.fixture(params=["relay", "folder"])
def source(request: pytest.FixtureRequest, world: World) -> Source:
    if request.param == "relay":
        owner = world.home.owner()
        return Relay(owner.relay, owner.token)
    return Folder(world.store.write(world.folder / "relay"))


def names(world: World) -> list[str]:
    return sorted(world.store.objects[world.bell.doorbell], reverse=True)


def test_clips_come_newest_first_in_pages_that_go_on_where_the_last_one_ended(source: Source, world: World) -> None:
    first = source.clips(world.bell.doorbell, 3)
    assert [entry.clip for entry in first.clips] == names(world)[:3]
    assert first.next == names(world)[2]
    second = source.clips(world.bell.doorbell, 3, first.next)
    assert [entry.clip for entry in second.clips] == names(world)[3:]
    assert second.next is None


def test_an_exact_page_has_nothing_after_it(source: Source, world: World) -> None:
    assert source.clips(world.bell.doorbell, 4).next is None


def test_before_names_a_place_in_the_order_not_a_clip(source: Source, world: World) -> None:
    just_after = f"{int(names(world)[1], 16) + 1:032x}"
    assert source.clips(world.bell.doorbell, 1, just_after).clips[0].clip == names(world)[1]
    assert source.clips(world.bell.doorbell, 1, "0" * 32).clips == ()


def test_an_entry_tells_how_a_clip_begins_and_how_far_it_goes(source: Source, world: World) -> None:
    cut, whole = source.clips(world.bell.doorbell, 2).clips
    assert (cut.parts, cut.dropped, cut.final) == (3, 1, False)
    assert (whole.parts, whole.dropped, whole.final) == (5, 0, True)
    assert whole.first is not None
    assert whole.first.record.counter == 3
    assert whole.newest.record.kind == "manifest"
    assert whole.arrived_ms == whole.newest.record.wall_ms + 40
    assert whole.size_bytes == sum(map(len, world.store.objects[world.bell.doorbell][whole.clip].values()))


def test_parts_come_exactly_as_they_were_stored_in_order(source: Source, world: World) -> None:
    for name in names(world):
        stored = world.store.objects[world.bell.doorbell][name]
        assert list(source.parts(world.bell.doorbell, name)) == [stored[seq] for seq in sorted(stored)]
        assert list(source.parts(world.bell.doorbell, name, 2)) == [stored[seq] for seq in sorted(stored) if seq >= 2]


def test_a_clip_whose_first_part_has_not_arrived_is_listed_without_it(source: Source, world: World) -> None:
    clips = world.store.objects[world.bell.doorbell]
    del clips[names(world)[0]][0]
    folder = world.folder / "relay" / "store" / "clips" / world.bell.doorbell
    (folder / names(world)[0][:6] / names(world)[0] / "000000.part").unlink(missing_ok=True)
    assert source.clips(world.bell.doorbell, 1).clips[0].first is None


def test_a_clip_that_is_not_there_is_said_to_be_not_there(source: Source, world: World) -> None:
    with pytest.raises(OwnerError):
        list(source.parts(world.bell.doorbell, "0" * 32))


def test_a_doorbell_without_clips_has_none(source: Source, world: World) -> None:
    other = Doorbell(seed=2)
    world.relay.cards.append(other.card)
    assert source.clips(other.doorbell, 5).clips == ()


def test_health_is_none_or_the_newest_message_with_its_arrival(world: World) -> None:
    owner = world.home.owner()
    for said in (None, world.bell.say(WALL_MS), world.bell.say(WALL_MS + 5)):
        if said:
            world.store.hear(said, arrived_ms=WALL_MS + 7)
        for source in (Relay(owner.relay, owner.token), Folder(world.store.write(world.folder / "relay"))):
            assert source.health(world.bell.doorbell) == (Offered(said.encode(), WALL_MS + 7) if said else None)


def test_a_folder_that_is_no_relays_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OwnerError, match="holds no clips"):
        Folder(tmp_path)


def test_a_stored_part_wins_over_its_dropped_twin_and_strange_files_are_left_alone(world: World) -> None:
    parts = world.bell.record(media=1)
    world.keep(parts)
    root = world.store.write(world.folder / "relay")
    clip = parts[0].record.clip
    folder = root / "store" / "clips" / world.bell.doorbell / clip[:6] / clip
    (folder / "000002.dropped").write_bytes(b"")
    (folder / "000002.part.tmp").write_bytes(b"")
    (folder / "999999.part").write_bytes(b"")
    (folder.parent / "not-a-clip").mkdir()
    stored = world.store.clip(parts[0])
    for path in (root, root / "store"):
        source = Folder(path)
        assert list(source.parts(world.bell.doorbell, clip)) == [stored[seq] for seq in sorted(stored)]
        assert source.clips(world.bell.doorbell, 1).clips[0].parts == 4


def test_a_folder_of_garbage_lists_what_can_be_read(world: World) -> None:
    root = world.store.write(world.folder / "relay")
    newest, older = names(world)[:2]
    folder = root / "store" / "clips" / world.bell.doorbell
    for path in (folder / newest[:6] / newest).iterdir():
        path.write_bytes(b"garbage")
    last = folder / older[:6] / older / "000004.part"
    last.write_bytes(last.read_bytes()[:100])
    entry = Folder(root).clips(world.bell.doorbell, 1).clips[0]
    assert (entry.clip, entry.newest.record.seq) == (older, 3)
