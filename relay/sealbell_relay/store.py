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

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes | None:
        """Return up to `length` bytes (all if None) from `start`; None if there is no such object."""
        ...

    def list(self, prefix: str) -> Listing:
        """Return what lies directly below `prefix`; empty if there is nothing."""
        ...

    def settle(self, prefix: str) -> None:
        """Return once every object that shows directly below `prefix` is durable, whoever put it there."""
        ...

    def remove(self, name: str) -> None:
        """Take an object away, and folders that are empty then; nothing if there is none. Durable once settled."""
        ...


class DirectoryStore:
    """A Store in a folder of a local file system: temporary file, fsync, link, fsync of the folder.

    The link is what puts only if absent: unlike a rename it never replaces. Safe from many threads and processes.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: set[Path] = set()
        self._lock = threading.Lock()

    def make(self) -> None:
        """Make the folder if it is not there."""
        with self._failures("be made", ""):
            self._root.mkdir(mode=0o700, exist_ok=True)
            (self._root / TEMPORARY).mkdir(mode=0o700, exist_ok=True)
            _sync_folder(self._root.parent)

    def sweep(self) -> None:
        """Clear away what killed writers left half written. Only for whoever holds the folder's lock."""
        with self._failures("be swept", ""):
            for leftover in (self._root / TEMPORARY).iterdir():
                leftover.unlink(missing_ok=True)

    def put(self, name: str, data: bytes) -> bool:
        """See Store."""
        path = self._root / name
        temporary = self._root / TEMPORARY / secrets.token_hex(16)
        with self._failures("write", name):
            try:
                _write_through(temporary, data)
                if not self._link(temporary, path):
                    return False
            finally:
                temporary.unlink(missing_ok=True)
            with contextlib.suppress(FileNotFoundError):  # who wanted it gone has taken it away already
                _sync_folder(path.parent)
            if path.parent not in self._known:  # it was taken away and made again meanwhile, by whom is not known
                self.settle(str(path.parent.relative_to(self._root)))
            return True

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes | None:
        """See Store."""
        with self._failures("read", name):
            try:
                with (self._root / name).open("rb", buffering=0) as file:
                    file.seek(start)
                    return file.read(-1 if length is None else length)
            except (FileNotFoundError, NotADirectoryError):
                return None

    def list(self, prefix: str) -> Listing:
        """See Store."""
        folders, objects = [], []
        with self._failures("list", prefix):
            try:
                with os.scandir(self._root / prefix) as entries:
                    for entry in entries:
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(entry.name)
                        else:
                            with contextlib.suppress(FileNotFoundError):  # removed since
                                objects.append(Entry(entry.name, entry.stat().st_size))
            except (FileNotFoundError, NotADirectoryError):
                pass
        return Listing(tuple(sorted(folders)), tuple(sorted(objects, key=lambda found: found.name)))

    def settle(self, prefix: str) -> None:
        """See Store. The bytes were on the disk before they had a name; only the names may not be."""
        folder = self._root / prefix
        with self._failures("settle", prefix):
            while folder != self._root:
                with contextlib.suppress(FileNotFoundError):  # what was taken away is durable once its parent is
                    _sync_folder(folder)
                folder = folder.parent
            _sync_folder(self._root)

    def remove(self, name: str) -> None:
        """See Store."""
        with self._failures("remove", name):
            path = self._root / name
            path.unlink(missing_ok=True)
            self._prune(path.parent)

    def _link(self, temporary: Path, path: Path) -> bool:
        attempts = 0
        while True:
            try:
                self._make_folder(path.parent)
                with contextlib.suppress(FileExistsError):
                    os.link(temporary, path)
                    return True
                return False
            except FileNotFoundError:  # somebody has just taken the folder away, since it was empty
                attempts += 1
                if attempts == MAX_LINK_ATTEMPTS:
                    raise
                with self._lock:
                    self._known.clear()

    def _prune(self, folder: Path) -> None:
        """Take away folders that have become empty, so that not even the name of what was in them is left."""
        while self._root not in (folder, folder.parent):
            with self._lock:
                self._known.discard(folder)
            try:
                folder.rmdir()
            except FileNotFoundError:
                pass
            except OSError:  # it is not empty
                return
            folder = folder.parent

    def _make_folder(self, folder: Path) -> None:
        # A folder counts as known only after its own name was made durable in its parent, by this process.
        if folder in self._known or folder == self._root:
            return
        self._make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        _sync_folder(folder.parent)
        with self._lock:
            if len(self._known) >= MAX_KNOWN_FOLDERS:
                self._known.clear()
            self._known.add(folder)

    @contextlib.contextmanager
    def _failures(self, verb: str, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as failure:
            reason = failure.strerror or type(failure).__name__
            raise StoreError(f"the store cannot {verb}{name and f' {name}'}: {reason.lower()}") from failure


def _write_through(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
