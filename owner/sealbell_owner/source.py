"""Where clips come from: a relay over HTTP, or a relay's folder. Neither is believed in anything (clip, history)."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from sealbell_owner import show
from sealbell_owner.folder import Folder
from sealbell_owner.home import Home
from sealbell_owner.keeping import Keeping
from sealbell_owner.listing import Offered, Page
from sealbell_owner.relay import Relay


class Source(Protocol):
    """Both implementations pass the same tests (tests/path/test_owner_sources.py)."""

    def clips(self, doorbell: str, limit: int, before: str | None = None) -> Page:
        """Return at most `limit` clips older than `before`, newest first, `limit` at most MAX_PAGE_CLIPS.

        Raises OwnerError if the source cannot be reached, WireError if its answer follows no grammar.
        """

    def health(self, doorbell: str) -> Offered | None:
        """Return the doorbell's newest health message; None if there is none. Raises as `clips` does."""

    def parts(self, doorbell: str, clip: str, from_seq: int = 0) -> Iterator[bytes]:
        """Return the stored objects of a clip from part `from_seq` on, in the order the source gives them; one that
        cannot be read as no bytes.

        Raises OwnerError if there is no such clip or the source cannot be reached, WireError on a stream that is cut
        or announces too much; also while it is read.
        """


def open_source(home: Home, folder: Path | None) -> Source:
    """Return the relay's folder that was named, or else the owner's relay."""
    return Folder(folder) if folder else open_relay(home)


def open_relay(home: Home) -> Relay:
    """Return the owner's relay. One that was restored from a copy is given what it may have forgotten."""
    owner = home.owner()

    def resume(nonce: str) -> None:
        given = Keeping(home, Relay(owner.relay, owner.token), time.time_ns() // 1_000_000).resume(nonce)
        show.note(f"note: the relay was restored from a copy; it was told again what was deleted: {given} tombstones")

    return Relay(owner.relay, owner.token, resume)
