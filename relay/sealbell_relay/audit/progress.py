"""One line on a terminal that says how far a long look has come; nothing where nobody watches."""

from collections.abc import Callable
from typing import TextIO

EVERY_S = 0.2


class Progress:
    """Writes over its own line on `stream`, at most every EVERY_S. `monotonic` returns seconds."""

    def __init__(self, stream: TextIO, monotonic: Callable[[], float]) -> None:
        self._stream = stream
        self._monotonic = monotonic
        self._watched = stream.isatty()
        self._last_s = monotonic()
        self._shown = False

    def show(self, objects: int, size_bytes: int) -> None:
        """Say how much was done so far."""
        if self._watched and self._monotonic() >= self._last_s + EVERY_S:
            self._last_s, self._shown = self._monotonic(), True
            self._stream.write(f"\r{objects} objects, {size_bytes / 1e6:.1f} MB ...\x1b[K")
            self._stream.flush()

    def clear(self) -> None:
        """Take the line away, before anything else is printed."""
        if self._shown:
            self._shown = False
            self._stream.write("\r\x1b[K")
            self._stream.flush()
