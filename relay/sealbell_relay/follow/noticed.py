"""Which notices arrived when: one empty object a notice, so that a phone can be told what it missed with one listing.

    notices/{doorbell}/{clip}-{seq}-{arrived}     seq in 6 decimal digits, arrived in 12 hex digits of Unix milliseconds

It is written after the part is stored and before its receipt is sent, and a part that is sent again writes the same
name again; so of each notice that was receipted there is exactly one. It says nothing that the part does not say.
"""

import re
from dataclasses import dataclass

from sealbell_relay.store.store import Store

NOTICES = "notices"
_NAME = re.compile(r"([0-9a-f]{32})-([0-9]{6})-([0-9a-f]{12})\Z", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Noticed:
    """A notice that is stored. Sorts by arrival: Unix milliseconds by the clock of the relay that took it."""

    arrived_ms: int
    doorbell: str
    clip: str
    seq: int


class NoticeShelf:
    """The notices in a store. Methods may raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, *noticed: Noticed) -> None:
        """Note durably that notices are stored; nothing of those of which that was done before."""
        for one in noticed:
            name = f"{one.clip}-{one.seq:06d}-{one.arrived_ms:012x}"
            self._store.stage(f"{NOTICES}/{one.doorbell}/{name}", b"")
        if noticed:
            self._store.settle(*{f"{NOTICES}/{one.doorbell}" for one in noticed})

    def since(self, doorbell: str, floor_ms: int) -> list[Noticed]:
        """Return what arrived at `floor_ms` or later, in order of arrival."""
        names = (parse_noticed(doorbell, entry.name) for entry in self._store.list(f"{NOTICES}/{doorbell}").objects)
        return sorted(found for found in names if found and found.arrived_ms >= floor_ms)

    def forget(self, doorbell: str, clip: str) -> None:
        """Take away what is noted of a clip, durably."""
        folder, found = f"{NOTICES}/{doorbell}", False
        for entry in self._store.list(folder).objects:
            if entry.name.startswith(clip):
                self._store.remove(f"{folder}/{entry.name}")
                found = True
        if found:
            self._store.settle(folder)


def parse_noticed(doorbell: str, name: str) -> Noticed | None:
    """Return what an object's name says; None if none is called so."""
    found = _NAME.match(name)
    return Noticed(int(found[3], 16), doorbell, found[1], int(found[2])) if found else None
