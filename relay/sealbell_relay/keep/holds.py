"""After a restore: nothing is shown to anybody until what had been deleted is deleted again (SPEC 16.3).

    restores/{nonce}/held        the store was put back from a copy; there while it is so
    restores/{nonce}/{owner}     this owner's signed resumption: they have given their tombstones again

Parts are taken and receipted all the while: a doorbell has nowhere else to put them. A folder that was copied is told
from the original by a file that cannot be copied whole: `place` names the inode and change time that DIR/lock has, and
a copy's are others. What a machine cannot tell of itself (a snapshot, a bucket) its operator says, by
`sealbell-relay restored`.
"""

import re
import secrets
from collections.abc import Callable, Iterable

from sealbell_relay.errors import RelayError, RequestError
from sealbell_relay.folder import Folder
from sealbell_relay.store.store import Store

RESTORES = "restores"
HELD = "held"
NONCE_BYTES = 32
REMEMBERED_S = 1.0
NONCE = re.compile(r"[0-9a-f]{64}\Z", re.ASCII)


class HeldError(RequestError):
    """Nothing is shown now; `nonce` is what the owner's resumption must name."""

    def __init__(self, nonce: str) -> None:
        says = "this relay was restored from a copy and shows nothing until what was deleted is deleted again"
        super().__init__(503, says, nonce=nonce)


class Holds:
    """Whether a store is held, for every relay that uses it. `monotonic` returns seconds. Methods raise StoreError."""

    def __init__(self, store: Store, monotonic: Callable[[], float]) -> None:
        self._store = store
        self._monotonic = monotonic
        self._seen: tuple[float, str | None] | None = None

    @property
    def nonce(self) -> str | None:
        """The nonce of the restore that is not over; None if nothing is held. Looked up anew every REMEMBERED_S."""
        now = self._monotonic()
        if self._seen is None or now >= self._seen[0] + REMEMBERED_S:
            self._seen = now, self._look()
        return self._seen[1]

    def check(self, owner: str) -> None:
        """Raise HeldError unless the owner with this key may read now."""
        nonce = self.nonce
        if nonce is not None and self._store.read(f"{RESTORES}/{nonce}/{owner}", 0, 0) is None:
            raise HeldError(nonce)

    def begin(self) -> str:
        """Hold everything from now on; return the nonce, also of a hold that is there already.

        One that an owner has resumed under is no hold for them, and may itself have come with the copy: it is replaced.
        """
        before = self._store.list(RESTORES).folders
        nonce = self._look()
        if nonce is None or len(self._store.list(f"{RESTORES}/{nonce}").objects) > 1:
            nonce = secrets.token_hex(NONCE_BYTES)
            self._store.put(f"{RESTORES}/{nonce}/{HELD}", b"")
            self._end(before)
        self._seen = None
        return nonce

    def resume(self, owner: str, nonce: str, frame: bytes) -> None:
        """Show this owner's things again to them."""
        self._store.put(f"{RESTORES}/{nonce}/{owner}", frame)

    def release(self) -> None:
        """Show everything again to everybody."""
        self._end(self._store.list(RESTORES).folders)
        self._seen = None

    def _end(self, nonces: Iterable[str]) -> None:
        for nonce in nonces:
            self._store.remove(f"{RESTORES}/{nonce}/{HELD}")
            for entry in self._store.list(f"{RESTORES}/{nonce}").objects:
                self._store.remove(f"{RESTORES}/{nonce}/{entry.name}")

    def _look(self) -> str | None:
        for nonce in self._store.list(RESTORES).folders:
            if NONCE.match(nonce) and self._store.read(f"{RESTORES}/{nonce}/{HELD}", 0, 0) is not None:
                return nonce
        return None


def notice_copy(folder: Folder, store: Store, holds: Holds) -> bool:
    """Hold everything if this folder is a copy of the one that served last; whether it is. For whoever has its lock."""
    place, known = _place(folder), folder.read_place()
    if known == place:
        return False
    # Without a place there is nothing to compare: a folder that never served, or served before there were tombstones.
    copied = known is not None or bool(store.list("ended").folders)
    if copied:
        holds.begin()
    folder.write_place(place)  # last: whoever dies before finds the copy again
    return copied


def _place(folder: Folder) -> str:
    try:
        status = folder.lock_file.stat()
    except OSError as failure:
        raise RelayError(f"{folder.lock_file} cannot be read: {(failure.strerror or 'failed').lower()}") from failure
    return f"{status.st_ino} {status.st_ctime_ns}"
