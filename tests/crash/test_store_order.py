"""A power cut takes what was not fsynced. So the relay's store is watched, call by call, for what it calls durable.

strace tells every call that changes names or makes something durable. Whatever the store says is kept must have its
bytes fsynced before it has its name, and its name, and those of the folders above it, fsynced before it is said.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

WORK = """
import os, sys
from pathlib import Path
from sealbell_relay.store.store import DirectoryStore

root = Path(sys.argv[1])
store = DirectoryStore(root)
store.make()

def say(*names):
    for name in names:
        os.write(1, f"durable {root}/{name}\\n".encode())

assert store.put("a/b/c/one", b"x")
say("a/b/c/one")
assert store.put("a/b/c/two", b"x")
say("a/b/c/two")
for number in range(3):
    assert store.stage(f"a/b/d/{number}", b"x")
assert store.stage("a/b/e/f/deep", b"x")
assert store.stage("other/empty", b"")
store.settle("a/b/d", "a/b/e/f", "other")
say("a/b/d/0", "a/b/d/1", "a/b/d/2", "a/b/e/f/deep", "other/empty")
store.remove("a/b/e/f/deep")  # its folders go with it
assert store.put("a/b/e/f/again", b"x")
say("a/b/e/f/again")
other = DirectoryStore(root)  # as another process: it cannot know what the first made durable
assert store.stage("p/q/r", b"x")
assert not other.put("p/q/r", b"x")
other.settle("p/q")
say("p/q/r")
"""
CALLS = "openat,open,fsync,fdatasync,link,linkat,rename,renameat,renameat2,mkdir,mkdirat,unlink,unlinkat,rmdir,write"
_CALL = re.compile(r"(\w+)\((.*)\)\s+= (-?[0-9]+)")
_PATHS = re.compile(r'"([^"]*)"')
_DESCRIPTOR = re.compile(r"[0-9]+<([^>]*)>")


class Disk:
    """What a power cut would leave, after each call that strace told of."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._unsynced_bytes: set[str] = set()
        self._unsynced_names: set[str] = set()
        self.said: list[str] = []

    def call(self, name: str, arguments: str) -> None:
        paths = [path for path in _PATHS.findall(arguments) if path.startswith(self._root)]
        written = _DESCRIPTOR.match(arguments)
        match name:
            case "fsync" | "fdatasync":
                assert written
                self._sync(written[1])
            case "mkdir" | "mkdirat":
                self._unsynced_names.add(paths[0])
            case "link" | "linkat":
                source, target = paths
                assert source not in self._unsynced_bytes, f"{target} shows bytes that may be lost"
                self._unsynced_names.add(target)
            case "rmdir" | "unlink" | "unlinkat" if paths:
                self._unsynced_names.discard(paths[0])
            case "write" if written and written[1].startswith(self._root):
                self._unsynced_bytes.add(written[1])
            case "write" if found := re.search(r'"durable ([^"\\]*)\\n"', arguments):
                self._say(found[1])
            case "rename" | "renameat" | "renameat2" if paths:
                raise AssertionError("a rename could replace what is there")

    def _sync(self, path: str) -> None:
        self._unsynced_bytes.discard(path)
        self._unsynced_names = {name for name in self._unsynced_names if name.rpartition("/")[0] != path}

    def _say(self, path: str) -> None:
        self.said.append(path)
        while path != self._root:
            assert path not in self._unsynced_names, f"{self.said[-1]} was called durable before {path} was"
            path = path.rpartition("/")[0]


def test_whatever_is_called_durable_was_made_so_before(tmp_path: Path) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed here")
    root, log = tmp_path / "store", tmp_path / "calls"
    watched = [strace, "-qq", "-y", "-s", "4096", "-e", f"trace={CALLS}", "-o", str(log)]
    command = [*watched, sys.executable, "-c", WORK, str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "PTRACE" in done.stderr or "ptrace" in done.stderr:
        pytest.skip("programs may not be traced here")
    assert done.returncode == 0, done.stderr
    disk = Disk(root)
    for line in log.read_text("utf-8", "replace").splitlines():
        if (found := _CALL.match(line)) and int(found[3]) >= 0:
            disk.call(found[1], found[2])
    assert len(disk.said) == 9
