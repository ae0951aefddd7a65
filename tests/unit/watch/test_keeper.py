"""What goes on beside the recording: health, light and systemd's line, from what went by."""

import pytest

from sealbell.items import (
    ClipBegins,
    ClipEnds,
    Condition,
    Draft,
    HealthDraft,
    LightCode,
    Machine,
    Packet,
    Press,
    Seen,
    Trouble,
)
from sealbell.watch.health import GAP_US, HealthWatch
from sealbell.watch.intake import Gap
from sealbell.watch.keeper import TOLD_EVERY_US, Keeper
from sealbell.watch.losses import OVER_AFTER_US
from sealbell_testing.clock import HandClock
from sealbell_testing.panel import HandPanel

S = 1_000_000
ENDS = ClipEnds(0, 1, (), 0)


class House:
    def __init__(self) -> None:
        self.clock = HandClock()
        self.panel = HandPanel(self.clock)
        self.lines: list[str] = []
        self.book = (health := HealthWatch(self.clock, Machine, None)).book
        self.keeper = Keeper(self.clock, self.panel, health, self.lines.append)
        assert self.keeper.keep(None, []), "it says how it is when it starts"

    def after(self, us: int, item: Seen | Gap | None = None, *drafts: Draft, ending: bool = False) -> list[HealthDraft]:
        self.clock.pass_us(us)
        said = self.keeper.keep(item, drafts, ending=ending)
        assert all(isinstance(draft, HealthDraft) for draft in said)
        return [draft for draft in said if isinstance(draft, HealthDraft)]


@pytest.fixture
def house() -> House:
    return House()


def camera_lost(*, present: bool) -> Condition:
    return Condition(0, Trouble.PICTURES_LOST, present)


@pytest.mark.parametrize("lost", [Gap(3), camera_lost(present=True)])
def test_lost_pictures_are_told_and_shown_until_none_was_lost_for_a_while(house: House, lost: Gap | Condition) -> None:
    (said,) = house.after(GAP_US, lost)
    assert [trouble for trouble, _ in said.troubles] == [Trouble.PICTURES_LOST]
    assert house.panel.light is LightCode.TROUBLE
    assert house.after(GAP_US, camera_lost(present=False)) == [], "a camera says at its next picture that it is over"
    assert house.after(OVER_AFTER_US - GAP_US - 1) == []
    (said,) = house.after(1)
    assert said.troubles == ()


def test_trouble_is_told_and_shown_and_over(house: House) -> None:
    (said,) = house.after(GAP_US, Condition(7, Trouble.BUTTON_STUCK, present=True))
    assert said.troubles == ((Trouble.BUTTON_STUCK, 7),)
    assert house.panel.light is LightCode.TROUBLE
    (said,) = house.after(GAP_US, Condition(8, Trouble.BUTTON_STUCK, present=False))
    assert said.troubles == ()
    assert house.panel.light is LightCode.STARTING


def test_end_of_a_clip_is_told_and_what_changed_last_before_the_process_ends(house: House) -> None:
    assert house.after(GAP_US, None, ClipBegins(continues=False)) == []
    assert house.after(S, None, ENDS)
    assert house.after(S, Condition(0, Trouble.CAMERA_FAILING, present=True)) == []
    (said,) = house.after(0, None, ending=True)
    assert [trouble for trouble, _ in said.troubles] == [Trouble.CAMERA_FAILING]


def test_light_shows_who_rings_and_that_it_records(house: House) -> None:
    house.after(0, Packet(0, b"", keyframe=True))
    assert house.panel.light is LightCode.WATCHING
    house.after(S, Press(S), ClipBegins(continues=False))
    assert house.panel.light is LightCode.RINGING
    house.after(5 * S)
    assert house.panel.light is LightCode.RECORDING


def test_systemd_hears_a_line_now_and_then(house: House) -> None:
    for _ in range(100):
        house.after(TOLD_EVERY_US // 10)
    assert len(house.lines) == 11
