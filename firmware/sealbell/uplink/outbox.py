"""The outbox as the network process sees it: what is to be sent, until the relay has signed for it."""

import contextlib
import logging
import os
from pathlib import Path

from sealbell.spool import BELL, HEALTH, Entry, OutboxError, hang_bell, listing, reason
from sealbell_wire.errors import WireError
from sealbell_wire.health import Health, parse_health
from sealbell_wire.limits import MAX_HEALTH_BYTES

_log = logging.getLogger(__name__)


class OutboxReader:
    """The side of the network process: lists, reads, and deletes what the relay signed for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._received: set[Entry] = set()
        self._bell: int | None = None
        self._stuck = False
        self._health: Health | None = None
        self._health_file: tuple[int, int, int] | None = None

    def open_bell(self) -> int:
        """Return a descriptor that becomes readable when something was committed; OutboxError if there is no outbox."""
        if self._bell is None:
            try:
                hang_bell(self._folder)
                # Opened for writing too, or it would read as ended whenever no writer has it open.
                self._bell = os.open(self._folder / BELL, os.O_RDWR | os.O_NONBLOCK)
            except OSError as error:
                raise OutboxError(f"the outbox {self._folder} cannot be used: {reason(error)}") from None
        return self._bell

    def silence_bell(self) -> None:
        """Read away the rings so far."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self.open_bell(), 4_096):
                pass

    def entries(self) -> list[Entry]:
        """Return what still has to be sent, oldest first."""
        present = listing(self._folder)
        for entry in present[:-1]:
            if entry in self._received:
                self._delete(entry)
        self._received &= set(present)
        return [entry for entry in present if entry not in self._received]

    def read(self, entry: Entry) -> bytes | None:
        """Return the bytes of an entry; None if it is gone."""
        try:
            return (self._folder / entry.name).read_bytes()
        except FileNotFoundError:
            return None

    def health(self) -> Health | None:
        """Return the doorbell's newest word of itself; None if there is none that can be read."""
        try:
            found = (self._folder / HEALTH).stat(follow_symlinks=False)
            stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
            if stamp != self._health_file:
                self._health_file, self._health = stamp, None
                with (self._folder / HEALTH).open("rb") as file:
                    self._health = parse_health(file.read(MAX_HEALTH_BYTES + 1))
        except FileNotFoundError:
            return None
        except (OSError, WireError) as error:
            _log.error("the health message in the outbox is damaged: %s", error)
        return self._health

    def received(self, *entries: Entry) -> None:
        """The relay has signed for these: delete them, but keep the newest until the next one is committed."""
        self._received.update(entries)
        self.entries()

    def _delete(self, entry: Entry) -> None:
        try:
            (self._folder / entry.name).unlink(missing_ok=True)
        except OSError as error:
            # It stays among the received, so that what is left on a disk gone read-only still reaches the relay.
            if not self._stuck:
                _log.error("nothing can be deleted from the outbox %s: %s", self._folder, reason(error))
            self._stuck = True
