"""The owner at a keyboard: every command, over a relay and over a relay's folder."""

import io
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from clip_factory import GOP_MS, JPEG, PICTURES_A_GOP, Doorbell
from owner_world import ENTROPY, World
from sealbell_owner.cli import main
from sealbell_owner.home import Home
from sealbell_owner.keys import derive_root
from sealbell_owner.words import decode_words, encode_words


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path) as world:
        yield world


def pictures(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def set_up(world: World, *arguments: object) -> int:
    card = world.folder / "relay.json"
    card.write_bytes(world.relay.card.encode())
    return main([*map(str, arguments), "--relay", str(card)])


def test_init_shows_24_words_once_and_keeps_keys_that_come_from_them(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    made = world.folder / "made"
    assert set_up(world, "init", made) == 0
    out = capsys.readouterr().out
    numbered = out.split("\n\n")[1].split()
    words = [numbered[numbered.index(str(place)) + 1] for place in range(1, 25)]
    root = derive_root(decode_words(" ".join(words)), 0)
    assert Home(made).owner().token == root.token.hex()
    assert stat.S_IMODE(made.stat().st_mode) == 0o700


FEW_WORDS = 6


def test_init_writes_the_words_to_a_private_file_when_asked_and_shows_none(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    words = world.folder / "words.txt"
    assert set_up(world, "init", world.folder / "made", "--words-file", words) == 0
    assert stat.S_IMODE(words.stat().st_mode) == 0o600
    root = derive_root(decode_words(words.read_text()), 0)
    assert Home(world.folder / "made").owner().signing_seed == root.signing_seed.hex()
    shown = capsys.readouterr().out.split()
    # A drawn word may be one that any sentence has; all of them are what is never shown.
    assert len(set(words.read_text().split()) & set(shown)) < FEW_WORDS


def test_init_overwrites_neither_words_nor_an_owner(world: World) -> None:
    words = world.folder / "words.txt"
    words.write_text("precious")
    assert set_up(world, "init", world.folder / "made", "--words-file", words) == 1
    assert words.read_text() == "precious"
    assert not (world.folder / "made").exists()
    assert set_up(world, "init", world.home.folder) == 1


def test_recover_makes_the_same_owner_again_whom_relay_and_doorbell_know(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = world.folder / "again"
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(encode_words(ENTROPY))))
    assert set_up(world, "recover", again) == 0
    for name in ("owner.json", "identity.txt", "bundle.json", "card.json"):
        assert (again / name).read_bytes() == (world.home.folder / name).read_bytes(), name


def test_recover_refuses_wrong_words_without_repeating_them(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("abandon " * 23 + "xyzzy"))
    assert set_up(world, "recover", world.folder / "again") == 1
    err = capsys.readouterr().err
    assert "error: words: word 24" in err
    assert "hint: " in err
    assert "xyzzy" not in err


def test_a_doorbell_is_pinned_from_its_card(world: World) -> None:
    card = world.folder / "card.json"
    bell = world.another_bell(2)
    card.write_bytes(bell.card.encode())
    assert "back" in world.run("pin", card, "--name", "back").out
    listed = world.run("doorbells", "--json").json
    assert [(d["name"], d["doorbell"]) for d in listed["doorbells"]] == [
        ("back", bell.doorbell),
        ("front", world.bell.doorbell),
    ]
    assert listed["not_pinned"] == []


def test_a_doorbell_that_only_the_relay_names_is_listed_as_that(world: World) -> None:
    stranger = Doorbell(seed=9)
    world.relay.cards.append(stranger.card)
    assert [d["doorbell"] for d in world.run("doorbells", "--json").json["not_pinned"]] == [stranger.doorbell]
    assert "(not pinned)" in world.run("doorbells").out


def test_clips_are_listed_newest_first_with_why_and_how_long(world: World) -> None:
    clips = [world.bell.record(media=2, trigger="motion", alert=False), world.bell.record(media=3, synced=False)]
    clips.append(world.bell.record(media=2, end=False, continues=clips[1][0].record.clip))
    world.keep(*clips)
    listed = world.run("clips", "--json")
    assert listed.code == 0
    assert listed.json["findings"] == []
    cut, ring, motion = listed.json["clips"]
    assert [row["clip"] for row in (cut, ring, motion)] == [clip[0].record.clip for clip in reversed(clips)]
    assert [row["trigger"] for row in (cut, ring, motion)] == ["button", "button", "motion"]
    assert [row["alert"] for row in (cut, ring, motion)] == [True, True, False]
    assert (ring["lasted_ms"], motion["lasted_ms"], cut["lasted_ms"]) == (3 * GOP_MS, 2 * GOP_MS, None)
    assert (ring["interrupted"], cut["interrupted"]) == (False, True)
    assert cut["last_moment_ms"] == clips[2][-1].record.wall_ms
    assert cut["continues"] == clips[1][0].record.clip
    assert (ring["synced"], motion["synced"]) == (False, True)
    assert [row["joins"] for row in (cut, ring, motion)] == [True, True, True]
    assert (ring["parts"], ring["dropped"]) == (6, 0)
    table = world.run("clips").out
    assert "interrupted at " in table
    assert "3.0 s" in table
    assert "motion, no alert" in table
    assert table.index(clips[2][0].record.clip[:12]) < table.index(clips[0][0].record.clip[:12])


def test_a_limit_shows_so_many_and_fetches_no_more(world: World) -> None:
    world.keep(*(world.bell.record(media=1) for _ in range(5)))
    listed = world.run("clips", "--limit", 2, "--json").json
    assert len(listed["clips"]) == 2
    assert [row["joins"] for row in listed["clips"]] == [True, True]
    assert sum("/parts" in path for path in world.relay.requests) == 4
    assert world.run("clips", "--limit", "0").code == 2


def test_clips_of_several_doorbells_are_one_list_or_one_doorbells(world: World) -> None:
    other = world.another_bell(2)
    world.relay.cards.append(other.card)
    world.home.pin(other.card, "back")
    world.keep(world.bell.record(media=1), other.record(media=1), world.bell.record(media=1))
    assert [row["name"] for row in world.run("clips", "--json").json["clips"]].count("back") == 1
    only = world.run("clips", "--doorbell", "back", "--json").json["clips"]
    assert [row["doorbell"] for row in only] == [other.doorbell]


def test_an_owner_with_no_clips_gets_an_empty_list(world: World) -> None:
    assert world.run("clips", "--json").json == {"clips": [], "findings": []}


@pytest.mark.parametrize("where", ["relay", "folder"])
def test_a_clip_is_opened_into_a_file_that_plays(world: World, where: str) -> None:
    world.keep(world.bell.record(media=1), parts := world.bell.record(media=3, press_before=[2]))
    source = ("--from", world.store.write(world.folder / "relay")) if where == "folder" else ()
    opened = world.open("latest", *source)
    assert opened.code == 0
    first = parts[0].record
    assert opened.json == {
        "clip": first.clip,
        "doorbell": world.bell.doorbell,
        "trigger": "button",
        "alert": True,
        "triggers": [["button", at_ms, at_ms] for at_ms in (first.monotonic_ms, first.monotonic_ms + 2 * GOP_MS)],
        "start_ms": first.monotonic_ms,
        "end_ms": first.monotonic_ms + 3 * GOP_MS,
        "parts": 7,
        "bytes": sum(part.record.size for part in parts),
        "interrupted": False,
        "verified": True,
        "missing": [],
        "dropped": [],
        "lost": 0,
        "refused": [],
        "wall_ms": first.wall_ms,
        "synced": True,
        "last_moment_ms": None,
        "opened": str(world.opened),
    }
    assert pictures(world.opened) == 3 * PICTURES_A_GOP
    assert stat.S_IMODE(world.opened.stat().st_mode) == 0o600


def test_a_clip_is_named_by_the_beginning_of_its_id(world: World) -> None:
    clips = [world.bell.record(media=1) for _ in range(3)]
    world.keep(*clips)
    for clip in clips:
        name = clip[0].record.clip
        assert world.open(name).json["clip"] == name
        assert world.open(name[:12]).json["clip"] == name
    for wanted, what in [(name[:3], "more than one"), ("0" * 32, "no such clip"), ("../x", "not the beginning")]:
        refused = world.open(wanted)
        assert refused.code == 1
        assert what in refused.err
        assert "hint: " in refused.err


def test_without_out_the_file_is_named_after_the_clip(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.keep(parts := world.bell.record(media=1))
    monkeypatch.chdir(world.folder)
    said = world.run("open", "latest")
    assert said.code == 0
    assert f"{parts[0].record.clip}.mp4" in said.out
    assert pictures(world.folder / f"{parts[0].record.clip}.mp4") == PICTURES_A_GOP


def test_an_interrupted_clip_is_opened_as_far_as_it_arrived_and_says_so(world: World) -> None:
    world.keep(world.bell.record(media=3, end=False)[:4])
    opened = world.open()
    assert opened.code == 0
    assert (opened.json["interrupted"], opened.json["verified"]) == (True, True)
    assert opened.json["end_ms"] - opened.json["start_ms"] == 2 * GOP_MS
    assert opened.json["last_moment_ms"] == opened.json["wall_ms"] + 2 * GOP_MS
    assert pictures(world.opened) == 2 * PICTURES_A_GOP
    said = world.run("open", "latest", "--out", world.opened)
    assert "interrupted  its end never arrived; the last moment is " in said.out


def test_dropped_parts_are_named_and_the_film_goes_on_behind_them(world: World) -> None:
    world.keep(world.bell.record(media=4, drop=[3]))
    opened = world.open()
    assert opened.code == 0
    assert (opened.json["dropped"], opened.json["missing"]) == ([3], [])
    assert pictures(world.opened) == 3 * PICTURES_A_GOP


def test_a_missing_part_is_named_and_the_rest_is_written(world: World) -> None:
    world.keep(parts := world.bell.record(media=4))
    del world.store.clip(parts[0])[3]
    opened = world.open()
    assert opened.code == 1
    assert (opened.json["missing"], opened.json["verified"]) == ([3], False)
    assert pictures(world.opened) == 3 * PICTURES_A_GOP


def test_a_clip_of_which_only_the_notice_arrived_is_opened_to_nothing_and_says_so(world: World) -> None:
    world.keep(world.bell.record(media=2)[:1])
    opened = world.open()
    assert opened.code == 0
    assert opened.json["opened"] is None
    assert opened.json["interrupted"]
    assert not world.opened.exists()
    assert "no picture had arrived" in world.run("open", "latest", "--out", world.opened).out


def test_parts_are_saved_as_plaintext_when_asked(world: World) -> None:
    world.keep(world.bell.record(media=1, drop=[2]))
    folder = world.folder / "parts"
    world.open("latest", "--parts", folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "000000.jpg",
        "000000.notice",
        "000001.init",
        "000003.manifest",
    ]
    assert (folder / "000000.jpg").read_bytes() == JPEG
    assert b'"triggers"' in (folder / "000003.manifest").read_bytes()


def test_a_file_that_cannot_be_written_is_an_error_and_leaves_nothing(world: World) -> None:
    world.keep(world.bell.record(media=1))
    refused = world.run("open", "latest", "--out", world.folder / "absent" / "x.mp4")
    assert refused.code == 1
    assert refused.err.startswith("error: cannot write ")


def test_a_relay_that_is_away_is_an_error_that_says_what_to_do(world: World, tmp_path: Path) -> None:
    with World(tmp_path / "gone") as gone:
        pass
    refused = gone.run("clips")
    assert refused.code == 1
    assert "error: the relay cannot be reached" in refused.err
    assert "hint: " in refused.err


def test_an_owner_or_a_doorbell_that_the_relay_does_not_know_is_an_error_that_says_what_to_do(world: World) -> None:
    world.relay.cards.clear()
    assert "sealbell-owner pin DIR introduction.json" in world.run("clips").err
    world.relay.token = "0" * 64
    assert "sealbell-owner enrol DIR" in world.run("clips").err


def test_verify_says_what_holds_and_what_cannot_be_told(world: World) -> None:
    clips = [world.bell.record(media=1) for _ in range(3)]
    world.keep(*clips)
    said = world.run("verify", clips[1][0].record.clip)
    assert said.code == 0
    for words in (
        f"signed          4 parts, by the doorbell {world.bell.doorbell}",
        "unbroken        from part 0 to part 3",
        "manifest        lists 3 parts",
        "arrived ",
        "before          it follows the clip before it",
        "after           the next clip names this one's last part",
        "cannot be told  that what was seen is true",
    ):
        assert words in said.out
    assert "no later clip is known yet" not in said.out
    newest = world.run("verify", "latest")
    assert "no later clip is known yet" in newest.out
    told = world.run("verify", clips[1][0].record.clip, "--json").json
    assert (told["holds"], told["joins_before"], told["joins_after"], told["findings"]) == (True, True, True, [])
    assert told["arrived_ms"] == [clips[1][0].record.wall_ms + 40, clips[1][-1].record.wall_ms + 40]


def test_verify_notices_readers_whom_the_owner_did_not_write(world: World) -> None:
    world.bell.readers_hash = "ab" * 32
    world.keep(world.bell.record(media=1))
    said = world.run("verify", "latest")
    assert said.code == 1
    assert "others may be able to open it" in said.out


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs OpenSSH")
def test_an_exported_clip_is_checked_by_stock_tools(world: World) -> None:
    world.keep(world.bell.record(media=2, drop=[3]))
    out = world.folder / "export"
    assert world.run("export", "latest", out).code == 0

    def check(record: Path, signer: str, namespace: str, data: bytes, signature: Path | None = None) -> int:
        signature = signature or record.with_name(f"{record.name}.sig")
        command = ["ssh-keygen", "-Y", "verify", "-f", str(out / "allowed_signers"), "-I", signer, "-n", namespace]
        return subprocess.run([*command, "-s", str(signature)], input=data, capture_output=True, check=False).returncode

    records = sorted(out.glob("*.record"))
    assert len(records) == 5
    for record in records:
        data = record.read_bytes()
        assert check(record, "doorbell", "part@sealbell", data) == 0
        assert check(record, "doorbell", "part@sealbell", data.replace(b"seq", b"sEq")) != 0
        assert check(record, "doorbell", "receipt@sealbell", data) != 0
        receipt = record.with_suffix(".receipt")
        assert check(receipt, "relay", "receipt@sealbell", receipt.read_bytes()) == 0
    dropped = out / "000003.record"
    assert check(dropped, "doorbell", "dropped@sealbell", dropped.read_bytes(), out / "000003.record.dropped.sig") == 0
    assert not (out / "000003.head").exists()
    sums = subprocess.run(
        ["sha256sum", "000000.head", "000000.body"], cwd=out, capture_output=True, text=True, check=True
    ).stdout
    text = (out / "000000.record").read_text()
    assert [f"{name} {line.split()[0]}" in text for name, line in zip(("head", "body"), sums.splitlines(), strict=True)]
    assert world.run("export", "latest", out).code == 1


def test_an_exported_part_is_an_age_file(world: World) -> None:
    world.keep(world.bell.record(media=1))
    out = world.folder / "export"
    world.run("export", "latest", out)
    identity = world.home.folder / "identity.txt"
    command = [sys.executable, "-m", "sealbell_owner.cli", "age-open", "--identity", str(identity)]
    sealed = (out / "000000.head").read_bytes() + (out / "000000.body").read_bytes()
    ran = subprocess.run(command, input=sealed, capture_output=True, check=False)
    assert (ran.returncode, ran.stdout[: len(JPEG)]) == (0, JPEG)
    ran = subprocess.run(command, input=sealed[:-1], capture_output=True, check=False)
    assert (ran.returncode, ran.stderr.splitlines()[-1]) == (1, b"payload failure")


@pytest.mark.parametrize("command", [
    "init", "recover", "pin", "doorbells", "clips", "open", "follow", "verify", "export", "age-open",
])  # fmt: skip
def test_every_command_has_help_worth_reading(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    assert len(capsys.readouterr().out.split()) > 40


@pytest.mark.parametrize("arguments", [[], ["unknown"], ["open"], ["clips", "x", "--limit", "x"], ["init", "x"]])
def test_wrong_usage_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert "usage: " in capsys.readouterr().err


def test_a_reader_that_leaves_is_no_crash(world: World) -> None:
    world.keep(*(world.bell.record(media=1) for _ in range(3)))
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "sealbell_owner.cli", "clips", str(world.home.folder), "--json"]
    ran = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert ran.returncode == 1
    assert b"Traceback" not in ran.stderr


def test_a_seen_file_that_is_damaged_says_so(world: World) -> None:
    world.keep(world.bell.record(media=1))
    assert world.open().code == 0
    path = world.home.folder / "seen" / f"{world.bell.doorbell}.json"
    assert json.loads(path.read_text())["clips"][0][3] == 3
    path.write_text("{}")
    assert "damaged" in world.open().err
