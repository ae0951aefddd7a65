"""Log lines, one a line, with nothing a peer wrote left unescaped and no secret: as text, or as JSON."""

import json
import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal, TextIO, get_args

MAX_VALUE_CHARS = 200
MAX_LINES_PER_MINUTE = 60  # of one kind: a peer who sends rubbish must not fill a disk with what is said about it

Form = Literal["text", "json"]
Level = Literal["info", "warn", "error"]
FORMS: tuple[Form, ...] = get_args(Form)
LEVELS: tuple[Level, ...] = get_args(Level)

_PLAIN = re.compile(r"[A-Za-z0-9_.,:/@+-]+\Z", re.ASCII)


def escape(value: object) -> str:
    """Return `value` as it may stand in a line: bare if harmless, else cut, quoted and escaped to ASCII."""
    text = str(value)
    if len(text) <= MAX_VALUE_CHARS and _PLAIN.match(text):
        return text
    return ascii(text[:MAX_VALUE_CHARS])


def text_line(level: Level, what: str, fields: dict[str, object]) -> str:
    """Return a line for a person."""
    return f"{level} {what}" + "".join(f" {key}={escape(value)}" for key, value in fields.items())


def json_line(unix_ms: int, level: Level, what: str, fields: dict[str, object]) -> str:
    """Return a line for a program: one JSON object in printable ASCII."""
    time = datetime.fromtimestamp(unix_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    values = {key: value if isinstance(value, int) else str(value)[:MAX_VALUE_CHARS] for key, value in fields.items()}
    line = json.dumps({"time": time, "level": level, "what": what, "fields": values})
    return line.replace("\x7f", "\\u007f")  # the one control character that JSON lets through


class Log:
    """Writes lines to `stream`; at most MAX_LINES_PER_MINUTE of each `what`, and then how many were left out.

    `monotonic` returns seconds, `wall_ms` Unix milliseconds. Lines below `level` are left out.
    """

    def __init__(
        self,
        stream: TextIO,
        monotonic: Callable[[], float],
        *,
        form: Form = "text",
        level: Level = "info",
        wall_ms: Callable[[], int] = lambda: 0,
    ) -> None:
        self._stream = stream
        self._monotonic = monotonic
        self._form = form
        self._levels = frozenset(LEVELS[LEVELS.index(level) :])
        self._wall_ms = wall_ms
        self._minutes: dict[str, tuple[int, int]] = {}

    def info(self, what: str, **fields: object) -> None:
        """Say that something usual happened."""
        self._write("info", what, fields)

    def warn(self, what: str, **fields: object) -> None:
        """Say that something was refused or retried; the relay goes on as before."""
        self._write("warn", what, fields)

    def error(self, what: str, **fields: object) -> None:
        """Say that something needs a person."""
        self._write("error", what, fields)

    def _write(self, level: Level, what: str, fields: dict[str, object]) -> None:
        if level not in self._levels:
            return
        minute = int(self._monotonic() // 60)
        since, count = self._minutes.get(what, (minute, 0))
        if since != minute:
            if count > MAX_LINES_PER_MINUTE:
                fields = {**fields, "left_out": count - MAX_LINES_PER_MINUTE}
            since, count = minute, 0
        self._minutes[what] = (since, count + 1)
        if count < MAX_LINES_PER_MINUTE:
            line = (
                text_line(level, what, fields)
                if self._form == "text"
                else json_line(self._wall_ms(), level, what, fields)
            )
            self._stream.write(line + "\n")
            self._stream.flush()


class LibraryLines(logging.Handler):
    """Passes what libraries log on to a Log, escaped like everything else and without their stack traces."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one library's line."""
        error = record.exc_info[1] if record.exc_info else None
        self._log.warn(
            "library",
            name=record.name,
            says=record.getMessage(),
            error=f"{type(error).__name__}: {error}" if error else "-",
        )
