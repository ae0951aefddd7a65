"""How many streams are open at once: of all owners, and of one."""

import contextlib
from collections import Counter
from collections.abc import Iterator

from sealbell_relay.errors import RequestError

MAX_STREAMS = 256
MAX_STREAMS_PER_OWNER = 32


class Slots:
    """Counts open streams. For one event loop."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    @property
    def open(self) -> int:
        """How many streams are open."""
        return self._open.total()

    @contextlib.contextmanager
    def take(self, owner: str) -> Iterator[None]:
        """Hold one for an owner as long as the context lasts; RequestError 503 if there is none."""
        if self._open.total() >= MAX_STREAMS or self._open[owner] >= MAX_STREAMS_PER_OWNER:
            raise RequestError(503, "too many streams are open: close one, or try again later")
        self._open[owner] += 1
        try:
            yield
        finally:
            self._open[owner] -= 1
            if not self._open[owner]:
                del self._open[owner]
