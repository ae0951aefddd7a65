"""Where clips come from: a relay over HTTP, or a relay's folder. Neither is believed in anything (clip, history)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from sealbell_owner.folder import Folder
from sealbell_owner.home import Owner
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


def open_source(owner: Owner, folder: Path | None) -> Source:
    """Return the relay's folder that was named, or else the owner's relay."""
    return Folder(folder) if folder else Relay(owner.relay, owner.token)
