"""The owner's own statements and what the relay signed for them, kept in the owner's folder for good.

    ended/{name}                          a tombstone, and behind it the relay's receipt once there is one
    retention/{doorbell}-{number}         a retention document, likewise

They are what a relay that was restored from an old copy is given again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sealbell_owner.errors import OwnerError
from sealbell_owner.files import make_folder, read_file, show, write_file
from sealbell_owner.gone import Gone, Rule
from sealbell_wire.errors import WireError
from sealbell_wire.receipt import Receipt, read_receipts
from sealbell_wire.retention import Retention, read_retention
from sealbell_wire.statement import take_statement
from sealbell_wire.tombstone import Tombstone, read_tombstone

ENDED, RETENTION = "ended", "retention"
MAX_STATEMENT_FILE_BYTES = 4_096


@dataclass(frozen=True, slots=True)
class Buried:
    """A tombstone as a frame, and the frame of its receipt; empty if the relay has not signed it yet."""

    tombstone: Tombstone
    frame: bytes
    receipt: bytes


class Statements:
    """Reads check again what is kept: a restored copy may be anything. Methods raise OwnerError."""

    def __init__(self, folder: Path, owner_key: str, relay_key: bytes) -> None:
        """`owner_key` in hex; `relay_key` checks receipts."""
        self._folder = folder
        self._owner_key = owner_key
        self._relay_key = relay_key

    def bury(self, frame: bytes, receipt: bytes = b"") -> None:
        """Keep a tombstone of this owner's, or its receipt, durably. One that is signed for already stays so."""
        tombstone = read_tombstone(frame)
        path = self._folder / ENDED / name_of(tombstone)
        if not receipt and path.exists():
            return
        make_folder(path.parent)
        write_file(path, frame + receipt)

    def buried(self) -> Iterator[Buried]:
        """Yield every tombstone that is kept."""
        for path in self._paths(ENDED):
            frame, receipt = self._split(path)
            try:
                tombstone = read_tombstone(frame)
                if tombstone.owner != self._owner_key or path.name != name_of(tombstone):
                    raise OwnerError(f"{show(path)} is not the tombstone after which it is named")
                told = read_receipts(receipt, self._relay_key)
            except WireError as error:
                raise OwnerError(f"{show(path)} is damaged: {error}", "move it away, and delete again") from None
            signed = any(is_signed(tombstone, one) for one in told)
            yield Buried(tombstone, frame, receipt if signed else b"")

    def retain(self, frame: bytes, receipt: bytes = b"") -> None:
        """Keep a retention document, or its receipt, durably."""
        document = read_retention(frame)
        path = self._folder / RETENTION / f"{document.doorbell}-{document.number:016d}"
        if not receipt and path.exists():
            return
        make_folder(path.parent)
        write_file(path, frame + receipt)

    def retentions(self, doorbell: str | None = None) -> list[tuple[Retention, bytes]]:
        """Return the documents that are kept, of one doorbell or of all, each with its frame, in order of number."""
        found = []
        for path in self._paths(RETENTION):
            if doorbell is not None and not path.name.startswith(f"{doorbell}-"):
                continue
            frame, _ = self._split(path)
            try:
                found.append((read_retention(frame), frame))
            except WireError as error:
                raise OwnerError(f"{show(path)} is damaged: {error}", "move it away") from None
        return sorted(found, key=lambda one: one[0].number)

    def deleted_doorbells(self) -> set[str]:
        """Return the doorbells of which the relay signed that it deleted all."""
        return {one.tombstone.doorbell for one in self.buried() if one.tombstone.kind == "doorbell" and one.receipt}

    def gone(self, doorbell: str, now_ms: int) -> Gone:
        """Return what of a doorbell is rightly gone."""
        deleted = {
            one.tombstone.name: bool(one.receipt)
            for one in self.buried()
            if (one.tombstone.kind, one.tombstone.doorbell) == ("clip", doorbell)
        }
        rules = [Rule(document.number, document.days) for document, _ in self.retentions(doorbell)]
        return Gone(now_ms, deleted, rules)

    def _paths(self, kind: str) -> list[Path]:
        folder = self._folder / kind
        return sorted(path for path in folder.iterdir() if not path.name.startswith(".")) if folder.is_dir() else []

    def _split(self, path: Path) -> tuple[bytes, bytes]:
        data = read_file(path, MAX_STATEMENT_FILE_BYTES)
        try:
            _, _, receipt = take_statement(data, data[:4])
        except WireError as error:
            raise OwnerError(f"{show(path)} is damaged: {error}", "move it away") from None
        return data[: len(data) - len(receipt)], receipt


def name_of(tombstone: Tombstone) -> str:
    """Return the name of a tombstone, as the relay lists it, too (SPEC 16.4)."""
    if tombstone.kind == "clip":
        return f"clip-{tombstone.doorbell}-{tombstone.name}"
    return f"doorbell-{tombstone.doorbell}" if tombstone.kind == "doorbell" else f"token-{tombstone.name}"


def is_signed(tombstone: Tombstone, receipt: Receipt) -> bool:
    """Whether a receipt, checked already, is the relay's word that it obeyed this tombstone."""
    return (receipt.verdict, receipt.record, receipt.doorbell) == ("deleted", tombstone.hash, tombstone.doorbell)
