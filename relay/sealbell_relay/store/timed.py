"""A store that tells how long each operation took, and whether it failed."""

import contextlib
from collections.abc import Callable, Iterator

from sealbell_relay.errors import StoreError
from sealbell_relay.store.store import Listing, Store

VERBS = ("put", "read", "list", "settle", "remove")


class TimedStore:
    """Passes on to another store. `observe` gets verb, seconds and whether it failed, in the calling thread."""

    def __init__(
        self, inner: Store, observe: Callable[[str, float, bool], None], monotonic: Callable[[], float]
    ) -> None:
        self._inner = inner
        self._observe = observe
        self._monotonic = monotonic

    def put(self, name: str, data: bytes) -> bool:
        """See Store."""
        with self._timed("put"):
            return self._inner.put(name, data)

    def stage(self, name: str, data: bytes) -> bool:
        """See Store."""
        with self._timed("put"):
            return self._inner.stage(name, data)

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes | None:
        """See Store."""
        with self._timed("read"):
            return self._inner.read(name, start, length)

    def list(self, prefix: str) -> Listing:
        """See Store."""
        with self._timed("list"):
            return self._inner.list(prefix)

    def settle(self, *prefixes: str) -> None:
        """See Store."""
        with self._timed("settle"):
            self._inner.settle(*prefixes)

    def remove(self, name: str) -> None:
        """See Store."""
        with self._timed("remove"):
            self._inner.remove(name)

    @contextlib.contextmanager
    def _timed(self, verb: str) -> Iterator[None]:
        begun, failed = self._monotonic(), False
        try:
            yield
        except StoreError:
            failed = True
            raise
        finally:
            self._observe(verb, self._monotonic() - begun, failed)
