"""Where the films of followed clips go while they grow: nowhere, a file a clip, or a player's standard input."""

import os
from pathlib import Path
from typing import IO

from sealbell_owner.errors import OwnerError
from sealbell_owner.files import PRIVATE_FILE, show


class Films:
    """Where films are written while they grow; this one writes none."""

    def write(self, clip: str, pieces: list[bytes]) -> None:
        """Add to the film of a clip."""


class FileFilms(Films):
    """A file a clip."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._paths: dict[str, Path] = {}

    def write(self, clip: str, pieces: list[bytes]) -> None:
        """Add to the film of a clip."""
        if not pieces:
            return
        number = len(self._paths) + 1
        begun = clip in self._paths
        numbered = self._path.with_stem(f"{self._path.stem}-{number}") if number > 1 else self._path
        path = self._paths.setdefault(clip, numbered)
        try:
            flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if begun else os.O_TRUNC)
            with os.fdopen(os.open(path, flags, PRIVATE_FILE), "wb") as file:
                file.writelines(pieces)
        except OSError as error:
            raise OwnerError(f"cannot write {show(path)}: {error.strerror}") from None


class PipeFilms(Films):
    """One film after the other into a player; what comes late of an earlier one is left out."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._clip = ""

    def write(self, clip: str, pieces: list[bytes]) -> None:
        """Add to the film of a clip. Raises BrokenPipeError when the player has ended."""
        if pieces and clip >= self._clip:
            self._clip = clip
            self._pipe.writelines(pieces)
            self._pipe.flush()
