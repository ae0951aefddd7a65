"""What the caller may rely on, whatever is in the pictures."""

import numpy as np
import pytest

from disturbances import infrared_flip, nudge
from footage_frames import PEOPLE, between, still_room
from motion_spans import active_spans_s
from passers_by import walk
from sealbell.watch.motion import Motion, MotionDetector


def test_the_box_lies_around_what_moves() -> None:
    detector = MotionDetector()
    frames = walk(still_room(5), 80, lambda s: 100 + 40 * (s - 3) if s >= 3 else None)
    left, top, width, height = [detector.step(t, luma) for t, luma in frames][-1].box or (0, 0, 0, 0)
    assert 160 / 8 <= left <= left + width <= 200 / 8
    assert 112 / 8 <= top <= top + height <= 208 / 8


def test_two_detectors_say_the_same_of_the_same_frames() -> None:
    one, other = MotionDetector(), MotionDetector()
    for t_us, luma in between(PEOPLE, 4.0, 9.0):
        assert one.step(t_us, luma) == other.step(t_us, luma.copy())


def test_frames_are_not_written_to() -> None:
    detector = MotionDetector()
    for t_us, luma in still_room(3):
        kept = luma.copy()
        luma.setflags(write=False)
        detector.step(t_us, luma)
        assert np.array_equal(luma, kept)


def test_the_base_of_time_makes_no_difference() -> None:
    frames = between(PEOPLE, 4.0, 9.0)
    base_us = 30 * 365 * 86_400 * 1_000_000
    later = [(t_us + base_us, luma) for t_us, luma in frames]
    assert [round(s, 2) for s in active_spans_s(frames)[0]] == [
        round(s - base_us / 1e6, 2) for s in active_spans_s(later)[0]
    ]


def test_after_a_reset_it_learns_again() -> None:
    detector = MotionDetector()
    frames = infrared_flip(between(PEOPLE, 4.0, 20.0), 7.0, "foliage")
    motions = []
    for t_us, luma in frames:
        if t_us == 7_000_000:
            assert motions[-1].active
            detector.reset()
        motions.append(detector.step(t_us, luma))
    after = motions[30:]
    assert after[:10] == [Motion(False)] * 10
    assert any(motion.active for motion in after)


def test_a_frame_that_is_not_later_changes_nothing() -> None:
    detector, straight = MotionDetector(), MotionDetector()
    for t_us, luma in between(PEOPLE, 4.0, 9.0):
        told = detector.step(t_us, luma)
        assert told == straight.step(t_us, luma)
        assert detector.step(t_us, luma[::-1].copy()).active == told.active
        assert detector.step(t_us - 5_000_000, luma).active == told.active


def test_in_the_first_second_it_only_learns() -> None:
    frames = walk(still_room(2, 30), 80, lambda s: 60 + 60 * s)
    assert 1.0 <= active_spans_s(frames)[0][0] <= 1.5


def test_after_a_long_gap_it_goes_on() -> None:
    day_us = 86_400 * 1_000_000
    morning = nudge(walk(still_room(6), 80, lambda s: 40 + 60 * (s - 3) if s >= 3 else None), 0, 3.0)
    frames = still_room(4) + [(t_us + day_us, luma) for t_us, luma in morning]
    begin, _ = active_spans_s(frames)[0]
    assert 3.0 <= begin - 86_400 <= 3.5


@pytest.mark.parametrize(
    "luma", [np.zeros((320, 240), np.uint8), np.zeros((240, 320, 1), np.uint8), np.zeros((240, 320))]
)
def test_another_shape_or_type_is_refused(luma: np.ndarray) -> None:
    with pytest.raises(ValueError, match="luma is 240x320 bytes"):
        MotionDetector().step(0, luma)


def test_a_zone_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="30x40"):
        MotionDetector(np.zeros((40, 30), np.bool_))
