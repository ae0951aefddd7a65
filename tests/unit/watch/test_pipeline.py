import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from recordings import STILL
from scene import VIDEO, packets
from sealbell.config.settings import Action, MotionSource
from sealbell.items import Condition, Draft, Frame, Light, Luma, NoticeDraft, Presence, Press, Trouble
from sealbell.watch.cover import Cover, DrawnCover, NoCover
from sealbell.watch.intake import Gap
from sealbell.watch.movement import Movement
from sealbell.watch.night import Night, Thresholds
from sealbell.watch.pipeline import Pipeline
from sealbell.watch.recorder import Recorder, Timing

S = 1_000_000


@dataclass
class Said:
    active: bool


class Detector:
    """Sees something move from `since_us` on."""

    def __init__(self, since_us: int) -> None:
        self._since_us = since_us
        self.looks = self.resets = 0

    def step(self, t_us: int, luma: Luma) -> Said:
        self.looks += 1
        return Said(t_us >= self._since_us)

    def reset(self) -> None:
        self.resets += 1


def pipeline(
    since_us: int,
    source: MotionSource = "picture",
    on_motion: Callable[[int], Action] = lambda _: "alert",
    switched: list[bool] | None = None,
    detector: Detector | None = None,
    cover: Cover | None = None,
) -> Pipeline:
    switch = [] if switched is None else switched
    return Pipeline(
        detector or Detector(since_us),
        Recorder(VIDEO, Timing(), lambda: STILL, cover or NoCover()),
        Movement(source),
        Night(Thresholds(5, 30, 10 * S)),
        on_motion,
        switch.append,
    )


def frame(t_us: int) -> Frame:
    return Frame(t_us, None)  # type: ignore[arg-type]  # the detector here does not look


def test_motion_opens_a_clip_at_its_frame() -> None:
    line = pipeline(since_us=2 * S)
    drafts = []
    for picture in packets(30):
        drafts += line.step(frame(picture.t_us)) + line.step(picture)
    assert [draft for draft in drafts if isinstance(draft, NoticeDraft)] == [
        NoticeDraft(2 * S, "motion", STILL, shown_us=2 * S)
    ]


def test_press_is_recorded_without_motion() -> None:
    assert NoticeDraft(5, "button", STILL) in pipeline(since_us=10**12).step(Press(5))


def test_gap_of_the_intake_is_cut_and_counted() -> None:
    line = pipeline(since_us=10**12)
    line.step(Press(0))
    film = packets(30)
    for picture in film[:15]:
        line.step(picture)
    assert line.step(Gap(7)) == []
    for picture in film[22:]:
        line.step(picture)
    *_, end = line.finish()
    assert end.lost == 5 + 7 + 8  # type: ignore[union-attr]  # pending, the gap itself, and no keyframe after it


def notices(drafts: list[Draft]) -> list[tuple[str, bool]]:
    return [(draft.trigger, draft.alert) for draft in drafts if isinstance(draft, NoticeDraft)]


@pytest.mark.parametrize(
    ("action", "told"), [("alert", [("motion", True)]), ("record", [("motion", False)]), ("ignore", [])]
)
def test_mode_decides_what_motion_does(action: Action, told: list[tuple[str, bool]]) -> None:
    assert notices(pipeline(since_us=0, on_motion=lambda _: action).step(frame(2 * S))) == told


@pytest.mark.parametrize("action", ["alert", "record", "ignore"])
def test_press_rings_and_records_in_every_mode(action: Action) -> None:
    line = pipeline(since_us=10**12, on_motion=lambda _: action)
    assert notices(line.step(Press(5))) == [("button", True)]


def test_pir_triggers_where_it_counts_and_nowhere_else() -> None:
    seen = Presence(3 * S, present=True)
    assert notices(pipeline(since_us=10**12, source="either").step(seen)) == [("pir", True)]
    assert notices(pipeline(since_us=10**12, source="picture").step(seen)) == []


def test_pir_goes_on_for_as_long_as_it_sees_somebody_and_the_detector_rests_where_it_does_not_count() -> None:
    detector = Detector(since_us=0)
    line = pipeline(0, source="pir", detector=detector)
    line.step(Presence(0, present=True))
    for picture in packets(100):
        line.step(frame(picture.t_us))
        line.step(picture)
    *_, end = line.finish()
    assert [(t.kind, t.from_ms, t.to_ms) for t in end.triggers] == [("pir", 0, 9_900)]  # type: ignore[union-attr]
    assert detector.looks == 0


def test_night_is_switched_once_and_the_detector_learns_anew() -> None:
    switched: list[bool] = []
    detector = Detector(since_us=10**12)
    line = pipeline(0, switched=switched, detector=detector)
    for second in range(40):
        assert line.step(Light(second * S, 1.0)) == []
    assert (switched, detector.resets) == ([True], 1)


def test_trouble_moves_nothing_in_the_recording() -> None:
    assert pipeline(0).step(Condition(1, Trouble.BUTTON_STUCK, present=True)) == []


def test_notice_tells_the_relay_the_time_of_the_newest_picture_and_not_of_the_press() -> None:
    line = pipeline(since_us=10**12)
    for picture in packets(20):
        line.step(frame(picture.t_us))
        line.step(picture)
    (notice,) = [draft for draft in line.step(Press(1_934_567)) if isinstance(draft, NoticeDraft)]
    assert (notice.t_us, notice.shown_us) == (1_934_567, 1_900_000)


def test_what_a_picture_causes_waits_for_a_part_of_its_beat_and_a_press_for_nothing() -> None:
    cover = DrawnCover(random.Random(1))
    rang, moved = set(), set()
    for _ in range(50):
        line = pipeline(since_us=5 * S, cover=cover)
        drafts = [draft for picture in packets(50) for draft in line.step(frame(picture.t_us)) + line.step(picture)]
        drafts += line.step(frame(5 * S))
        moved |= {draft.wait_us for draft in drafts if isinstance(draft, NoticeDraft)}
        rang |= {draft.wait_us for draft in line.step(Press(5 * S + 1)) if isinstance(draft, NoticeDraft)}
    assert rang == {0}
    assert min(moved) < 10_000
    assert 90_000 < max(moved) < 100_000
