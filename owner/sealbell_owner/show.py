"""How things look on a terminal: plain words and tables. Only numbers, hex, our own words and the owner's names."""

import datetime
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table
from rich.text import Text

SHORT_ID_CHARS = 12  # the time in a clip's id, which no other clip of the same doorbell shares
PIPED_COLUMNS = 120
_MS_PER_S = 1_000


def local_time(unix_ms: int, *, day: bool = True) -> str:
    """Return a wall time in the local zone, to the second; it may be any number that a doorbell signed."""
    try:
        local = datetime.datetime.fromtimestamp(unix_ms / _MS_PER_S).astimezone()
        return local.strftime("%Y-%m-%d %H:%M:%S" if day else "%H:%M:%S")
    except (OverflowError, OSError, ValueError):
        return "a time beyond any calendar"


def why(trigger: str | None, alert: bool | None) -> str:
    """Return what made the doorbell record, and whether it called nobody for that."""
    return (trigger or "unknown") + (", no alert" if alert is False else "")


def seconds(ms: int) -> str:
    """Return a duration."""
    return f"{ms / _MS_PER_S:.1f} s"


def size(count: int) -> str:
    """Return a number of bytes in the largest unit that leaves something before the point."""
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 1_000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1_000
    return f"{value:.1f} GB"


def ranges(numbers: Iterable[int]) -> str:
    """Return ascending numbers as a person writes them: `3, 5-7`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table."""
    drawn = Table(*columns, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    _console().print(drawn)


def lines(pairs: Iterable[tuple[str, str]]) -> None:
    """Print `label  text` a line, the labels in one column, the texts unbroken so that a path can be copied."""
    rows = list(pairs)
    width = max((len(label) for label, _ in rows), default=0)
    for label, text in rows:
        print(f"{label:<{width}}  {text}")


def json_line(value: Mapping[str, Any]) -> None:
    """Print one JSON object on one line, at once."""
    print(json.dumps(value), flush=True)


def note(text: str) -> None:
    """Print a line beside the output."""
    print(text, file=sys.stderr, flush=True)


def error(message: str, hint: str | None = None) -> None:
    """Print what was not done, and what to do next."""
    note(f"error: {message}")
    if hint:
        note(f"hint: {hint}")


class Bar:
    """A progress bar on standard error while a clip is fetched; none where nobody looks."""

    def __init__(self, what: str, total_bytes: int, *, quiet: bool) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        console = Console(stderr=True)
        disable = quiet or not console.is_terminal
        self._progress = Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=disable)
        self._task = self._progress.add_task(what, total=total_bytes)

    def __enter__(self) -> Callable[[int], None]:
        self._progress.start()
        return self._advance

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def _advance(self, count: int) -> None:
        self._progress.advance(self._task, count)


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else PIPED_COLUMNS, highlight=False)
