"""A folder that is looked at and never changed, whatever lies in it: pipes, links, files that vanish meanwhile."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sealbell_relay.store.store import Store

_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class Node:
    """What lies in a folder; `size` in bytes, `changed_s` Unix seconds, `loose` if not its owner's alone."""

    name: str
    kind: Literal["folder", "file", "other"]
    size: int
    changed_s: float
    loose: bool


class Tree:
    """Paths are relative to `root`, with `/`. Methods raise OSError, but not for what is not there (any more)."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._owner = root.stat().st_uid

    def node(self, path: str) -> Node | None:
        """Return one node, without following a link."""
        try:
            return self._node(path.rpartition("/")[2], (self._root / path).lstat())
        except (FileNotFoundError, NotADirectoryError):
            return None

    def list(self, path: str) -> list[Node]:
        """Return what lies in a folder, sorted by name: all that is ever held in memory at once."""
        found = []
        try:
            with os.scandir(self._root / path) as entries:
                for entry in entries:
                    try:
                        found.append(self._node(entry.name, entry.stat(follow_symlinks=False)))
                    except FileNotFoundError:
                        continue
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(found, key=lambda node: node.name)

    def read(self, path: str, limit_bytes: int, start: int = 0) -> bytes | None:
        """Return at most `limit_bytes` from byte `start` of a plain file; never waits for a pipe or follows a link."""
        try:
            descriptor = os.open(self._root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except (FileNotFoundError, NotADirectoryError):
            return None
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            if start:
                file.seek(start)
            data = bytearray()
            while chunk := file.read(limit_bytes - len(data)):
                data += chunk
            return bytes(data)

    def _node(self, name: str, status: os.stat_result) -> Node:
        folder, file = stat.S_ISDIR(status.st_mode), stat.S_ISREG(status.st_mode)
        needed = 0o700 if folder else 0o400
        mode = stat.S_IMODE(status.st_mode)
        loose = not stat.S_ISLNK(status.st_mode) and (bool(mode & _OTHERS) or mode & needed != needed)
        return Node(
            name,
            "folder" if folder else "file" if file else "other",
            status.st_size,
            status.st_mtime,
            loose or status.st_uid != self._owner,
        )


class StoreTree:
    """A store that is looked at in the same way; nothing in it is young or loose. Methods raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def node(self, path: str) -> Node | None:
        """Return one node."""
        parent, _, name = path.rpartition("/")
        return next((node for node in self.list(parent) if node.name == name), None) if path else _folder("")

    def list(self, path: str) -> list[Node]:
        """Return what lies directly below a prefix, sorted by name."""
        listing = self._store.list(path)
        files = [Node(entry.name, "file", entry.size, 0.0, False) for entry in listing.objects]
        return sorted([*map(_folder, listing.folders), *files], key=lambda node: node.name)

    def read(self, path: str, limit_bytes: int, start: int = 0) -> bytes | None:
        """Return at most `limit_bytes` from byte `start` of an object."""
        return self._store.read(path, start, limit_bytes)


def _folder(name: str) -> Node:
    return Node(name, "folder", 0, 0.0, False)
