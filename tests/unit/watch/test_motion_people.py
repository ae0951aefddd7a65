"""People cut from the real footage, near and far, in motion and at rest."""

import numpy as np
import pytest

from disturbances import sensor_noise
from footage_frames import Frames, still_room
from motion_spans import active_spans_s
from passers_by import walk
from sealbell.watch.motion import MotionDetector

ARRIVES_S = 3.0
BODY_PER_S = 0.8  # a walker's pace in body heights


def passing(frames: Frames, height_px: float, foot_px: float = 200) -> Frames:
    pace = BODY_PER_S * height_px
    return walk(frames, height_px, lambda s: 60 + pace * (s - ARRIVES_S) if s >= ARRIVES_S else None, foot_px)


@pytest.mark.parametrize("fps", [5, 10, 15, 30])
@pytest.mark.parametrize("height_px", [200, 100, 48, 24, 16])
def test_a_walker_is_noticed_at_any_distance_and_rate(height_px: float, fps: float) -> None:
    spans = active_spans_s(passing(still_room(ARRIVES_S + 2, fps), height_px))
    assert ARRIVES_S <= spans[0][0] <= ARRIVES_S + 0.5


def test_a_walker_of_eleven_pixels_is_noticed_on_a_plain_ground() -> None:
    spans = active_spans_s(passing(still_room(ARRIVES_S + 3), 11, foot_px=110))
    assert ARRIVES_S <= spans[0][0] <= ARRIVES_S + 1


@pytest.mark.parametrize("height_px", [100, 36])
def test_a_walker_is_noticed_through_noise(height_px: float) -> None:
    spans = active_spans_s(sensor_noise(passing(still_room(ARRIVES_S + 2), height_px), 0, 10))
    assert ARRIVES_S <= spans[0][0] <= ARRIVES_S + 0.5


def test_someone_who_fills_the_picture_is_noticed() -> None:
    frames = walk(still_room(6), 420, lambda s: -40 + 120 * (s - 3) if s >= 3 else None, foot_px=330)
    assert 3.0 <= active_spans_s(frames)[0][0] <= 3.5


@pytest.mark.parametrize("fps", [5, 10, 30])
def test_who_stands_still_ends_being_motion_and_is_again_at_the_next_step(fps: float) -> None:
    def where(s: float) -> float | None:
        return None if s < 3 else min(60 + 60 * (s - 3), 160) if s < 20 else 160 + 60 * (s - 20)

    (first, gone), (again, _) = active_spans_s(walk(still_room(22, fps), 80, where))
    assert 3.0 <= first <= 3.5
    assert gone <= 4.7 + 1.5
    assert 20.0 <= again <= 20.5


def test_who_was_there_at_the_start_leaves_no_ghost() -> None:
    def where(s: float) -> float | None:
        return 100 if s < 6 else 100 + 80 * (s - 6) if s < 9.5 else 20 + 80 * (s - 14) if s >= 14 else None

    (leaves, gone), (next_one, _) = active_spans_s(walk(still_room(17), 80, where))
    assert 6.0 <= leaves <= 6.5
    assert gone <= 9.5 + 1.5
    assert 14.0 <= next_one <= 14.5


def test_motion_outside_the_zone_does_not_count() -> None:
    frames = walk(still_room(9), 80, lambda s: 40 + 60 * (s - 3) if s >= 3 else None)  # at the middle at 5 s
    right_half = np.zeros((30, 40), np.bool_)
    right_half[:, 20:] = True
    begin, _ = active_spans_s(frames, MotionDetector(right_half))[0]
    assert 4.5 <= begin <= 5.5
    assert active_spans_s(frames, MotionDetector(np.zeros((30, 40), np.bool_))) == []
