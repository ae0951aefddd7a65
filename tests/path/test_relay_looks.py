"""`sealbell-relay fsck` and `disclose` as they are run: beside a relay that serves, on a copy, on a full disk."""

import asyncio
import json
import re
import subprocess
from pathlib import Path

import pytest

import relay_folder
from docs.pages import page
from parts_factory import Doorbell, Owner
from relay_folder import keep, let_in, path_of
from relay_peers import doorbell_line
from sealbell_relay.folder import Folder
from sealbell_testing.relay import COMMAND, serving
from sealbell_testing.waiting import DEADLINE_S
from sealbell_wire import topics

BELL = Doorbell(1, Owner(1))
CLIP = BELL.clip(4)


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    words = [*COMMAND, *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, timeout=DEADLINE_S, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = relay_folder.make(tmp_path / "relay")
    let_in(folder, BELL)
    keep(folder, CLIP)
    return folder


def back_up(root: Path, archive: Path) -> subprocess.CompletedProcess[str]:
    """Copy a relay's folder by the command that docs/operate.md gives."""
    [line] = [line for line in page("docs/operate.md").command_lines if line.startswith("tar -C DIR -")]
    words = line.replace("DIR", str(root)).replace("relay.tar", str(archive)).split()
    done = subprocess.run(words, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 0 or set(re.findall(r": ([a-z ]+)$", done.stderr, re.M)) == {"file changed as we read it"}
    return done


def test_a_relay_that_serves_is_in_order_at_every_moment_and_so_is_its_backup(tmp_path: Path) -> None:
    async def scenario() -> None:
        archive = tmp_path / "relay.tar"
        async with doorbell_line(relay, BELL) as line:
            for number, work in enumerate((fsck, fsck, lambda: back_up(relay.root, archive)), start=1):
                running = asyncio.create_task(asyncio.to_thread(work))
                sent = 0
                while not running.done() or sent < 2:
                    for part in BELL.clip(20, number=1_000 * number + sent):
                        assert (await line.deliver(part)).verdict == "stored"
                    await line.publish(topics.health(BELL.id), BELL.health(1_000 * number + sent).encode())
                    sent += 1
                await running

    def fsck(root: Path | None = None) -> None:
        done = command("fsck", root or relay.root)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout

    with serving(tmp_path / "relay") as relay:
        relay.allow(BELL.owner.card, BELL.card)
        asyncio.run(scenario())
    copy = tmp_path / "copy"
    copy.mkdir(mode=0o700)
    subprocess.run(["tar", "-C", copy, "-xpf", tmp_path / "relay.tar"], check=True)
    fsck(copy)
    assert command("disclose", copy, BELL.id, tmp_path / "out").returncode == 0
    with serving(copy) as again:
        assert again.card.receipt_key == relay.card.receipt_key


def test_fsck_says_what_is_wrong_in_words_and_as_json_and_by_its_exit_code(folder: Folder) -> None:
    done = command("fsck", folder.root)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(": all in order\n")
    path = path_of(folder, CLIP[2])
    path.write_bytes(path.read_bytes()[:-1])
    (folder.root / "\x1b[2J\udcff").touch(0o600)
    done = command("fsck", folder.root)
    assert done.returncode == 1
    assert f"{path.relative_to(folder.root)}: has a damaged receipt" in done.stdout
    assert "hint: put this file back from a backup" in done.stdout
    assert "2 wrong; nothing was changed" in done.stdout
    assert all(line.isprintable() for line in done.stdout.splitlines())
    done = command("fsck", folder.root, "--json")
    *findings, summary = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 1
    assert [finding.keys() for finding in findings] == [{"path", "what", "advice"}] * 2
    assert (summary["in_order"], summary["wrong"]) == (False, 2)
    assert command("fsck", folder.root / "absent").stderr.endswith("hint: make one: sealbell-relay init\n")


def test_disclose_ends_with_0_done_1_failed_2_wrong_usage(folder: Folder, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = command("disclose", folder.root, BELL.id, out)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 clips, 4 parts" in done.stdout
    before = (out / "SHA256SUMS").read_bytes()
    for words in ((BELL.id, out), (BELL.id, folder.root / "x"), ("0" * 32, tmp_path / "new"), (BELL.id, "/dev/null/x")):
        done = command("disclose", folder.root, *words)
        assert (done.returncode, done.stdout) == (1, ""), words
        assert done.stderr.startswith("sealbell-relay: ")
        assert "\nhint: " in done.stderr
        assert "Traceback" not in done.stderr
    assert (out / "SHA256SUMS").read_bytes() == before
    assert command("disclose", tmp_path / "absent", BELL.id, tmp_path / "new").returncode == 1
    for wrong in ((), (BELL.id,), ("front-door", out), (BELL.id.upper() + "A", out), ("../" + BELL.id, out)):
        assert command("disclose", folder.root, *wrong).returncode == 2, wrong


def test_a_full_disk_leaves_a_disclosure_that_says_it_is_not_whole(folder: Folder, tmp_path: Path) -> None:
    keep(folder, BELL.clip(3, number=2, size=100_000))
    limited = ["sh", "-c", 'ulimit -f 100; exec "$@"', "sh", *COMMAND]  # no file beyond 50 kB, be it root's
    words = ["disclose", str(folder.root), BELL.id, str(tmp_path / "out")]
    done = subprocess.run([*limited, *words], capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot be written: file too large" in done.stderr
    assert "hint: without SHA256SUMS in it it is not complete" in done.stderr
    assert not (tmp_path / "out" / "SHA256SUMS").exists()


def test_what_is_kept_elsewhere_is_told_and_disclosed_as_from_the_folder(folder: Folder, tmp_path: Path) -> None:
    with_store = command("knows", folder.root).stdout
    asked = ("disclose", folder.root, BELL.id, tmp_path / "own")
    assert command(*asked).returncode == 0
    elsewhere = folder.store.rename(tmp_path / "elsewhere")
    told = command("knows", folder.root, "--store", elsewhere)
    assert told.stdout.splitlines()[1:] == with_store.splitlines()[1:], "but for what the folder holds"
    given = command("disclose", folder.root, BELL.id, tmp_path / "out", "--store", elsewhere)
    assert given.returncode == 0, given.stderr
    parts = [sorted(path.name for path in (tmp_path / out / "parts").rglob("*")) for out in ("own", "out")]
    assert parts[0] == parts[1] != []


def test_folder_that_was_made_has_both_secrets_that_the_page_has_copied_to_each_relay(tmp_path: Path) -> None:
    assert command("init", tmp_path / "relay").returncode == 0
    assert "DIR/receipt.key DIR/broker.credential" in page("docs/operate.md").text
    for name in ("receipt.key", "broker.credential"):
        assert (tmp_path / "relay" / name).stat().st_mode & 0o777 == 0o600
