"""A real disk that is full, or read-only: a small file system in memory, mounted for the test."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from crafted import Bell, numbers
from sealbell.spool import OutboxError, listing
from sealbell.uplink.outbox import OutboxReader
from sealbell.watch.outbox import Outbox
from sealbell_wire.part import Part, parse_part

DISK_BYTES = 1 << 20
PAGE_BYTES = 4_096
NO_CAP = 1 << 40


def mount(*arguments: str) -> None:
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("only root on Linux can mount a small file system")
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this machine mounts nothing: {done.stderr.strip()}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount("-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder))
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


class Door:
    """A doorbell that commits as long as it can."""

    def __init__(self, folder: Path, min_free_bytes: int = 0) -> None:
        self.folder = folder
        self.bell = Bell(size_bytes=16_000)
        self.outbox = Outbox(folder, NO_CAP, min_free_bytes, self.bell.drop)
        self.committed: list[Part] = []

    def commit(self, part: Part, *, pressed: bool = False) -> None:
        self.outbox.commit(part, pressed=pressed, counter=self.bell.counter)
        self.committed.append(part)

    def check_nothing_lost(self) -> None:
        held = {(entry.counter, entry.seq): (self.folder / entry.name).read_bytes() for entry in listing(self.folder)}
        assert list(held) == numbers(self.committed)
        for part, data in zip(self.committed, held.values(), strict=True):
            assert parse_part(data).hash == part.hash


def fill(disk: Path, leave_bytes: int = 0) -> Path:
    """Let someone else take the disk, but for `leave_bytes`."""
    path = disk / "of someone else"
    free = shutil.disk_usage(disk).free
    with path.open("ab") as file, suppress(OSError):
        file.write(bytes(max(0, free - leave_bytes)))
        file.flush()
    return path


def test_full_disk_is_an_outbox_error_and_loses_nothing(disk: Path) -> None:
    door = Door(disk / "outbox")
    for part in door.bell.spell("nivv"):
        door.commit(part)
    fill(disk)
    for _ in range(3):
        with pytest.raises(OutboxError, match="takes nothing more: no space left on device"):
            door.commit(door.bell.spell("n")[0])
    assert not list(door.folder.glob(".new-*"))
    door.check_nothing_lost()


def test_disk_that_comes_back_takes_the_next(disk: Path) -> None:
    door = Door(disk / "outbox")
    door.commit(door.bell.spell("n")[0])
    other, refused = fill(disk), door.bell.add("v")
    with pytest.raises(OutboxError):
        door.commit(refused)
    other.unlink()
    door.commit(refused)
    door.check_nothing_lost()
    assert not listing(door.folder)[-1].dropped


def test_disk_with_room_for_a_record_alone_keeps_the_record(disk: Path) -> None:
    door = Door(disk / "outbox")
    door.commit(door.bell.spell("n")[0], pressed=True)
    fill(disk, leave_bytes=2 * PAGE_BYTES)
    door.commit(door.bell.add("v"))
    assert [entry.dropped for entry in listing(door.folder)] == [False, True]
    door.check_nothing_lost()


def test_full_disk_drops_motion_before_presses(disk: Path) -> None:
    door = Door(disk / "outbox")
    for kinds, pressed in (("nivv", True), ("nivv", False), ("nivv", True)):
        for part in door.bell.spell(kinds):
            door.commit(part, pressed=pressed)
    fill(disk, leave_bytes=2 * PAGE_BYTES)
    door.bell.begin()
    door.commit(door.bell.add("n"), pressed=True)
    assert [(entry.counter, entry.seq) for entry in listing(door.folder) if entry.dropped] == [(2, 2)]
    door.check_nothing_lost()


def test_room_for_the_rest_of_the_system_is_left_on_a_real_disk(disk: Path) -> None:
    door = Door(disk / "outbox", min_free_bytes=DISK_BYTES // 2)
    for _ in range(12):
        for part in door.bell.spell("nivv"):
            door.commit(part)
    assert shutil.disk_usage(disk).free >= DISK_BYTES // 2 - 64 * PAGE_BYTES, "markers alone are smaller than footage"
    assert any(entry.dropped for entry in listing(door.folder))
    door.check_nothing_lost()


def test_read_only_disk_says_so_and_what_is_on_it_is_still_sent(disk: Path) -> None:
    door = Door(disk / "outbox")
    for part in door.bell.spell("nivv"):
        door.commit(part)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(OutboxError, match="takes nothing more: read-only file system"):
        door.commit(door.bell.add("v"))
    reader = OutboxReader(door.folder)
    bell = reader.open_bell()
    for sent in range(4):
        entries = reader.entries()
        assert [entry.seq for entry in entries] == list(range(sent, 4))
        assert reader.read(entries[0]) == door.committed[sent].encode()
        reader.received(entries[0])
    assert reader.entries() == []
    os.close(bell)
    door.check_nothing_lost()
    assert Door(door.folder).outbox.newest() is not None, "the picture process still finds where its chain ended"


def test_outbox_on_a_read_only_disk_says_so_at_the_start(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(OutboxError, match="cannot be used: read-only file system"):
        Door(disk / "outbox")


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes where nobody may")
def test_outbox_without_permission_says_so(tmp_path: Path) -> None:
    door = Door(tmp_path / "outbox")
    door.commit(door.bell.spell("n")[0])
    door.folder.chmod(0o500)
    with pytest.raises(OutboxError, match="permission denied"):
        door.commit(door.bell.add("v"))
    door.check_nothing_lost()
    door.folder.chmod(0o700)
