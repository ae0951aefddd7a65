"""When a clip's days are over; and that no wrong clock ever says so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbell_relay.keep.rules import (
    AGREE_MS,
    BUCKET_SHIFT,
    DAY_MS,
    NO_TIME_BEFORE_MS,
    Moment,
    Witness,
    is_over,
    may_hold_over,
)

NOW_MS = NO_TIME_BEFORE_MS + 1_000 * DAY_MS
YEAR_MS = 366 * DAY_MS
times = st.integers(NO_TIME_BEFORE_MS, NOW_MS + YEAR_MS)


@given(times, st.none() | times, st.integers(1, 36_500))
def test_a_clip_goes_when_its_days_are_over_by_both_clocks_and_never_before(
    arrived_ms: int, made_ms: int | None, days: int
) -> None:
    youngest = max(arrived_ms, made_ms or 0)
    assert is_over(Moment(arrived_ms, made_ms), days, NOW_MS) == (NOW_MS - youngest > days * DAY_MS)


def test_what_arrived_under_a_clock_of_1970_is_not_fifty_years_old() -> None:
    assert not is_over(Moment(1_000, None), 30, NOW_MS)
    assert not is_over(Moment(1_000, NOW_MS - DAY_MS), 30, NOW_MS)


def test_what_arrived_under_a_clock_that_was_years_behind_is_as_young_as_its_doorbell_says() -> None:
    assert not is_over(Moment(NOW_MS - 2 * YEAR_MS, NOW_MS - DAY_MS), 30, NOW_MS)


@given(times, times, st.integers(1, 400))
def test_no_bucket_that_holds_a_clip_whose_days_are_over_is_passed_by_where_the_doorbells_clock_was_right(
    made_ms: int, delay_ms: int, days: int
) -> None:
    moment = Moment(made_ms + abs(delay_ms) % YEAR_MS, made_ms)
    if is_over(moment, days, NOW_MS):
        assert may_hold_over(f"{made_ms >> BUCKET_SHIFT:06x}", days, NOW_MS)


@given(st.integers(-10 * YEAR_MS, 10 * YEAR_MS))
def test_a_clock_that_jumped_since_a_doorbell_confirmed_it_is_not_believed(jump_ms: int) -> None:
    witness = Witness()
    witness.hear(NOW_MS - 1_000, NOW_MS, 100.0)
    assert witness.confirms(NOW_MS + 3_600_000 + jump_ms, 100.0 + 3_600.0) == (abs(jump_ms) <= AGREE_MS)


def test_a_clock_that_nobody_confirmed_is_not_believed() -> None:
    witness = Witness()
    assert not witness.confirms(NOW_MS, 1.0)
    witness.hear(NOW_MS, NOW_MS + YEAR_MS, 1.0)
    assert not witness.confirms(NOW_MS + YEAR_MS, 1.0)


@pytest.mark.parametrize("lie_ms", [-YEAR_MS, YEAR_MS])
def test_one_doorbell_with_a_wrong_clock_stops_nothing(lie_ms: int) -> None:
    witness = Witness()
    witness.hear(NOW_MS, NOW_MS, 1.0)
    witness.hear(NOW_MS + lie_ms, NOW_MS + 1_000, 2.0)
    assert witness.confirms(NOW_MS + 2_000, 3.0)
