"""What the owner ended stays in the folder for good, and is checked again whenever it is read."""

from pathlib import Path

import pytest

from parts_factory import STARTED_MS, Doorbell, Owner
from sealbell_owner.errors import OwnerError
from sealbell_owner.gone import Rule
from sealbell_owner.statements import Buried, Statements, name_of
from sealbell_wire.ids import ZERO_ID
from sealbell_wire.receipt import NO_REASON, Receipt
from sealbell_wire.retention import Retention
from sealbell_wire.sshsig import verify_key_of
from sealbell_wire.tombstone import Tombstone

OWNER = Owner(1)
BELL = Doorbell(1, OWNER)
RELAY = Owner(9).key
STONE = Tombstone(OWNER.card.key, "clip", BELL.id, BELL.clip_id(), STARTED_MS)
FRAME = STONE.sign(OWNER.key)
RECEIPT = Receipt(BELL.id, STONE.name, 0, STONE.hash, "deleted", NO_REASON, STARTED_MS).sign(RELAY)


@pytest.fixture
def statements(tmp_path: Path) -> Statements:
    return Statements(tmp_path, OWNER.card.key, verify_key_of(RELAY))


def test_a_tombstone_is_kept_before_and_after_the_relay_signed(statements: Statements) -> None:
    statements.bury(FRAME)
    assert list(statements.buried()) == [Buried(STONE, FRAME, b"")]
    assert statements.gone(BELL.id, STARTED_MS).deleted == {STONE.name: False}
    statements.bury(FRAME, RECEIPT)
    statements.bury(FRAME)
    assert list(statements.buried()) == [Buried(STONE, FRAME, RECEIPT)]
    assert statements.gone(BELL.id, STARTED_MS).deleted == {STONE.name: True}
    assert statements.gone(Doorbell(2).id, STARTED_MS).deleted == {}


def test_a_receipt_of_something_else_does_not_count(statements: Statements) -> None:
    for other in (
        Receipt(BELL.id, STONE.name, 0, "77" * 32, "deleted", NO_REASON, 1),
        Receipt(BELL.id, STONE.name, 0, STONE.hash, "stored", NO_REASON, 1),
        Receipt(ZERO_ID, STONE.name, 0, STONE.hash, "deleted", NO_REASON, 1),
    ):
        statements.bury(FRAME, other.sign(RELAY))
        assert [one.receipt for one in statements.buried()] == [b""]


def test_what_was_changed_in_the_folder_is_told(statements: Statements, tmp_path: Path) -> None:
    path = tmp_path / "ended" / name_of(STONE)
    whole = FRAME + RECEIPT
    for bad in (b"", whole[:-1], whole + b"x", FRAME[:-1], FRAME[:-1] + b"x" + RECEIPT, STONE.sign(Owner(2).key)):
        statements.bury(FRAME, RECEIPT)
        path.write_bytes(bad)
        with pytest.raises(OwnerError, match="damaged"):
            list(statements.buried())
    path.rename(path.with_name("clip-of-another"))
    path.with_name("clip-of-another").write_bytes(whole)
    with pytest.raises(OwnerError, match="not the tombstone"):
        list(statements.buried())


def test_documents_are_rules_in_order_of_their_number(statements: Statements) -> None:
    for number, days in ((7, 30), (5, 3), (6, 365)):
        statements.retain(Retention(OWNER.card.key, BELL.id, number, days).sign(OWNER.key))
    statements.retain(Retention(OWNER.card.key, Doorbell(2, OWNER).id, 1, 1).sign(OWNER.key))
    assert statements.gone(BELL.id, STARTED_MS).rules == [Rule(5, 3), Rule(6, 365), Rule(7, 30)]
    assert len(statements.retentions()) == 4
