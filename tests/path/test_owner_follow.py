"""Following: each ring as it comes, the film while it grows, and connections that break."""

import io
import json
import os
import queue
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import av
import pytest

from clip_factory import PICTURES_A_GOP, Doorbell
from owner_world import World
from relay_double import RelayDouble
from sealbell_owner.cli import main
from sealbell_owner.commands.follow import Follower
from sealbell_owner.errors import OwnerError
from sealbell_owner.films import FileFilms, Films, PipeFilms
from sealbell_owner.relay import Relay
from sealbell_wire.part import Part

DEADLINE_S = 20.0


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path) as world:
        yield world


class Following:
    """`sealbell-owner follow` in a thread, its lines as they come."""

    def __init__(self, world: World, *arguments: object) -> None:
        self._lines: queue.Queue[str] = queue.Queue()
        self._arguments = ["follow", str(world.home.folder), *map(str, arguments)]
        self.err = io.StringIO()
        self.code: int | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert world.relay.followers.acquire(timeout=DEADLINE_S)
        if "--json" in self._arguments:
            assert self.json() == {"following": world.bell.doorbell}, "programs are told when it listens"

    def _run(self) -> None:
        with redirect_stdout(_Lines(self._lines)), redirect_stderr(self.err):
            self.code = main(self._arguments)

    def line(self) -> str:
        return self._lines.get(timeout=DEADLINE_S)

    def json(self) -> Any:
        return json.loads(self.line())

    def end(self) -> int | None:
        self._thread.join(DEADLINE_S)
        return self.code


class _Lines(io.TextIOBase):
    def __init__(self, lines: "queue.Queue[str]") -> None:
        self._lines, self._pending = lines, ""

    def write(self, text: str) -> int:
        *whole, self._pending = (self._pending + text).split("\n")
        for line in whole:
            self._lines.put(line)
        return len(text)


def publish(world: World, parts: list[Part]) -> None:
    for part in parts:
        world.relay.publish(part)


def pictures(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_every_part_is_told_as_it_comes(world: World) -> None:
    following = Following(world, "--json", "--count", 1)
    parts = world.bell.record(media=2, press_before=[1])
    for part in parts:
        world.relay.publish(part)
        told = following.json()
        received_ms = told.pop("received_ms")
        assert received_ms > 1_600_000_000_000
        assert told == {
            "clip": part.record.clip,
            "seq": part.record.seq,
            "kind": part.record.kind,
            "trigger": "button" if part.record.kind == "notice" else None,
            "alert": True if part.record.kind == "notice" else None,
            "keyframe": part.record.keyframe,
            "dropped": False,
            "wall_ms": part.record.wall_ms,
            "bytes": part.record.size,
        }
    assert following.end() == 0


def test_a_ring_is_told_in_words_and_a_clip_that_is_over_too(world: World) -> None:
    following = Following(world, "--count", 1)
    publish(world, world.bell.record(media=1))
    assert "front: button" in following.line()
    assert "is over, whole: 4 parts" in following.line()
    assert following.end() == 0


def test_update_is_told_to_programs_alone_and_says_that_it_calls_nobody(world: World) -> None:
    in_words = Following(world, "--count", 1)
    publish(world, world.bell.record(media=2, update_before=[1]))
    assert "front: button" in in_words.line()
    assert "is over, whole: 6 parts" in in_words.line()
    assert in_words.end() == 0
    as_json = Following(world, "--json", "--count", 1)
    publish(world, world.bell.record(media=2, update_before=[1]))
    said = [as_json.json() for _ in range(6)]
    assert [(told["seq"], told["trigger"], told["alert"]) for told in said if told["kind"] == "notice"] == [
        (0, "button", True),
        (3, "update", False),
    ]
    assert as_json.end() == 0


def test_motion_that_is_only_recorded_is_told_as_that(world: World) -> None:
    following = Following(world, "--count", 1)
    publish(world, world.bell.record(media=1, trigger="pir", alert=False))
    assert "front: pir, no alert (" in following.line()
    following.line()
    assert following.end() == 0


def test_the_film_of_each_clip_is_in_a_file_and_plays(world: World) -> None:
    film = world.folder / "film.mp4"
    following = Following(world, "--out", film, "--count", 2)
    publish(world, world.bell.record(media=2))
    publish(world, world.bell.record(media=3))
    assert following.end() == 0
    assert pictures(film) == 2 * PICTURES_A_GOP
    assert pictures(world.folder / "film-2.mp4") == 3 * PICTURES_A_GOP


def test_the_film_can_be_played_before_it_ends(world: World) -> None:
    film = world.folder / "film.mp4"
    following = Following(world, "--json", "--out", film, "--count", 1)
    parts = world.bell.record(media=3)
    publish(world, parts[:4])
    while following.json()["seq"] < 3:
        pass
    assert pictures(film) == 2 * PICTURES_A_GOP
    publish(world, parts[4:])
    assert following.end() == 0


def test_parts_that_come_in_any_order_make_the_same_film(world: World) -> None:
    film = world.folder / "film.mp4"
    following = Following(world, "--out", film, "--count", 1)
    parts = world.bell.record(media=3)
    publish(world, [parts[seq] for seq in (0, 5, 3, 1, 4, 2)])
    assert following.end() == 0
    assert pictures(film) == 3 * PICTURES_A_GOP


def test_clips_from_before_are_not_told(world: World) -> None:
    world.keep(world.bell.record(media=1))
    following = Following(world, "--json", "--count", 1)
    publish(world, parts := world.bell.record(media=1))
    assert following.json()["clip"] == parts[0].record.clip
    assert following.end() == 0


def test_a_clip_that_is_being_recorded_is_followed_from_its_beginning(world: World) -> None:
    parts = world.bell.record(media=2)
    world.store.keep(parts[:3], arrived_ms=time.time_ns() // 1_000_000)
    following = Following(world, "--json", "--count", 1)
    assert [following.json()["seq"] for _ in range(3)] == [0, 1, 2]
    publish(world, parts[3:])
    assert following.end() == 0


def test_a_clip_that_was_interrupted_long_ago_is_not_awaited(world: World) -> None:
    world.keep(world.bell.record(media=1, end=False))
    following = Following(world, "--json", "--count", 1)
    publish(world, parts := world.bell.record(media=1))
    assert following.json()["clip"] == parts[0].record.clip
    assert following.end() == 0


def test_what_another_signed_is_refused_and_following_goes_on(world: World) -> None:
    following = Following(world, "--json", "--count", 1)
    forged = world.store.stored(Doorbell(seed=2).record(media=1)[0])
    parts = world.bell.record(media=1)
    world.store.objects[world.bell.doorbell] = {"0" * 31 + "1": {0: forged}}
    publish(world, parts)
    assert following.json()["clip"] == parts[0].record.clip
    assert following.end() == 1
    assert "refused: " in following.err.getvalue()


def test_what_was_followed_is_remembered(world: World) -> None:
    following = Following(world, "--count", 1)
    publish(world, parts := world.bell.record(media=1))
    assert following.end() == 0
    assert world.home.memory(world.pin)[parts[0].record.clip].newest == parts[-1].hash


class Breaking(RelayDouble):
    """Breaks every stream in the middle of its second part, three times."""

    breaks = 3

    def follow(self, doorbell: str, after: str) -> Iterator[bytes]:
        stream = super().follow(doorbell, after)
        if self.breaks == 0:
            yield from stream
            return
        self.breaks -= 1
        parts = (piece for piece in stream if struct.unpack(">I", piece[:4])[0])
        yield next(parts)
        yield next(parts)[:50]


def test_a_connection_that_breaks_is_made_again_after_ever_longer_pauses_and_nothing_is_missed(tmp_path: Path) -> None:
    pauses: list[float] = []
    with World(tmp_path, relay=Breaking) as world:
        film = tmp_path / "film.mp4"
        owner = world.home.owner()
        follower = Follower(world.home, world.pin, FileFilms(film), as_json=True, quiet=False)
        world.keep(world.bell.record(media=1))
        parts = world.bell.record(media=3)

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 1:
                publish(world, parts)

        def begin() -> None:
            assert world.relay.followers.acquire(timeout=DEADLINE_S)
            publish(world, parts[:2])

        beginning = threading.Thread(target=begin)
        beginning.start()
        lines: queue.Queue[str] = queue.Queue()
        with redirect_stdout(_Lines(lines)), redirect_stderr(io.StringIO()):
            assert follower.run(Relay(owner.relay, owner.token), 1, pause) == 0
        beginning.join()
        told = [json.loads(lines.get_nowait()) for _ in range(lines.qsize())]
        assert [line["seq"] for line in told if "seq" in line] == list(range(len(parts)))
        assert sum("following" in line for line in told) > 1, "told each time that it listens again"
        assert len(pauses) == 3
        assert pictures(film) == 3 * PICTURES_A_GOP


def test_pauses_grow_up_to_a_limit_while_a_relay_is_away(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        owner = world.home.owner()
    pauses: list[float] = []

    class Enough(Exception):
        pass

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 9:
            raise Enough

    follower = Follower(world.home, world.pin, Films(), as_json=True, quiet=False)
    with redirect_stderr(io.StringIO()) as err, pytest.raises(Enough):
        follower.run(Relay(owner.relay, owner.token), 1, pause)
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert "connecting again" in err.getvalue()


def test_an_owner_whom_the_relay_does_not_know_need_not_wait(world: World) -> None:
    world.relay.token = "0" * 64
    assert world.run("follow").code == 1


def test_a_player_gets_one_film_after_the_other() -> None:
    pipe = io.BytesIO()
    films = PipeFilms(pipe)
    films.write("1", [b"a"])
    films.write("2", [b"b"])
    films.write("1", [b"late"])
    films.write("2", [b"c"])
    assert pipe.getvalue() == b"abc"


def test_a_player_reads_the_film_on_its_standard_input_and_its_end_is_ours(world: World) -> None:
    command = [sys.executable, "-m", "sealbell_owner.cli", "follow", str(world.home.folder), "--out", "-"]
    with subprocess.Popen([*command, "--count", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as player:
        assert world.relay.followers.acquire(timeout=DEADLINE_S)
        publish(world, world.bell.record(media=2))
        out, err = player.communicate(timeout=DEADLINE_S)
    assert player.returncode == 0
    film = world.folder / "film.mp4"
    film.write_bytes(out)
    assert pictures(film) == 2 * PICTURES_A_GOP
    assert b"front: button" in err
    read, write = os.pipe()
    os.close(read)
    with subprocess.Popen(command, stdout=write, stderr=subprocess.PIPE) as player:
        os.close(write)
        assert world.relay.followers.acquire(timeout=DEADLINE_S)
        publish(world, world.bell.record(media=2))
        _, err = player.communicate(timeout=DEADLINE_S)
    assert player.returncode == 1
    assert b"Traceback" not in err


def test_json_and_a_player_cannot_share_standard_output(world: World) -> None:
    refused = world.run("follow", "--json", "--out", "-")
    assert refused.code == 2
    assert "hint: " in refused.err


def test_one_doorbell_is_followed_at_a_time(world: World) -> None:
    world.home.pin(world.another_bell(2).card, "back")
    assert "--doorbell" in world.run("follow").err


def test_a_film_that_cannot_be_written_ends_it(world: World, tmp_path: Path) -> None:
    films = FileFilms(tmp_path / "absent" / "film.mp4")
    with pytest.raises(OwnerError, match="cannot write"):
        films.write("1", [b"a"])
