"""The part of fsck that looks at what owners said of keeping: whose tombstones are whose, retention, restores."""

import re
from collections.abc import Callable

from sealbell_relay.audit.checks import POINTER_ADVICE, Fault
from sealbell_relay.audit.look import STORE, STRAY, Look
from sealbell_relay.keep.deletion import TOMBSTONES
from sealbell_relay.keep.holds import HELD, RESTORES
from sealbell_relay.keep.retentions import MAX_FRAME_BYTES, NUMBER, RETENTION
from sealbell_relay.tenants.endings import ENDED
from sealbell_wire.errors import WireError
from sealbell_wire.resumption import read_resumption
from sealbell_wire.retention import read_retention

RETENTION_ADVICE = "move it away: its owner's tools give it again, and until then the one before it, or 30 days, hold"
RESTORE_ADVICE = "move it away: then nothing is shown to this owner before their tools have given their word again"
_HELD = Fault(
    "holds everything: nothing is shown since the store was restored",
    "sealbell-relay restored DIR --ledger FILE, or wait for the owners' tools",
)

_ID = re.compile(r"[0-9a-f]{32}\Z", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}\Z", re.ASCII)
_POINTER = re.compile(
    r"clip-([0-9a-f]{32})-([0-9a-f]{32})\Z|(doorbell)-([0-9a-f]{32})\Z|(token)-([0-9a-f]{64})\Z", re.ASCII
)


class FsckKeeping:
    """`young_s` is Unix seconds: what is younger may be half of something that is being done just now."""

    def __init__(self, look: Look, young_s: float) -> None:
        self._look = look
        self._young_s = young_s

    def kinds(self) -> dict[str, Callable[[str], None]]:
        """Return what is looked at here, by the first piece of its name."""
        return {TOMBSTONES: self._tombstones, RETENTION: self._retention, RESTORES: self._restores}

    def _tombstones(self, path: str) -> None:
        for folder, _ in self._look.named(path, "folder", _HASH):
            for name, node in self._look.named(folder, "file", _POINTER):
                data = self._look.read(name, 1)
                if data:
                    self._look.tell(name, Fault("is not empty", POINTER_ADVICE))
                elif data is not None and self._look.node(f"{STORE}/{_ending(node.name)}") is None:
                    self._look.tell(name, Fault("names something that has not ended", POINTER_ADVICE))

    def _retention(self, path: str) -> None:
        for folder, doorbell in self._look.named(path, "folder", _ID):
            for name, node in self._look.named(folder, "file", NUMBER):
                data = self._look.read(name, MAX_FRAME_BYTES)
                if data is None:
                    continue
                try:
                    document = read_retention(data)
                except WireError as error:
                    self._look.tell(name, Fault(f"is damaged: {error}" if data else "is empty", RETENTION_ADVICE))
                    continue
                if (document.doorbell, document.number) != (doorbell.name, int(node.name)):
                    self._look.tell(name, Fault("is another document than its name says", RETENTION_ADVICE))

    def _restores(self, path: str) -> None:
        for folder, nonce in self._look.named(path, "folder", _HASH):
            for name, node in self._look.named(folder, "file"):
                data = self._look.read(name, MAX_FRAME_BYTES)
                if node.name == HELD:
                    self._look.tell(name, _HELD)
                elif data is None:
                    continue
                elif not _HASH.match(node.name):
                    self._look.tell(name, STRAY)
                elif fault := _resumption_fault(node.name, nonce.name, data):
                    self._look.tell(name, Fault(fault, RESTORE_ADVICE))


def _ending(pointer: str) -> str:
    kind, _, rest = pointer.partition("-")
    return f"{ENDED}/{kind}/{rest.replace('-', '/')}"


def _resumption_fault(owner: str, nonce: str, data: bytes) -> str | None:
    try:
        said = read_resumption(data)
    except WireError as error:
        return f"is damaged: {error}" if data else "is empty"
    return None if (said.owner, said.nonce) == (owner, nonce) else "is another owner's word, or of another restore"
