"""Zones: what moves outside of them does not count, and none is blind."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footage_frames import INTERVALS_S, PEOPLE, between
from motion_spans import active_spans_s
from sealbell.config import parse_settings
from sealbell.items import Area
from sealbell.watch.motion import MotionDetector
from sealbell.watch.zones import areas, cells

ZONE = '[[zone]]\nname = "{}"\nx = {}\ny = {}\nwidth = {}\nheight = {}\n'


@st.composite
def zones(draw: st.DrawFn) -> Area:
    x, y = draw(st.integers(0, 999)), draw(st.integers(0, 999))
    return Area(x, y, draw(st.integers(1, 1_000 - x)), draw(st.integers(1, 1_000 - y)))


def spans_with(zones: str) -> list[tuple[float, float]]:
    """When motion was active while the first person of the footage passes, who comes in by a quarter of the picture."""
    begin_s, end_s = INTERVALS_S[PEOPLE][0]
    counted = cells(areas(parse_settings(zones).zones))
    return active_spans_s(between(PEOPLE, begin_s - 3, end_s + 1), MotionDetector(counted))


def test_someone_outside_the_zones_does_not_trigger() -> None:
    assert spans_with(ZONE.format("left", 0, 0, 225, 1_000)) == []


@pytest.mark.parametrize(
    "zones",
    [
        "",
        ZONE.format("everything", 0, 0, 1_000, 1_000),
        ZONE.format("right", 500, 0, 500, 1_000),
        ZONE.format("left", 0, 0, 225, 1_000) + ZONE.format("right", 500, 0, 500, 1_000),
    ],
)
def test_someone_inside_a_zone_triggers(zones: str) -> None:
    spans = spans_with(zones)
    begin_s, end_s = INTERVALS_S[PEOPLE][0]
    assert spans
    assert begin_s <= spans[0][0] <= spans[-1][1] <= end_s + 1


def test_zone_triggers_only_when_someone_comes_into_it() -> None:
    assert spans_with(ZONE.format("far right", 850, 0, 150, 1_000))[0][0] > spans_with("")[0][0] + 1


def test_without_zones_everywhere_counts() -> None:
    assert cells(()) is None


@pytest.mark.parametrize(
    ("zone", "rows", "columns"),
    [
        (Area(0, 0, 1_000, 1_000), range(30), range(40)),
        (Area(0, 0, 25, 33), range(1), range(1)),
        (Area(0, 0, 25, 34), range(2), range(1)),
        (Area(25, 100, 50, 100), range(3, 6), range(1, 3)),
        (Area(24, 99, 1, 1), range(2, 3), range(1)),
        (Area(999, 999, 1, 1), range(29, 30), range(39, 40)),
        (Area(500, 500, 1, 1), range(15, 16), range(20, 21)),
    ],
)
def test_cell_counts_if_any_part_of_it_lies_in_a_zone(zone: Area, rows: range, columns: range) -> None:
    counted = cells([zone])
    assert counted is not None
    assert sorted(zip(*np.nonzero(counted), strict=True)) == [(row, column) for row in rows for column in columns]


@settings(deadline=None)
@given(st.lists(zones(), min_size=1, max_size=4))
def test_zones_count_exactly_the_cells_that_they_touch(drawn: list[Area]) -> None:
    counted = cells(drawn)
    assert counted is not None
    assert (counted.shape, counted.dtype) == ((30, 40), np.bool_)
    for (row, column), counts in np.ndenumerate(counted):
        touched = any(
            zone.x * 40 < (column + 1) * 1_000
            and column * 1_000 < (zone.x + zone.width) * 40
            and zone.y * 30 < (row + 1) * 1_000
            and row * 1_000 < (zone.y + zone.height) * 30
            for zone in drawn
        )
        assert counts == touched
