"""Where everything is kept: objects that are written once, behind five verbs that a folder and a bucket both have."""

import contextlib
import os
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sealbell_relay.errors import StoreError

MAX_KNOWN_FOLDERS = 4_096
MAX_LINK_ATTEMPTS = 16
TEMPORARY = "tmp"


@dataclass(frozen=True, slots=True)
class Entry:
    """One object directly below a listed prefix: the last piece of its name, and its size in bytes."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Listing:
    """What lies directly below a prefix, each sorted by name."""

    folders: tuple[str, ...]
    objects: tuple[Entry, ...]


class Store(Protocol):
    """Objects by name (`a/b/c`), never changed once put. Every method raises StoreError if the store fails."""

    def put(self, name: str, data: bytes) -> bool:
        """Keep `data` durably and return True; return False, changing nothing, if the name is taken."""
        ...

    def stage(self, name: str, data: bytes) -> bool:
        """Do as `put`, but all of it may be lost until what it lies directly below is settled: cheaper for several."""
        ...

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes | None:
        """Return up to `length` bytes (all if None) from `start`; None if there is no such object."""
        ...

    def list(self, prefix: str) -> Listing:
        """Return what lies directly below `prefix`; empty if there is nothing."""
        ...

    def settle(self, *prefixes: str) -> None:
        """Return once every object that shows directly below one of `prefixes` is durable, whoever put it there."""
        ...

    def remove(self, name: str) -> None:
        """Take an object away, and folders that are empty then; nothing if there is none. Durable once settled."""
        ...


class DirectoryStore:
    """A Store in a folder of a local file system: temporary file, fsync, link, fsync of the folder.

    The link is what puts only if absent: unlike a rename it never replaces. Safe from many threads and processes.
    Paths are strings here: a Path for each object costs more than most calls.
    """

    def __init__(self, root: Path) -> None:
        self._root = os.fspath(root)
        self._temporary = f"{self._root}/{TEMPORARY}"
        self._known: set[str] = set()  # folders whose own names this process made durable
        self._pruned = 0
        self._lock = threading.Lock()

    def make(self) -> None:
        """Make the folder if it is not there."""
        with self._failures("be made", ""):
            Path(self._root).mkdir(mode=0o700, exist_ok=True)
            Path(self._temporary).mkdir(mode=0o700, exist_ok=True)
            _sync_folder(Path(self._root).parent)

    def sweep(self) -> None:
        """Clear away what killed writers left half written. Only for whoever holds the folder's lock."""
        with self._failures("be swept", ""):
            for leftover in Path(self._temporary).iterdir():
                leftover.unlink(missing_ok=True)

    def put(self, name: str, data: bytes) -> bool:
        """See Store."""
        if not self.stage(name, data):
            return False
        self.settle(name.rpartition("/")[0])
        return True

    def stage(self, name: str, data: bytes) -> bool:
        """See Store. The bytes are on the disk before they have a name, so what shows is whole after any crash."""
        temporary = f"{self._temporary}/{secrets.token_hex(16)}"
        with self._failures("write", name):
            try:
                _write_through(temporary, data)
                return self._link(temporary, f"{self._root}/{name}")
            finally:
                _unlink(temporary)

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes | None:
        """See Store."""
        with self._failures("read", name):
            try:
                descriptor = os.open(f"{self._root}/{name}", os.O_RDONLY)
            except (FileNotFoundError, NotADirectoryError):
                return None
            try:
                if length is None:
                    length = max(0, os.fstat(descriptor).st_size - start)
                data = os.pread(descriptor, length, start)
                while 0 < len(data) < length and (more := os.pread(descriptor, length - len(data), start + len(data))):
                    data += more
                return data
            finally:
                os.close(descriptor)

    def list(self, prefix: str) -> Listing:
        """See Store."""
        folders, objects = [], []
        with self._failures("list", prefix):
            try:
                with os.scandir(f"{self._root}/{prefix}") as entries:
                    for entry in entries:
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(entry.name)
                        else:
                            with contextlib.suppress(FileNotFoundError):  # removed since
                                objects.append(Entry(entry.name, entry.stat().st_size))
            except (FileNotFoundError, NotADirectoryError):
                pass
        return Listing(tuple(sorted(folders)), tuple(sorted(objects, key=lambda found: found.name)))

    def settle(self, *prefixes: str) -> None:
        """See Store. The bytes were on the disk before they had a name; only the names may not be.

        Goes up to folders whose own names this process has made durable before, through each only once.
        """
        waiting = {f"{self._root}/{prefix}".rstrip("/") for prefix in prefixes}
        made: set[str] = set()
        with self._lock:
            pruned = self._pruned
        with self._failures("settle", prefixes[0] if prefixes else ""):
            while waiting:
                folder = max(waiting, key=len)  # what lies in another before that one
                waiting.remove(folder)
                try:
                    _sync_folder(folder)
                    if folder == self._root or folder in self._known:
                        continue
                    made.add(folder)
                except FileNotFoundError:  # what was taken away is durable once its parent is
                    if folder == self._root:
                        raise
                waiting.add(os.path.dirname(folder))  # noqa: PTH120 - see above
        with self._lock:
            if pruned == self._pruned:  # else one of them may be another folder of the same name by now
                if len(self._known) >= MAX_KNOWN_FOLDERS:
                    self._known.clear()
                self._known.update(made)

    def remove(self, name: str) -> None:
        """See Store."""
        with self._failures("remove", name):
            path = f"{self._root}/{name}"
            _unlink(path)
            self._prune(os.path.dirname(path))  # noqa: PTH120 - see above

    def _link(self, temporary: str, path: str) -> bool:
        attempts = 0
        while True:
            try:
                os.link(temporary, path)
                return True
            except FileExistsError:
                return False
            except FileNotFoundError:  # its folder was never made, or was taken away just now since it was empty
                attempts += 1
                if attempts == MAX_LINK_ATTEMPTS:
                    raise
                with contextlib.suppress(FileNotFoundError):  # the same may happen to the folders above
                    self._make_folder(os.path.dirname(path))  # noqa: PTH120 - see above

    def _make_folder(self, folder: str) -> None:
        parent = os.path.dirname(folder)  # noqa: PTH120 - see above
        if not os.path.isdir(parent) and parent.startswith(f"{self._root}/"):  # noqa: PTH112 - see above
            self._make_folder(parent)
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, 0o700)  # noqa: PTH102 - see above

    def _prune(self, folder: str) -> None:
        """Take away folders that have become empty, so that not even the name of what was in them is left."""
        while folder.startswith(f"{self._root}/"):
            with self._lock:
                self._known.discard(folder)
                self._pruned += 1
            try:
                os.rmdir(folder)  # noqa: PTH106 - see above
            except FileNotFoundError:
                pass
            except OSError:  # it is not empty
                return
            folder = os.path.dirname(folder)  # noqa: PTH120 - see above

    @contextlib.contextmanager
    def _failures(self, verb: str, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as failure:
            reason = failure.strerror or type(failure).__name__
            raise StoreError(f"the store cannot {verb}{name and f' {name}'}: {reason.lower()}") from failure


def _write_through(path: str, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        if data:  # without bytes all there is to it is its name, which is made durable with its folder
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unlink(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108 - see above


def _sync_folder(folder: str | Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
