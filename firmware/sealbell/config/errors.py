"""What is wrong with a settings file, in words for whoever wrote it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: at which keys (such as "[night] dark_lux"; none for the whole file), and what."""

    at: tuple[str, ...]
    says: str

    def __str__(self) -> str:
        return f"{' and '.join(self.at)}: {self.says}" if self.at else self.says


class SettingsError(Exception):
    """The settings are not such as can be obeyed. `problems` is everything that is wrong, in the file's order."""

    def __init__(self, file: Path | None, problems: Sequence[Problem], hint: str = "") -> None:
        self.file = file
        self.problems = tuple(problems)
        lines = [f"{file or 'settings'}: {problem}" for problem in problems]
        super().__init__("\n".join([*lines, f"hint: {hint}"] if hint else lines))
