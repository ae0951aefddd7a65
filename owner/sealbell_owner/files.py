"""Files as the owner's tools read and write them: capped, private (0600 in 0700), and whole or not at all."""

import contextlib
import os
import stat
from pathlib import Path

from sealbell_owner.errors import OwnerError

PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700


def make_folder(path: Path) -> None:
    """Make a private folder with the folders above it; one that is there is left as it is."""
    path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)


def read_file(path: Path, limit_bytes: int) -> bytes:
    """Return a regular file's bytes; OwnerError if it is something else, is larger, or cannot be read."""
    data = read_piece(path, 0, limit_bytes + 1)
    if len(data) > limit_bytes:
        raise OwnerError(f"{show(path)} is larger than {limit_bytes} bytes")
    return data


def read_piece(path: Path, start: int, size: int) -> bytes:
    """Return up to `size` bytes of a regular file from byte `start` on; OwnerError as `read_file`."""
    try:
        # Not blocking: a pipe that someone put in a file's place would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OwnerError(f"{show(path)} is not a file")
            file.seek(start)
            return file.read(size)
    except OSError as error:
        raise OwnerError(f"cannot read {show(path)}: {error.strerror}") from None


def write_file(path: Path, data: bytes) -> None:
    """Replace a file by a private one, durably: readers see the old bytes or the new ones, never a mixture."""
    with Draft(path) as draft:
        draft.write(data)
        draft.keep()


def show(path: Path) -> str:
    """Return a path for a message: quoted, control characters escaped."""
    return repr(str(path))


class Draft:
    """A file that is being written under a temporary name beside its own, and is gone unless it is kept."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")

    def __enter__(self) -> "Draft":
        try:
            self._temporary.unlink(missing_ok=True)  # of a process that died under this very number
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            self._file = os.fdopen(os.open(self._temporary, flags, PRIVATE_FILE), "wb")
        except OSError as error:
            raise OwnerError(f"cannot write {show(self.path)}: {error.strerror}") from None
        return self

    def write(self, data: bytes) -> None:
        """Add bytes at the end."""
        try:
            self._file.write(data)
        except OSError as error:
            raise OwnerError(f"cannot write {show(self.path)}: {error.strerror}") from None

    def keep(self) -> None:
        """Give the file its name, once all of it is on the disk."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._temporary.replace(self.path)
            sync_folder(self.path.parent)
        except OSError as error:
            raise OwnerError(f"cannot write {show(self.path)}: {error.strerror}") from None

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # what was not kept need not reach the disk
            self._file.close()
        self._temporary.unlink(missing_ok=True)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
