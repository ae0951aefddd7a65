"""The machine as the doctor sees it: small files below a root, and programs asked for a few lines.

Both are handed in, so that a made-up Pi is examined like a real one (kvmd does so with a /sys tree of its own).
"""

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

MAX_READ_BYTES = 64_000
RUN_TIMEOUT_S = 20.0
Ask = Callable[[Sequence[str]], str | None]


@dataclass(frozen=True, slots=True)
class Machine:
    """`root` is `/` on a real machine. `ask` runs a program and returns what it printed, None if that failed."""

    root: Path
    ask: Ask

    def read(self, path: str) -> str | None:
        """Return the text of a small file, stripped of blanks and zero bytes; None if it cannot be read."""
        try:
            with (self.root / path).open("rb") as file:
                return file.read(MAX_READ_BYTES).decode("utf-8", "replace").strip(" \n\t\0")
        except OSError:
            return None

    def find(self, pattern: str) -> list[Path]:
        """Return the paths that match, sorted; none where a folder may not be read."""
        try:
            return sorted(self.root.glob(pattern))
        except OSError:
            return []

    def first(self, pattern: str) -> str | None:
        """Return the text of the first file that matches."""
        for path in self.find(pattern):
            if (text := self.read(str(path.relative_to(self.root)))) is not None:
                return text
        return None

    @property
    def model(self) -> str | None:
        """The board's name as the Raspberry Pi's firmware tells it; None on any other machine."""
        model = self.read("proc/device-tree/model")
        return model if model and "Raspberry Pi" in model else None


def ask(command: Sequence[str]) -> str | None:
    """Run a program of the system and return what it printed; None if it is absent, fails, or takes too long."""
    try:
        done = subprocess.run(  # noqa: S603 - fixed commands of ours, no shell
            command, capture_output=True, text=True, errors="replace", timeout=RUN_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout[:MAX_READ_BYTES] if done.returncode == 0 else None
