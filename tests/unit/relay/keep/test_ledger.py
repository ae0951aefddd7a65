"""What must stay deleted is written a second time before anything is receipted, and can be applied to an older copy."""

from pathlib import Path

import pytest

from parts_factory import STARTED_MS, Doorbell, Owner
from sealbell_relay.errors import RelayError, StoreError
from sealbell_relay.keep.deletion import Deletion
from sealbell_relay.keep.ledger import FileLedger, Line, apply, read_lines
from sealbell_relay.keep.retentions import Retentions
from sealbell_relay.store.archive import Archive
from sealbell_relay.tenants.allow import Register
from sealbell_relay.tenants.endings import KINDS, Endings
from sealbell_wire.ids import ZERO_ID
from sealbell_wire.retention import Retention
from sealbell_wire.tombstone import Tombstone
from store_doubles import MemoryStore

OWNER = Owner(1)
BELL = Doorbell(1, OWNER)
RELAY = Owner(9).key
STONE = Tombstone(OWNER.card.key, "clip", BELL.id, BELL.clip_id(), STARTED_MS)
DOCUMENT = Retention(OWNER.card.key, BELL.id, 1, 7)


def applied(path: Path, store: MemoryStore) -> int:
    archive, register = Archive(store, lambda _: None), Register(store)
    deletion = Deletion(store, archive, register, RELAY, lambda: STARTED_MS, None)
    return apply(read_lines(path), deletion, Retentions(store), Endings(store))


def test_what_was_noted_is_applied_to_a_store_that_knows_nothing_of_it(tmp_path: Path) -> None:
    ledger = FileLedger(path := tmp_path / "ledger")
    ledger.note(STONE.sign(OWNER.key))
    ledger.note(DOCUMENT.sign(OWNER.key))
    endings = Endings(MemoryStore())
    endings.end("token", "ab" * 32, b"revoked by the operator\n")
    assert (ledger.catch_up(endings), ledger.catch_up(endings)) == (1, 0)
    store = MemoryStore()
    store.put(f"clips/{BELL.id}/{STONE.name[:6]}/{STONE.name}/000000.part", b"x")
    assert applied(path, store) == 3
    assert Endings(store).ended("clip", f"{BELL.id}/{STONE.name}")
    assert Endings(store).proof("token", "ab" * 32) == b"revoked by the operator\n"
    assert Retentions(store).days(BELL.id) == 7
    assert not store.list(f"clips/{BELL.id}").folders
    assert applied(path, store) == 3, "twice does no harm"


def test_a_ledger_grows_at_no_start_and_a_copy_that_was_cut_off_goes_on(tmp_path: Path) -> None:
    store = MemoryStore()
    endings, retentions = Endings(store), Retentions(store)
    stones = [Tombstone(OWNER.card.key, "clip", BELL.id, BELL.clip_id(number), STARTED_MS) for number in range(1, 6)]
    for stone in stones:
        endings.end("clip", f"{BELL.id}/{stone.name}", stone.sign(OWNER.key))
    gone = Tombstone(OWNER.card.key, "doorbell", BELL.id, ZERO_ID, STARTED_MS)
    token = Tombstone(OWNER.card.key, "token", ZERO_ID, "ab" * 32, STARTED_MS)
    for ending in (gone, token):
        endings.end(ending.kind, ending.doorbell if ending is gone else ending.name, ending.sign(OWNER.key))
    retentions.keep(DOCUMENT, DOCUMENT.sign(OWNER.key))
    first = FileLedger(path := tmp_path / "ledger")
    for stone in (*stones[:2], gone, token, stones[0]):
        first.note(stone.sign(OWNER.key))
    assert len(list(read_lines(path))) == 4, "what is said twice is written once"
    another = FileLedger(path)
    for start in (FileLedger(path), another, FileLedger(path), first):
        start.catch_up(endings, KINDS)
        start.copy(retentions)
        lines = list(read_lines(path))
        assert len(lines) == 8
        assert [line.word for line in lines].count("ended") == 3
        assert lines[-1].word == "retention"


def test_a_ledger_that_was_put_in_anothers_place_is_read_anew(tmp_path: Path) -> None:
    ledger = FileLedger(path := tmp_path / "ledger")
    ledger.note(STONE.sign(OWNER.key))
    path.unlink()
    ledger.note(STONE.sign(OWNER.key))
    assert len(list(read_lines(path))) == 1


def test_a_line_that_was_being_written_when_the_machine_died_is_left_out(tmp_path: Path) -> None:
    ledger = FileLedger(path := tmp_path / "ledger")
    ledger.note(STONE.sign(OWNER.key))
    whole = path.read_bytes()
    for cut in range(1, len(whole)):
        path.write_bytes(whole + whole[:cut])
        assert len(list(read_lines(path))) == 1


def test_a_damaged_line_is_told_and_nothing_behind_it_is_passed_over(tmp_path: Path) -> None:
    ledger = FileLedger(path := tmp_path / "ledger")
    ledger.note(STONE.sign(OWNER.key))
    good = path.read_bytes()
    for bad in (
        b"tombstone AAAA\n",
        b"\n",
        b"ended clip ../../x -\n",
        b"ended clip\n",
        b"x" * 300_000 + b"\n",
        b"\xff\n",
    ):
        path.write_bytes(good + bad + good)
        lines = read_lines(path)
        assert next(lines) == Line("tombstone", "", "", STONE.sign(OWNER.key))
        with pytest.raises(RelayError, match="line 2"):
            next(lines)


def test_a_forged_tombstone_in_a_ledger_is_not_applied(tmp_path: Path) -> None:
    FileLedger(path := tmp_path / "ledger").note(STONE.sign(Owner(2).key))
    with pytest.raises(RelayError, match="line 1"):
        applied(path, MemoryStore())


def test_a_ledger_that_cannot_be_written_is_a_store_error(tmp_path: Path) -> None:
    ledger = FileLedger(path := tmp_path / "ledger")
    path.unlink()
    path.mkdir()
    with pytest.raises(StoreError):
        ledger.note(STONE.sign(OWNER.key))
    with pytest.raises(RelayError):
        FileLedger(tmp_path / "not" / "there")
