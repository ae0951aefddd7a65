"""A new folder that is filled once, with the SHA-256 of each file. It never writes over anything."""

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from sealbell_relay.errors import RelayError

SUMS = "SHA256SUMS"
_UNFINISHED = f"{SUMS}.unfinished"


class OutFolder:
    """Used with `with`; SHA256SUMS is there once all is, and not before. Raises RelayError."""

    def __init__(self, root: Path) -> None:
        """`root` must be absent or empty."""
        self.root = root
        with self._failures():
            if root.exists() and (not root.is_dir() or any(root.iterdir())):
                raise RelayError(f"{root} holds something already", hint="give a folder that is empty or not there")
            root.mkdir(mode=0o700, exist_ok=True)
            self._sums = self._create(_UNFINISHED)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._failures():
            self._sums.close()
            if kind is None:
                (self.root / _UNFINISHED).rename(self.root / SUMS)

    @contextlib.contextmanager
    def file(self, name: str) -> Iterator[Callable[[bytes], None]]:
        """Make one file, and yield what writes to it."""
        digest = hashlib.sha256()
        with self._failures():
            file = self._create(name)

        def write(data: bytes) -> None:
            digest.update(data)
            with self._failures():
                file.write(data)

        try:
            yield write
        finally:
            with self._failures():
                file.close()
        with self._failures():
            self._sums.write(f"{digest.hexdigest()}  {name}\n".encode("ascii"))

    def _create(self, name: str) -> IO[bytes]:
        path = self.root / name
        for folder in reversed(Path(name).parents):  # one by one: mkdir(parents=True) would leave some open to others
            (self.root / folder).mkdir(mode=0o700, exist_ok=True)
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except OSError as failure:
            raise RelayError(
                f"{self.root} cannot be written: {(failure.strerror or 'failed').lower()}",
                hint=f"without {SUMS} in it it is not complete: make room, and give another folder",
            ) from failure
