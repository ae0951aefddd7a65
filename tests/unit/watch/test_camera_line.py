"""The line between callbacks and us, and the pairing of clocks; both stand under no thread here."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbell.items import Condition, Frame, Packet, Seen, Trouble
from sealbell.watch.camera.line import Line
from sealbell.watch.camera.sensortime import MAX_WAITING_PICTURES, SensorTime

LUMA = np.zeros((240, 320), np.uint8)


def packet(t_us: int, *, keyframe: bool = False) -> Packet:
    return Packet(t_us, b"", keyframe)


def all_of(line: Line) -> list[Seen]:
    found = []
    while (item := line.take(0)) is not None:
        found.append(item)
    return found


def test_items_come_out_as_they_went_in() -> None:
    line = Line(10)
    items = [Frame(1, LUMA), packet(1, keyframe=True), Frame(2, LUMA), packet(2)]
    for item in items:
        line.put(item)
    assert all_of(line) == items


def test_on_overflow_packets_are_left_out_up_to_the_next_keyframe_and_it_is_said() -> None:
    line = Line(3)
    for t_us in range(5):
        line.put(packet(t_us, keyframe=t_us == 0))
    kept = [packet(0, keyframe=True), packet(1), packet(2)]
    assert all_of(line) == [*kept, Condition(3, Trouble.PICTURES_LOST, True)]
    line.put(packet(5))
    line.put(packet(6, keyframe=True))
    line.put(packet(7))
    assert all_of(line) == [Condition(6, Trouble.PICTURES_LOST, False), packet(6, keyframe=True), packet(7)]


def test_frames_that_find_no_room_are_left_out_alone() -> None:
    line = Line(1)
    line.put(packet(1, keyframe=True))
    line.put(Frame(2, LUMA))
    assert all_of(line) == [packet(1, keyframe=True)]
    line.put(packet(2))
    assert all_of(line) == [packet(2)]


def test_after_a_failure_nothing_comes_through_and_the_first_is_kept() -> None:
    line, first = Line(10), RuntimeError("first")
    line.put(packet(1, keyframe=True))
    line.fail(first)
    line.fail(RuntimeError("second"))
    line.put(packet(2))
    assert line.take(0) is None
    assert line.failure is first


def test_nobody_waits_after_a_wake() -> None:
    line = Line(10)
    line.wake()
    assert line.take(3_600) is None


@given(
    base_us=st.integers(-(10**13), 10**13),
    frames=st.lists(st.tuples(st.integers(1, 200_000), st.integers(0, 5_000_000)), min_size=1, max_size=60),
)
def test_our_times_rise_and_never_lie_in_the_future_whatever_the_sensors_clock_is(
    base_us: int, frames: list[tuple[int, int]]
) -> None:
    times, now_us, shown = SensorTime(), 10**9, []
    exposed_us = now_us
    for step_us, late_us in frames:
        exposed_us += step_us
        now_us = max(now_us + 1, exposed_us + late_us)
        shown.append(times.take(exposed_us + base_us, now_us))
        assert shown[-1] <= now_us
    assert all(sooner < later for sooner, later in pairwise(shown))


def test_a_picture_that_comes_late_keeps_its_place() -> None:
    times = SensorTime()
    assert times.take(1_000_000, 5_000_100) == 5_000_100
    assert times.take(1_040_000, 5_900_000) == 5_040_100
    assert times.take(1_080_000, 5_900_001) == 5_080_100


def test_an_encoded_picture_has_the_time_of_the_one_that_was_looked_at() -> None:
    times = SensorTime()
    at = {stamp: times.take(stamp, stamp + 500) for stamp in (10, 20, 30, 40)}
    assert [times.of(10), times.of(30), times.of(40)] == [at[10], at[30], at[40]], "20 was left out by the encoder"


@pytest.mark.parametrize("stamp", [5, 15, 10])
def test_a_picture_that_was_never_looked_at_is_refused(stamp: int) -> None:
    times = SensorTime()
    times.take(10, 500)
    times.take(20, 500)
    times.of(20)
    with pytest.raises(LookupError, match="never looked at"):
        times.of(stamp)


def test_a_sensor_that_starts_anew_may_have_another_clock_and_our_time_goes_on() -> None:
    times = SensorTime()
    before_us = times.take(9_000_000, 1_000_000)
    times.restart()
    assert times.take(5, 2_000_000) == 2_000_000 > before_us
    times.restart()
    assert times.take(7, 10) == 2_000_001, "even if ours had not"


def test_an_encoder_that_gives_nothing_fills_no_memory() -> None:
    times = SensorTime()
    for stamp in range(2 * MAX_WAITING_PICTURES):
        times.take(stamp, stamp)
    with pytest.raises(LookupError):
        times.of(0)
