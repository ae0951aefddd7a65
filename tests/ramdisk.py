"""Folders in memory where there is such a thing, and small disks in memory that can be full, or read-only."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

_MEMORY = Path("/dev/shm")


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None, prefix="sealbell-") as name:
        yield Path(name)


class Disk:
    """A small file system of its own at `path`, where others take the room, and give it back."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._others = path / "of someone else"

    def fill(self, leave_bytes: int = 0) -> None:
        """Take all the room but `leave_bytes`."""
        self._others.mkdir(exist_ok=True)
        with (self._others / "file").open("ab") as file, suppress(OSError):
            file.write(bytes(max(0, shutil.disk_usage(self.path).free - leave_bytes)))
            file.flush()

    def take_names(self, leave: int) -> None:
        """Let only so many more files and folders be made."""
        self._others.mkdir(exist_ok=True)
        for number in range(os.statvfs(self.path).f_ffree - leave):
            (self._others / f"name {number}").touch()

    def make_room(self) -> None:
        """Give all of it back."""
        shutil.rmtree(self._others)

    def read_only(self, on: bool) -> None:
        """As a kernel makes it that meets a broken disk; `on` is whether."""
        mount("-o", f"remount,{'ro' if on else 'rw'}", str(self.path))


@contextmanager
def disk(path: Path, size_bytes: int, names: int = 0) -> Iterator[Disk]:
    """A disk of `size_bytes` at `path`, for at most so many files and folders; pytest's skip where nothing mounts."""
    path.mkdir(parents=True)
    mount("-t", "tmpfs", "-o", f"size={size_bytes},nr_inodes={names},mode=0700", "tmpfs", str(path))
    try:
        yield Disk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


def mount(*arguments: str) -> None:
    """Call mount(8); pytest's skip where that is not allowed."""
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("only root on Linux can mount a small file system")
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this machine mounts nothing: {done.stderr.strip()}")
