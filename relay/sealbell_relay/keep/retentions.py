"""How long each doorbell's clips are kept, by its owner's signed word (SPEC 16.2).

    retention/{doorbell}/{number, 16 digits}     the signed document; the highest number is in force

Objects are written once, so a newer document is another object, and those before it are removed once it is durable.
"""

import re

from sealbell_relay.errors import DamagedError
from sealbell_relay.store.store import Store
from sealbell_wire.errors import WireError
from sealbell_wire.retention import DEFAULT_DAYS, Retention, read_retention

RETENTION = "retention"
MAX_FRAME_BYTES = 2_048
NUMBER = re.compile(r"[0-9]{16}\Z", re.ASCII)


class Retentions:
    """The documents in a store. Methods may raise StoreError, and DamagedError where what is kept does not parse."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def doorbells(self) -> tuple[str, ...]:
        """Return the doorbells that have a document, sorted."""
        return self._store.list(RETENTION).folders

    def frame(self, doorbell: str) -> bytes | None:
        """Return the document in force as it was given; None if there is none."""
        for _ in range(2):  # it may be removed for a newer one while it is being read
            names = self._names(doorbell)
            if not names:
                return None
            frame = self._store.read(f"{RETENTION}/{doorbell}/{names[-1]}", 0, MAX_FRAME_BYTES)
            if frame is not None:
                return frame
        raise DamagedError(f"the store lost the retention of {doorbell}")

    def in_force(self, doorbell: str) -> Retention | None:
        """Return what the document in force says."""
        frame = self.frame(doorbell)
        if frame is None:
            return None
        try:
            document = read_retention(frame)
        except WireError as damage:
            raise DamagedError(f"the store holds a damaged retention of {doorbell}: {damage}") from damage
        if document.doorbell != doorbell:
            raise DamagedError(f"the store holds another doorbell's retention under {doorbell}")
        return document

    def days(self, doorbell: str) -> int:
        """Return for how many days clips are kept."""
        document = self.in_force(doorbell)
        return document.days if document else DEFAULT_DAYS

    def keep(self, document: Retention, frame: bytes) -> bool:
        """Put a document in force, durably; False if it is not newer than the one in force, nor the same."""
        current = self.in_force(document.doorbell)
        if current is not None and document.number <= current.number:
            return document == current
        older = self._names(document.doorbell)
        name = f"{RETENTION}/{document.doorbell}/{document.number:016d}"
        if not self._store.put(name, frame) and self._store.read(name) != frame:
            return False
        for one in older:
            self._store.remove(f"{RETENTION}/{document.doorbell}/{one}")
        return True

    def _names(self, doorbell: str) -> list[str]:
        objects = self._store.list(f"{RETENTION}/{doorbell}").objects
        return [entry.name for entry in objects if NUMBER.match(entry.name)]
