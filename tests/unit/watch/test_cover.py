"""What keeps a press from standing out (docs/decisions/0016-updates-cover-presses.md)."""

import random
from collections import Counter
from dataclasses import dataclass

import pytest

from recordings import STILL, Clip, Door, UpdatesAt
from scene import packets
from sealbell.items import NoticeDraft
from sealbell.watch.cover import MAX_WAIT_US, UPDATES_WEIGHTS, Cover, DrawnCover, NoCover

S = 1_000_000
CLIPS = 2_000
STAY_S = 40


def test_update_leaves_when_it_is_due_and_calls_nobody() -> None:
    clip = visit(UpdatesAt(2 * S, 4 * S))
    assert [(notice.t_us, notice.trigger, notice.alert) for notice in clip.notices] == [
        (0, "motion", True),
        (2 * S, "update", False),
        (4 * S, "update", False),
    ]


def test_updates_change_neither_length_nor_film_nor_manifest() -> None:
    assert visit(UpdatesAt(2 * S, 4 * S)).ended == visit(NoCover()).ended
    assert visit(UpdatesAt(2 * S, 4 * S)).media == visit(NoCover()).media


@pytest.mark.parametrize("updates_us", [(), (2 * S,), (2 * S, 6 * S), (4 * S, 5 * S, 6 * S)])
def test_press_leaves_at_once_whatever_updates_are_due(updates_us: tuple[int, ...]) -> None:
    door = Door(cover=UpdatesAt(*updates_us))
    door.motion(0, active=True)
    door.see(*packets(30))
    assert door.press(3 * S) == [NoticeDraft(3 * S, "button", STILL)]


def test_each_press_takes_the_place_of_the_next_update() -> None:
    three = visit(UpdatesAt(2 * S, 4 * S, 6 * S), 3 * S)
    assert told(three) == [(0, "motion"), (2, "update"), (3, "button"), (6, "update")]
    assert told(visit(UpdatesAt(4 * S, 6 * S), S, 3 * S)) == [(0, "motion"), (1, "button"), (3, "button")]
    assert told(visit(UpdatesAt(2 * S), 3 * S)) == [(0, "motion"), (2, "update"), (3, "button")]


def test_motion_that_comes_to_concern_the_owner_takes_the_place_of_an_update_too() -> None:
    door = Door(cover=UpdatesAt(4 * S))
    for picture in packets(80):
        door.motion(picture.t_us, active=True, alert=picture.t_us >= 2 * S)
        door.see(picture)
    (clip,) = door.finish()
    assert told(clip) == [(0, "motion"), (2, "motion")]


def test_updates_wait_while_nothing_moves_and_keep_their_distance() -> None:
    door = Door(cover=UpdatesAt(2 * S, 3 * S, 9 * S))
    for picture in packets(200):
        door.motion(picture.t_us, active=picture.t_us < S or 4 * S <= picture.t_us < 6 * S)
        door.see(picture)
    (clip,) = door.finish()
    assert told(clip) == [(0, "motion"), (4, "update"), (5, "update")]


def test_no_update_is_nearer_to_the_end_than_a_press_can_be() -> None:
    for seed in range(200):
        clip = visit(DrawnCover(random.Random(seed)), stay_s=seed % 12)
        assert all(notice.t_us <= clip.ended.end_us - 5 * S for notice in clip.notices)


def test_clip_that_goes_on_has_updates_of_its_own() -> None:
    door = Door(cover=UpdatesAt(2 * S))
    for picture in packets(700):
        door.motion(picture.t_us, active=True)
        door.see(picture)
    assert [told(clip) for clip in door.finish()] == [[(0, "motion"), (2, "update")], [(60, "motion"), (62, "update")]]


def test_updates_are_as_many_as_their_weights_say() -> None:
    cover = DrawnCover(random.Random(1))
    counts = Counter(len(cover.updates_us()) for _ in range(CLIPS))
    for updates, weight in enumerate(UPDATES_WEIGHTS):
        assert abs(counts[updates] / CLIPS - weight / sum(UPDATES_WEIGHTS)) < 0.03


def test_updates_are_drawn_anew_for_each_clip_and_come_in_order() -> None:
    cover = DrawnCover(random.Random(1))
    drawn = [cover.updates_us() for _ in range(100)]
    assert len({tuple(updates) for updates in drawn if updates}) == sum(bool(updates) for updates in drawn)
    assert all(updates == sorted(updates) for updates in drawn)


def test_what_a_picture_causes_waits_for_any_part_of_a_beat_and_no_longer() -> None:
    cover = DrawnCover(random.Random(1))
    waits = [cover.wait_us(66_000) for _ in range(1_000)]
    assert 0 <= min(waits) < 1_000
    assert 65_000 < max(waits) < 66_000
    assert max(cover.wait_us(10 * S) for _ in range(1_000)) < MAX_WAIT_US


@dataclass
class Guess:
    """How often a number of further notices is seen in clips with a press, and without."""

    clips: int
    rang: Counter[int]
    moved: Counter[int]

    @property
    def balanced_accuracy(self) -> float:
        """What the best guess by that number comes to."""
        return 0.5 + sum(abs(self.rang[n] - self.moved[n]) for n in self.rang | self.moved) / self.clips / 4


def guessed(cover: Cover, clips: int) -> Guess:
    """Count, where people ring at the moments that a cover takes them to."""
    when, guess = DrawnCover(random.Random(2)), Guess(clips, Counter(), Counter())
    for _ in range(clips):
        press_us = next(updates[0] for updates in iter(when.updates_us, None) if len(updates) == 1)
        guess.rang[len(visit(cover, press_us, fps=2).notices) - 1] += 1
        guess.moved[len(visit(cover, fps=2).notices) - 1] += 1
    return guess


def test_number_of_notices_tells_a_press_in_one_clip_of_twenty_at_most() -> None:
    assert guessed(DrawnCover(random.Random(3)), 800).balanced_accuracy < 0.57
    assert guessed(UpdatesAt(6 * S), 100).balanced_accuracy > 0.7, (
        "one update at a time that everybody knows hides little"
    )
    assert guessed(NoCover(), 20).balanced_accuracy == 1.0, "uncovered, a further notice is a press"


def visit(cover: Cover, *presses_us: int, stay_s: float = STAY_S, fps: int = 10) -> Clip:
    """The clip of somebody who comes into view at 0, stays, and rings at these times."""
    door = Door(cover=cover)
    coming = sorted(presses_us)
    for picture in packets(round(stay_s + 7) * fps, period_us=S // fps, gop=fps):
        while coming and coming[0] <= picture.t_us:
            door.press(coming.pop(0))
        door.motion(picture.t_us, active=picture.t_us <= stay_s * S)
        door.see(picture)
    (clip,) = door.finish()
    return clip


def told(clip: Clip) -> list[tuple[float, str]]:
    """Second and kind of each notice."""
    return [(notice.t_us / S, notice.trigger) for notice in clip.notices]
