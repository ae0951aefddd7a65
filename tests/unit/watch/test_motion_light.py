"""Light, noise and what else changes pictures without anything moving: no trigger, and nobody missed because of it."""

from collections.abc import Callable

import numpy as np
import pytest

from disturbances import (
    brightness_step,
    clock_digits,
    exposure_hunting,
    exposure_ramp,
    headlight_sweep,
    infrared_flip,
    limited_range,
    nudge,
    sensor_noise,
)
from footage_frames import PEOPLE, TREE, Frames, between, still_room
from motion_spans import active_spans_s
from passers_by import walk

START_S = 3.0
Disturbance = Callable[[Frames, float], Frames]

LIGHT: dict[str, Disturbance] = {
    "exposure down": lambda f, s: exposure_ramp(f, s, 1.0, 0.3),
    "exposure down slowly": lambda f, s: exposure_ramp(f, s, 3.0, 0.25),
    "exposure up": lambda f, s: exposure_ramp(f, s, 0.5, 3.0),
    "exposure up slowly": lambda f, s: exposure_ramp(f, s, 2.0, 2.0),
    "step down": lambda f, s: brightness_step(f, s, gain=0.5),
    "step up": lambda f, s: brightness_step(f, s, gain=1.5),
    "step by 40": lambda f, s: brightness_step(f, s, offset=40),
    "infrared flat": lambda f, s: infrared_flip(f, s, "flat"),
    "infrared foliage": lambda f, s: infrared_flip(f, s, "foliage", noise=12),
    "infrared negative": lambda f, s: infrared_flip(f, s, "negative"),
    "noise": lambda f, s: sensor_noise(f, s, 5),
    "night gain": lambda f, s: sensor_noise(f, s, 25),
    "spot": lambda f, s: headlight_sweep(f, s, "spot", gain=1.5, glare=50),
    "glaring spot": lambda f, s: headlight_sweep(f, s, "spot", gain=1.0, glare=120, length_s=1.0),
    "wedge": lambda f, s: headlight_sweep(f, s, "wedge", gain=1.5, glare=50),
    "narrow wedge": lambda f, s: headlight_sweep(f, s, "wedge", gain=0.5, glare=30, soft_px=25, length_s=2.0),
    "front": lambda f, s: headlight_sweep(f, s, "front", gain=1.0, glare=60),
}


@pytest.mark.parametrize("fps", [5, 10, 30])
@pytest.mark.parametrize("name", LIGHT)
def test_light_alone_never_triggers_in_a_still_room(name: str, fps: float) -> None:
    assert active_spans_s(LIGHT[name](still_room(START_S + 3, fps), START_S)) == []


@pytest.mark.parametrize("name", LIGHT)
def test_light_alone_never_triggers_behind_leaves(name: str) -> None:
    assert active_spans_s(LIGHT[name](between(TREE, 0, 22.9), 10.0)) == []


@pytest.mark.parametrize("name", LIGHT)
def test_light_alone_never_triggers_after_somebody_left(name: str) -> None:
    spans = active_spans_s(LIGHT[name](between(PEOPLE, 36.0, 50.0), 47.0))
    assert [begin for begin, _ in spans if begin > 45.3] == []


@pytest.mark.parametrize("name", LIGHT)
def test_a_person_is_noticed_right_after_the_light_changed(name: str) -> None:
    arrives_s, interval_error_s = 6.0, 0.3
    first_s = active_spans_s(LIGHT[name](between(PEOPLE, 1.0, 9.0), 4.0))[0][0]
    assert arrives_s - interval_error_s <= first_s <= arrives_s + 0.5 + interval_error_s


@pytest.mark.parametrize("gain", [0.35, 2.0])
def test_a_person_is_noticed_while_the_exposure_answers_to_him(gain: float) -> None:
    spans = active_spans_s(exposure_ramp(between(PEOPLE, 1.0, 12.0), 6.1, 1.0, gain))
    assert 5.7 <= spans[0][0] <= 6.5


@pytest.mark.parametrize(("period_s", "stops"), [(2.0, 0.7), (5.0, 1.0)])
def test_exposure_that_never_rests_neither_triggers_nor_hides(period_s: float, stops: float) -> None:
    spans = active_spans_s(exposure_hunting(between(PEOPLE, 0.0, 30.0), period_s, stops))
    starts = [begin for begin, _ in spans]
    assert all(5.7 <= begin <= 20.2 or begin >= 22.4 for begin in starts)
    assert any(begin <= 6.5 for begin in starts)
    assert any(22.4 <= begin <= 23.2 for begin in starts)


def test_a_clock_in_the_picture_is_no_motion() -> None:
    assert active_spans_s(clock_digits(still_room(20))) == []


@pytest.mark.parametrize("pixels", [0.5, 3.0])
def test_a_nudged_camera_is_no_motion(pixels: float) -> None:
    assert active_spans_s(nudge(still_room(8), START_S, pixels)) == []


def test_limited_range_makes_no_difference() -> None:
    frames = between(PEOPLE, 1.0, 9.0)
    assert active_spans_s(limited_range(frames))[0][0] == pytest.approx(active_spans_s(frames)[0][0], abs=0.11)
    swept = headlight_sweep(still_room(START_S + 3), START_S, "wedge", gain=1.5, glare=50)
    assert active_spans_s(limited_range(swept)) == []


@pytest.mark.parametrize("luma", [0, 255])
def test_pictures_without_anything_on_them_are_still(luma: int) -> None:
    blank = np.full((240, 320), luma, np.uint8)
    assert active_spans_s([(i * 100_000, blank) for i in range(40)]) == []


def test_a_blinded_camera_sees_again() -> None:
    blank = np.full((240, 320), 255, np.uint8)
    frames = [
        (t, blank if 3e6 <= t < 5e6 else luma)
        for t, luma in walk(still_room(12), 80, lambda s: 60 + 60 * (s - 8) if s >= 8 else None)
    ]
    assert 8.0 <= active_spans_s(frames)[0][0] <= 8.5
