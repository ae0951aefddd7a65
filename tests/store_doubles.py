"""Stores that live in memory, or fail when told to. They keep the real rules: test_store.py runs on them, too."""

import threading
from collections import Counter
from dataclasses import dataclass, field

from sealbell_relay.errors import StoreError
from sealbell_relay.store.store import Entry, Listing, Store


@dataclass
class MemoryStore:
    """A Store in memory. `calls` counts what was asked of it."""

    objects: dict[str, bytes] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, name: str, data: bytes) -> bool:
        self.calls["put"] += 1
        with self._lock:
            if name in self.objects:
                return False
            self.objects[name] = data
            return True

    def stage(self, name: str, data: bytes) -> bool:
        return self.put(name, data)

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes | None:
        self.calls["read"] += 1
        data = self.objects.get(name)
        return None if data is None else data[start : None if length is None else start + length]

    def list(self, prefix: str) -> Listing:
        self.calls["list"] += 1
        folders: set[str] = set()
        entries: list[Entry] = []
        lead = f"{prefix}/" if prefix else ""
        for name in sorted(self.objects):
            if name.startswith(lead):
                first, _, rest = name[len(lead) :].partition("/")
                if rest:
                    folders.add(first)
                else:
                    entries.append(Entry(first, len(self.objects[name])))
        return Listing(tuple(sorted(folders)), tuple(entries))

    def settle(self, *prefixes: str) -> None:
        self.calls["settle"] += 1

    def remove(self, name: str) -> None:
        self.calls["remove"] += 1
        self.objects.pop(name, None)


@dataclass
class FailingStore:
    """Passes on to another store, until `broken` names the methods that fail: a disk that is full, or gone."""

    inner: Store
    broken: frozenset[str] = frozenset()

    def put(self, name: str, data: bytes) -> bool:
        self._fail("put")
        return self.inner.put(name, data)

    def stage(self, name: str, data: bytes) -> bool:
        self._fail("put")
        return self.inner.stage(name, data)

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes | None:
        self._fail("read")
        return self.inner.read(name, start, length)

    def list(self, prefix: str) -> Listing:
        self._fail("list")
        return self.inner.list(prefix)

    def settle(self, *prefixes: str) -> None:
        self._fail("settle")
        self.inner.settle(*prefixes)

    def remove(self, name: str) -> None:
        self._fail("remove")
        self.inner.remove(name)

    def _fail(self, verb: str) -> None:
        if verb in self.broken:
            raise StoreError(f"the store cannot {verb}: no space left on device")
