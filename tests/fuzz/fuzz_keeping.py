"""Fuzz targets for what says that something is over: bodies of tombstones, ledgers, an owner's folder."""

import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from parts_factory import STARTED_MS, Doorbell, Owner
from sealbell_owner.errors import OwnerError
from sealbell_owner.statements import Statements, name_of
from sealbell_relay.errors import RelayError, RequestError
from sealbell_relay.http import requests
from sealbell_relay.http.keep import parse_tombstones
from sealbell_relay.keep.ledger import FileLedger, read_lines
from sealbell_wire.receipt import NO_REASON, Receipt
from sealbell_wire.sshsig import verify_key_of
from sealbell_wire.tombstone import Tombstone, read_tombstone

OWNER = Owner(1)
BELL = Doorbell(1, OWNER)
RELAY = Owner(9).key
STONE = Tombstone(OWNER.card.key, "clip", BELL.id, BELL.clip_id(), STARTED_MS)
FRAME = STONE.sign(OWNER.key)
RECEIPT = Receipt(BELL.id, STONE.name, 0, STONE.hash, "deleted", NO_REASON, STARTED_MS).sign(RELAY)
FOLDER = Path(tempfile.mkdtemp(prefix="sealbell-fuzz-"))


def fuzz_tombstones(data: bytes) -> None:
    with suppress(RequestError):
        given = parse_tombstones(data)
        assert b"".join(frame for _, frame in given) == data
        assert [read_tombstone(frame) for _, frame in given] == [tombstone for tombstone, _ in given]
    with suppress(RequestError):
        requests.parse_after_name(data.decode("utf-8", "surrogateescape"))


def fuzz_ledger(data: bytes) -> None:
    """A ledger that a disk or a person changed; in the place of a tombstone stands nothing that was not signed."""
    path = FOLDER / "ledger"
    path.write_bytes(data)
    with suppress(RelayError):
        for line in read_lines(path):
            assert line.word != "tombstone" or read_tombstone(line.data).owner
            assert ".." not in line.name


def fuzz_kept_statement(data: bytes) -> None:
    """A tombstone in the owner's folder with anything behind it counts as signed only with the relay's own receipt."""
    path = FOLDER / "ended" / name_of(STONE)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    with suppress(OwnerError):
        for one in Statements(FOLDER, OWNER.card.key, verify_key_of(RELAY)).buried():
            assert (one.tombstone, one.receipt.replace(RECEIPT, b"")) == (STONE, b"")


def _ledger_bytes() -> bytes:
    ledger = FileLedger(FOLDER / "seed")
    ledger.note(FRAME)
    return (FOLDER / "seed").read_bytes() + f"ended token {'ab' * 32} cmV2b2tlZA==\n".encode("ascii")


TARGETS: dict[str, Callable[[bytes], None]] = {
    "keeping_tombstones": fuzz_tombstones,
    "keeping_ledger": fuzz_ledger,
    "keeping_kept_statement": fuzz_kept_statement,
}
SEEDS: dict[str, list[bytes]] = {
    "keeping_tombstones": [FRAME, FRAME * 3, b"after=token-" + b"ab" * 32],
    "keeping_ledger": [_ledger_bytes()],
    "keeping_kept_statement": [FRAME, FRAME + RECEIPT, FRAME + RECEIPT * 2],
}
