"""An owner deletes, an operator backs up and restores: their own programs, and the very commands of docs/operate.md."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from clip_factory import Doorbell, Store
from docs.pages import page
from owner_world import ENTROPY
from sealbell_owner.home import Home, make_home
from sealbell_owner.keys import derive_root, first_readers
from sealbell_relay.folder import Folder
from sealbell_testing.relay import Relay, serving
from sealbell_testing.waiting import DEADLINE_S
from sealbell_wire.part import Part

BIN = Path(sys.executable).parent
_COMMANDS = re.compile(r"^(?:mkdir|tar|sealbell-relay (?:fsck|restored)) .*$", re.MULTILINE)


@dataclass(frozen=True)
class Place:
    """A relay's folder with three clips of today in it, and their owner."""

    root: Path
    clips: list[list[Part]]
    home: Path

    def owner(self, command: str, *arguments: object) -> Any:
        """What the owner's program prints, as JSON; it has to succeed."""
        words = [BIN / "sealbell-owner", command, self.home, *arguments, "--json"]
        ran = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False, timeout=DEADLINE_S)
        assert ran.returncode == 0, ran.stderr + ran.stdout
        return json.loads(ran.stdout)

    def left(self, clip: list[Part]) -> bool:
        return any(clip[0].record.clip in path.name for path in (self.root / "store" / "clips").rglob("*"))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    folder, root = Folder(tmp_path / "relay"), derive_root(ENTROPY, 0)
    folder.make(bytes(range(32)))
    bell = Doorbell(1, [root.identity.recipient], first_readers(ENTROPY).hash, root.verify_key.hex())
    bell.wall_ms = time.time_ns() // 1_000_000 - 3_600_000
    clips = [bell.record(media=1) for _ in range(3)]
    with serving(folder.root) as relay:
        home = make_home(tmp_path / "owner", ENTROPY, relay.card)
        relay.allow(home.card(), bell.card)
        home.pin(bell.card, "front")
    store = Store(folder.key())
    for clip in clips:
        store.keep(clip)
    store.write(folder.root)
    for path in (folder.store / "clips").glob("**"):
        path.chmod(0o700)
    for path in (folder.store / "clips").rglob("*.part"):
        path.chmod(0o600)
    return Place(folder.root, clips, home.folder)


@pytest.fixture
def relay(place: Place) -> Iterator[Relay]:
    with serving(place.root, "--ledger", str(place.root.parent / "ledger")) as relay:
        yield relay


def test_what_the_owner_deletes_is_gone_from_the_relays_disk_and_from_no_listing_missed(
    place: Place, relay: Relay
) -> None:
    assert len(place.owner("clips")["clips"]) == 3
    assert place.owner("delete", place.clips[1][0].record.clip[:16], "--yes") == {"deleted": 1}
    assert [place.left(clip) for clip in place.clips] == [True, False, True]
    told = place.owner("clips")
    assert (len(told["clips"]), told["findings"]) == (2, [])
    assert all(clip["joins"] for clip in told["clips"])
    again = place.owner("delete", "--before", time.strftime("%Y-%m-%d", time.localtime(time.time() + 90_000)), "--yes")
    assert again == {"deleted": 2}
    assert not any(map(place.left, place.clips))
    assert "deleted: 3" in _said(relay, "status", place.root)


def test_the_owner_says_for_how_long_clips_are_kept(place: Place, relay: Relay) -> None:
    assert place.owner("retention", "front") == {"doorbell": _bell(place), "days": 30, "number": None}
    assert place.owner("retention", "front", 7)["days"] == 7
    assert place.owner("retention", "front")["days"] == 7
    assert "retention: 7 days, by its owner's document" in _said(relay, "knows", place.root)


def test_a_doorbell_that_its_owner_deletes_is_gone_whole(place: Place, relay: Relay) -> None:
    assert place.owner("delete", "--doorbell", "front", "--whole-doorbell", "--yes") == {"deleted": 1}
    assert not any(map(place.left, place.clips))


def test_after_one_doorbell_is_deleted_the_others_are_seen_as_before(place: Place, relay: Relay) -> None:
    root = derive_root(ENTROPY, 0)
    back = Doorbell(2, [root.identity.recipient], first_readers(ENTROPY).hash, root.verify_key.hex())
    relay.allow(back.card)
    Home(place.home).pin(back.card, "back")
    place.owner("delete", "--doorbell", "front", "--whole-doorbell", "--yes")
    assert place.owner("clips")["clips"] == []


def test_after_the_operator_revoked_one_doorbell_the_others_are_seen_and_of_it_is_said_what_is_so(
    place: Place, relay: Relay
) -> None:
    root = derive_root(ENTROPY, 0)
    back = Doorbell(2, [root.identity.recipient], first_readers(ENTROPY).hash, root.verify_key.hex())
    relay.allow(back.card)
    Home(place.home).pin(back.card, "back")
    assert len(place.owner("clips")["clips"]) == 3
    _said(relay, "revoke", place.root, "doorbell", back.card.doorbell)
    time_out = time.monotonic() + DEADLINE_S
    while not (told := place.owner("clips"))["findings"] and time.monotonic() < time_out:
        pass  # the relay remembers for half a second that it had not ended
    assert len(told["clips"]) == 3
    (finding,) = told["findings"]
    assert (finding["doorbell"], finding["clip"]) == (back.card.doorbell, "")
    assert "revoked" in finding["finding"]
    words = [BIN / "sealbell-owner", "health", place.home, "--json"]
    ran = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False, timeout=DEADLINE_S)
    wrong = {each["name"]: each["wrong"] for each in json.loads(ran.stdout)["doorbells"]}
    assert ran.returncode == 3
    assert "revoked" in wrong["back"][0]["what"]
    assert "never heard" in wrong["front"][0]["what"]


def test_the_commands_of_the_page_back_up_and_restore_and_what_was_deleted_stays_deleted(
    place: Place, tmp_path: Path
) -> None:
    ledger, deleted = tmp_path / "ledger", place.clips[0]
    backup, restore = (_commands(place, ledger, name) for name in ("Backup", "Restore"))
    with serving(place.root, "--ledger", str(ledger)):
        _shell(tmp_path, backup)
        place.owner("clips")
        place.owner("delete", deleted[0].record.clip[:16], "--yes")
    shutil.rmtree(place.root)
    _shell(tmp_path, restore)
    assert not place.left(deleted)
    with serving(place.root, "--ledger", str(ledger)):
        told = place.owner("clips")
    assert (len(told["clips"]), told["findings"]) == (2, [])


def test_without_a_ledger_the_owners_own_program_lets_a_restored_relay_show_things_again(
    place: Place, tmp_path: Path
) -> None:
    deleted, copy = place.clips[0], tmp_path / "copy"
    with serving(place.root):
        shutil.copytree(place.root, copy, ignore=shutil.ignore_patterns("tmp", "broker"))
        place.owner("clips")
        place.owner("delete", deleted[0].record.clip[:16], "--yes")
    shutil.rmtree(place.root)
    copy.rename(place.root)
    assert place.left(deleted)
    with serving(place.root):
        told = place.owner("clips")
    assert not place.left(deleted)
    assert (len(told["clips"]), told["findings"]) == (2, [])


def _bell(place: Place) -> str:
    return Home(place.home).pins()[0].doorbell


def _said(relay: Relay, command: str, root: Path, *arguments: str) -> str:
    words = [BIN / "sealbell-relay", command, root, *arguments]
    return subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False, timeout=DEADLINE_S).stdout


def _commands(place: Place, ledger: Path, section: str) -> list[str]:
    text = page("docs/operate.md").text.split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    first_block = next(block for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) if _COMMANDS.search(block))
    written = _COMMANDS.findall(first_block)
    assert written
    return [
        line.replace("DIR", str(place.root)).replace("/mnt/other-disk/sealbell.ledger", str(ledger)) for line in written
    ]


def _shell(folder: Path, commands: list[str]) -> None:
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    script = "\n".join(commands)
    ran = subprocess.run(
        ["sh", "-ec", script], cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True,
        check=False, timeout=DEADLINE_S,
    )  # fmt: skip
    assert ran.returncode == 0, f"{script}\n{ran.stdout}{ran.stderr}"
