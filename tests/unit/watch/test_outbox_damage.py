"""An outbox on a card that spoils files: the doorbell goes on, numbers nothing twice, and nobody else is blamed."""

import os
import random
from pathlib import Path

import pytest

from crafted import Bell
from sealbell.items import ClipBegins, NoticeDraft
from sealbell.spool import SET_ASIDE, listing, parse_name
from sealbell.watch.outbox import MAX_SET_ASIDE_FILES, Outbox
from sealbell.watch.sealer import Readers, Sealer
from sealbell_testing.clock import HandClock
from sealbell_wire import chain
from sealbell_wire.age.mlkem768x25519 import HybridIdentity
from sealbell_wire.errors import ContradictionError
from sealbell_wire.ids import ZERO_HASH
from sealbell_wire.part import Part, parse_part

NO_CAP = 1 << 40
IDENTITY = HybridIdentity(b"\1" * 32)
READERS = Readers([IDENTITY.recipient] * 4, "5e" * 32)


class Porch:
    """An outbox and a sealer on it; `restart` starts the process anew on what lies there."""

    def __init__(self, folder: Path, cap_bytes: int = NO_CAP) -> None:
        self.folder, self.cap_bytes = folder, cap_bytes
        self.bell, self.clock = Bell(size_bytes=10_000), HandClock()
        self._restarts = 0
        self.restart()

    def restart(self) -> None:
        self._restarts += 1
        self.outbox = Outbox(self.folder, self.cap_bytes, 0, self.bell.drop, lambda _: NO_CAP)
        randoms = random.Random(self._restarts).randbytes
        self.sealer = Sealer(self.bell.key, READERS, "1", self.clock, self.outbox, randoms)

    def ring(self) -> Part:
        """Somebody rings: a clip of one notice. Returns it as it lies in the outbox."""
        self.clock.pass_us(1_000_000)
        self.sealer.step(ClipBegins(continues=False))
        self.sealer.step(NoticeDraft(self.clock.now_us(), "button", b""))
        return self.newest

    @property
    def newest(self) -> Part:
        return parse_part((self.folder / listing(self.folder)[-1].name).read_bytes())

    def spoil(self, at: int, data: bytes = b"\0" * 10_000) -> str:
        name = listing(self.folder)[at].name
        (self.folder / name).write_bytes(data)
        return name


@pytest.mark.parametrize("data", [b"", b"torn", b"\0" * 10_000])
def test_damaged_newest_part_does_not_keep_the_doorbell_from_starting(tmp_path: Path, data: bytes) -> None:
    porch = Porch(tmp_path)
    porch.ring()
    porch.ring()
    spoilt = porch.spoil(-1, data)
    porch.restart()
    rung = porch.ring()
    assert (tmp_path / f"{SET_ASIDE}{spoilt}").read_bytes() == data, "kept, for a person to look at"
    assert (rung.record.counter, rung.record.last) == (3, ZERO_HASH)


def test_number_and_name_that_may_have_been_sent_are_not_used_again(tmp_path: Path) -> None:
    porch = Porch(tmp_path)
    first, second = porch.ring(), porch.ring()
    porch.spoil(-1)
    for _ in range(3):
        porch.restart()  # nothing is recorded between: what was set aside still counts
    porch.clock.wall_offset_ms -= 60_000
    third = porch.ring()
    assert [part.record.counter for part in (first, second, third)] == [1, 2, 3]
    assert third.record.clip > second.record.clip


def test_verifier_says_that_the_card_lost_the_end_and_blames_no_relay(tmp_path: Path) -> None:
    porch = Porch(tmp_path)
    porch.ring()
    second = porch.ring()
    porch.spoil(-1)
    porch.restart()
    third = porch.ring()
    with pytest.raises(ContradictionError, match="card had lost how clip number 2 ended"):
        chain.check_follows(second.record, second.hash, third.record)
    fourth = porch.ring()  # from here on the history joins again
    chain.check_follows(third.record, third.hash, fourth.record)


def test_newest_part_that_the_card_will_not_give_is_left_where_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    porch = Porch(tmp_path)
    porch.ring()
    name = listing(tmp_path)[-1].name
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()  # reading it fails, as a bad sector would, also for root
    porch.restart()
    assert "cannot be read: is a directory" in caplog.text
    assert (tmp_path / name).is_dir()
    entry, part = porch.outbox.newest() or (None, None)
    assert entry is not None
    assert (entry.counter, part) == (1, None)


def test_damaged_old_part_does_not_block_dropping(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    porch = Porch(tmp_path, cap_bytes=55_000)
    for part in porch.bell.spell("nvvvv"):
        porch.outbox.commit(part, pressed=False, counter=1)
    porch.spoil(1)
    dropped = porch.outbox.commit(porch.bell.add("v"), pressed=False, counter=1)
    assert [(entry.counter, entry.seq) for entry in dropped] == [(1, 2)], "the next one is dropped in its place"
    assert [(entry.seq, entry.dropped) for entry in listing(tmp_path)][1:3] == [(2, True), (3, False)]
    assert "damaged, and set aside" in caplog.text
    assert porch.outbox.standing().damaged == 1


def test_old_part_that_the_card_will_not_give_does_not_block_dropping_either(tmp_path: Path) -> None:
    porch = Porch(tmp_path, cap_bytes=45_000)
    for part in porch.bell.spell("nvvv"):
        porch.outbox.commit(part, pressed=False, counter=1)
    name = listing(tmp_path)[1].name
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()
    os.truncate(tmp_path / listing(tmp_path)[0].name, 20_000)  # the folder takes less room than the part did
    porch.restart()
    dropped = porch.outbox.commit(porch.bell.add("v"), pressed=False, counter=1)
    assert [entry.seq for entry in dropped] == [2]
    assert porch.outbox.standing().damaged == 1


def test_no_more_damaged_files_are_kept_than_a_few_and_the_newest_always(tmp_path: Path) -> None:
    porch = Porch(tmp_path, cap_bytes=320_000)
    for part in porch.bell.spell("n" + "v" * 30):
        porch.outbox.commit(part, pressed=False, counter=1)
    for at in range(1, 31):
        porch.spoil(at)
    porch.restart()
    for _ in range(25):
        porch.outbox.commit(porch.bell.add("v"), pressed=True, counter=1)
    kept = sorted(parse_name(path.name.removeprefix(SET_ASIDE)) for path in tmp_path.glob(f"{SET_ASIDE}*"))
    assert len(kept) == MAX_SET_ASIDE_FILES
    assert kept[-1].seq == 30, "the highest numbers stay"
