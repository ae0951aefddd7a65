"""Health messages as they lie in the outbox: opened, numbered, true about the chain, and never at a part's cost."""

import random
from pathlib import Path

import pytest

from crafted import key_of
from sealbell.items import (
    ClipBegins,
    ClipEnds,
    Condition,
    Draft,
    HealthDraft,
    InitDraft,
    Machine,
    MediaDraft,
    NoticeDraft,
    Trouble,
)
from sealbell.spool import HEALTH, SET_ASIDE, OutboxError, listing
from sealbell.watch.outbox import Outbox
from sealbell.watch.sealer import Readers, Sealer
from sealbell_testing.clock import HandClock
from sealbell_wire import sshsig
from sealbell_wire.age.mlkem768x25519 import HybridIdentity
from sealbell_wire.health import Health, parse_health
from sealbell_wire.ids import ZERO_HASH
from sealbell_wire.part import parse_part
from sealbell_wire.report import Link, Report, Tip, open_health
from sealbell_wire.sealing import drop_part

KEY = key_of(1)
NOTHING = Machine()
IDENTITY = HybridIdentity(b"\1" * 32)
READERS = Readers([IDENTITY.recipient] * 4, "5e" * 32)
NO_CAP = 1 << 40
S = 1_000_000


class Porch:
    """A sealer on an outbox. `say` has the doorbell say how it is and opens that as the owner does."""

    def __init__(self, folder: Path, cap_bytes: int = NO_CAP) -> None:
        self.folder, self.cap_bytes, self.clock = folder, cap_bytes, HandClock()
        self.told: list[tuple[Trouble, bool]] = []
        self._restarts = 0
        self.restart()

    def restart(self) -> None:
        self._restarts += 1
        randoms = random.Random(self._restarts).randbytes
        self.outbox = Outbox(self.folder, self.cap_bytes, 0, lambda part: drop_part(part, KEY), lambda _: NO_CAP)
        self.sealer = Sealer(KEY, READERS, "1.2.3", self.clock, self.outbox, randoms, tell=self._tell)

    def step(self, *drafts: Draft) -> None:
        for draft in drafts:
            self.clock.pass_us(S)
            self.sealer.step(draft)

    def clip(self, *, media: int = 1, fragment: bytes = b"moof and mdat", pressed: bool = True) -> None:
        notice = NoticeDraft(0, "button" if pressed else "motion", b"")
        self.step(ClipBegins(continues=False), notice, InitDraft(0, b"ftyp and moov"))
        self.step(*[MediaDraft(0, fragment, keyframe=True, pictures=1)] * media, ClipEnds(0, 1, (), 0))

    def say(
        self, troubles: tuple[tuple[Trouble, int], ...] = (), machine: Machine = NOTHING, link: Link | None = None
    ) -> tuple[Health, Report]:
        self.step(HealthDraft(self.clock.now_us(), 5_000, troubles, "away", machine, link))
        health = parse_health((self.folder / HEALTH).read_bytes())
        return health, open_health(health, sshsig.verify_key_of(KEY), [IDENTITY])

    def _tell(self, condition: Condition) -> None:
        self.told.append((condition.trouble, condition.present))


def test_health_tells_the_owner_all_that_the_doorbell_knows(tmp_path: Path) -> None:
    porch = Porch(tmp_path)
    porch.clip(media=2)
    machine, link = Machine(9_000_000, 51, 0x50000), Link(True, 3_000, "", -56)
    at_us = porch.clock.now_us()
    health, report = porch.say(((Trouble.CAMERA_STALLED, 2 * S),), machine, link)
    newest = listing(tmp_path)[-1]
    part = parse_part((tmp_path / newest.name).read_bytes())
    assert report == Report(
        firmware="1.2.3", readers="5e" * 32, started_ms=5,
        tip=Tip(1, newest.clip, 4, part.hash, at_us // 1_000), dropped=0, damaged=0, waiting=5,
        waiting_bytes=sum((tmp_path / entry.name).stat().st_size for entry in listing(tmp_path)),
        troubles=(("camera-stalled", 2_000),), mode="away", free_bytes=9_000_000, celsius=51, throttled=0x50000,
        link=link,
    )  # fmt: skip
    beat = health.beat
    assert (beat.boot, beat.monotonic_ms, beat.synced) == (porch.clock.boot, at_us // 1_000, False)
    assert beat.wall_ms == porch.clock.wall_ms(at_us)


def test_health_before_the_first_clip_has_no_tip(tmp_path: Path) -> None:
    assert Porch(tmp_path).say()[1].tip == Tip()


def test_tip_survives_a_restart_and_is_then_from_before_it(tmp_path: Path) -> None:
    porch = Porch(tmp_path)
    porch.clip()
    before = porch.say()[1].tip
    porch.restart()
    after = porch.say()[1].tip
    assert before.since_ms > 0
    assert (after.counter, after.clip, after.seq, after.hash, after.since_ms) == (
        before.counter, before.clip, before.seq, before.hash, 0,
    )  # fmt: skip


def test_number_rises_over_restarts_also_when_the_clock_goes_back(tmp_path: Path) -> None:
    porch, numbers = Porch(tmp_path), []
    for jump_ms in (0, 0, -3_600_000, 0, 7_200_000, -86_400_000):
        porch.clock.wall_offset_ms += jump_ms
        numbers.append(porch.say()[0].beat.number)
        porch.restart()
    assert numbers == sorted(set(numbers))


def test_number_that_was_lost_is_made_good_by_the_time(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    porch = Porch(tmp_path)
    before = porch.say()[0].beat.number
    for spoil in (lambda path: path.unlink(), lambda path: path.write_bytes(b"torn")):
        spoil(tmp_path / HEALTH)
        porch.restart()
        after = porch.say()[0].beat.number
        assert after > before
        before = after
    assert "last health message" in caplog.text


def test_every_health_message_is_as_large_as_every_other(tmp_path: Path) -> None:
    porch = Porch(tmp_path)
    sizes = {len(porch.say()[0].sealed)}
    porch.clip(media=3)
    sizes.add(
        len(
            porch.say(tuple((trouble, S) for trouble in Trouble), Machine(1, 2, 3), Link(False, 9, "x", None))[0].sealed
        )
    )
    assert len(sizes) == 1


def test_health_costs_no_part_and_is_not_counted_as_one(tmp_path: Path) -> None:
    porch = Porch(tmp_path, cap_bytes=400_000)
    porch.clip(media=1, fragment=b"x" * 10_000)
    before = listing(tmp_path)
    for _ in range(50):
        porch.say()
    assert listing(tmp_path) == before
    assert porch.say()[1].waiting == len(before)
    assert porch.told == []


def test_full_outbox_is_a_trouble_until_there_is_room_again(tmp_path: Path) -> None:
    porch = Porch(tmp_path, cap_bytes=200_000)
    porch.clip(media=12, fragment=b"x" * 20_000)
    assert porch.told == [(Trouble.OUTBOX_FULL, True)]
    _, report = porch.say(((Trouble.OUTBOX_FULL, 1),))
    assert [word for word, _ in report.troubles] == ["outbox-full"]
    assert report.dropped == sum(entry.dropped for entry in listing(tmp_path)) > 0
    for entry in listing(tmp_path)[:-1]:
        (tmp_path / entry.name).unlink()  # the uplink, once the relay has signed
    _, report = porch.say(((Trouble.OUTBOX_FULL, 1),))
    assert report.troubles == (), "what the book has not heard yet is not told"
    assert porch.told[-1] == (Trouble.OUTBOX_FULL, False)


def test_card_that_refuses_is_a_trouble_until_it_takes_again(tmp_path: Path) -> None:
    porch = Porch(tmp_path)
    folder = tmp_path.rename(tmp_path.with_name("away"))
    porch.clip()
    assert porch.told == [(Trouble.CARD_FAILING, True)]
    porch.step(HealthDraft(0, 0, (), "", Machine(), None))  # cannot be said, and raises nothing
    folder.rename(tmp_path)
    assert [word for word, _ in porch.say()[1].troubles] == ["card-failing"]
    porch.clip()
    assert porch.told[-1] == (Trouble.CARD_FAILING, False)
    assert porch.say()[1].troubles == ()


def test_damaged_file_is_a_trouble_and_an_end_that_was_lost_is_told_as_lost(tmp_path: Path) -> None:
    porch = Porch(tmp_path)
    porch.clip()
    newest = listing(tmp_path)[-1]
    (tmp_path / newest.name).write_bytes(b"torn")
    porch.restart()
    _, report = porch.say()
    assert report.tip == Tip(1, newest.clip, newest.seq, ZERO_HASH, 0)
    assert report.damaged == 1
    assert [word for word, _ in report.troubles] == ["outbox-damaged"]
    assert porch.told == [(Trouble.OUTBOX_DAMAGED, True)]
    (tmp_path / f"{SET_ASIDE}{newest.name}").unlink()
    assert porch.say()[1].troubles == ()


def test_health_replaces_the_last_one_whole_or_not_at_all(tmp_path: Path) -> None:
    porch = Porch(tmp_path)
    before, _ = porch.say()
    (tmp_path / HEALTH).unlink()
    (tmp_path / HEALTH).mkdir()  # what cannot be replaced
    with pytest.raises(OutboxError, match="takes no health message"):
        porch.outbox.commit_health(before)
    assert not list(tmp_path.glob(".new-*")), "no half message is left lying about"
