"""Log lines: `level what key=value ...`, one a line, with nothing a peer wrote left unescaped and no secret."""

import logging
import re
from collections.abc import Callable
from typing import TextIO

MAX_VALUE_CHARS = 200
MAX_LINES_PER_MINUTE = 60  # of one kind: a peer who sends rubbish must not fill a disk with what is said about it

_PLAIN = re.compile(r"[A-Za-z0-9_.,:/@+-]+\Z", re.ASCII)


def escape(value: object) -> str:
    """Return `value` as it may stand in a line: bare if harmless, else cut, quoted and escaped to ASCII."""
    text = str(value)
    if len(text) <= MAX_VALUE_CHARS and _PLAIN.match(text):
        return text
    return ascii(text[:MAX_VALUE_CHARS])


class Log:
    """Writes lines to `stream`; at most MAX_LINES_PER_MINUTE of each `what`, and then how many were left out."""

    def __init__(self, stream: TextIO, monotonic: Callable[[], float]) -> None:
        self._stream = stream
        self._monotonic = monotonic
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

    def _write(self, level: str, what: str, fields: dict[str, object]) -> None:
        minute = int(self._monotonic() // 60)
        since, count = self._minutes.get(what, (minute, 0))
        if since != minute:
            if count > MAX_LINES_PER_MINUTE:
                fields = {**fields, "left_out": count - MAX_LINES_PER_MINUTE}
            since, count = minute, 0
        self._minutes[what] = (since, count + 1)
        if count < MAX_LINES_PER_MINUTE:
            pairs = "".join(f" {key}={escape(value)}" for key, value in fields.items())
            self._stream.write(f"{level} {what}{pairs}\n")
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
