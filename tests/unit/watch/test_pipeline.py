from dataclasses import dataclass

from recordings import STILL
from scene import VIDEO, packets
from sealbell.items import Frame, Luma, NoticeDraft, Press
from sealbell.watch.intake import Gap
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

    def step(self, t_us: int, luma: Luma) -> Said:
        return Said(t_us >= self._since_us)


def pipeline(since_us: int) -> Pipeline:
    return Pipeline(Detector(since_us), Recorder(VIDEO, Timing(), lambda: STILL))


def frame(t_us: int) -> Frame:
    return Frame(t_us, None)  # type: ignore[arg-type]  # the detector here does not look


def test_motion_opens_a_clip_at_its_frame() -> None:
    line = pipeline(since_us=2 * S)
    drafts = []
    for picture in packets(30):
        drafts += line.step(frame(picture.t_us)) + line.step(picture)
    assert [draft for draft in drafts if isinstance(draft, NoticeDraft)] == [NoticeDraft(2 * S, "motion", STILL)]


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
