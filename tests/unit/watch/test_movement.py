"""Picture and PIR: which of them counts, and what a trigger is called that they cause."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbell.config.settings import MotionSource
from sealbell.watch.movement import OVERLAP_US, Movement

S = 1_000_000


@pytest.mark.parametrize(
    ("source", "neither", "picture", "pir", "both"),
    [
        ("picture", None, "motion", None, "motion"),
        ("pir", None, None, "pir", "pir"),
        ("either", None, "motion", "pir", "motion"),
        ("both", None, None, None, "motion"),
    ],
)
def test_source_says_which_sensor_counts(
    source: MotionSource, neither: str | None, picture: str | None, pir: str | None, both: str | None
) -> None:
    movement = Movement(source)
    assert movement.picture(0, active=False) == neither
    assert movement.picture(1 * S, active=True) == picture
    assert movement.picture(2 * S, active=False) == neither
    later = Movement(source)
    assert later.pir(0, present=True) == pir
    assert later.picture(1 * S, active=False) == pir
    assert later.picture(2 * S, active=True) == both


@pytest.mark.parametrize("source", ["pir", "either", "both"])
def test_presence_lasts_until_the_pir_lets_go(source: MotionSource) -> None:
    movement = Movement(source)
    movement.pir(0, present=True)
    assert movement.picture(3_600 * S, active=True)
    assert not movement.pir(3_601 * S, present=False) or source != "pir"
    movement.picture(3_602 * S, active=False)
    assert movement.picture(3_700 * S, active=False) is None


@pytest.mark.parametrize(("apart_us", "said"), [(0, "motion"), (OVERLAP_US, "motion"), (OVERLAP_US + 1, None)])
def test_picture_counts_for_three_seconds_after_the_pir_has_let_go(apart_us: int, said: str | None) -> None:
    movement = Movement("both")
    movement.pir(0, present=True)
    assert movement.pir(10 * S, present=False) is None
    assert movement.picture(10 * S + apart_us, active=True) == said


def test_picture_that_was_active_within_the_window_counts_when_the_pir_comes() -> None:
    movement = Movement("both")
    movement.picture(10 * S, active=True)
    movement.picture(10 * S + 1, active=False)
    assert movement.pir(10 * S + OVERLAP_US, present=True) == "motion"
    assert movement.picture(10 * S + OVERLAP_US + 1, active=False) is None, "the picture's word is too old"


def test_both_end_when_one_has_been_silent_for_the_window() -> None:
    movement = Movement("both")
    movement.pir(0, present=True)
    movement.pir(1 * S, present=False)
    assert movement.picture(1 * S, active=True) == "motion"
    assert movement.picture(1 * S + OVERLAP_US, active=True) == "motion"
    assert movement.picture(1 * S + OVERLAP_US + 1, active=True) is None


def test_both_say_nothing_while_neither_is_there() -> None:
    movement = Movement("both")
    movement.pir(0, present=True)
    movement.picture(1, active=True)
    movement.pir(2, present=False)
    assert movement.picture(3, active=False) is None


steps = st.lists(st.tuples(st.sampled_from(["picture", "pir"]), st.booleans(), st.integers(0, 2 * OVERLAP_US)))


@given(steps)
def test_both_is_never_more_than_either_and_either_is_one_of_them(script: list[tuple[str, bool, int]]) -> None:
    movements = {source: Movement(source) for source in ("picture", "pir", "either", "both")}
    t_us, active, present = 0, False, False
    for sensor, on, step_us in script:
        t_us += step_us
        active, present = (on, present) if sensor == "picture" else (active, on)
        said = {
            source: movement.picture(t_us, active=on) if sensor == "picture" else movement.pir(t_us, present=on)
            for source, movement in movements.items()
        }
        assert said["picture"] == ("motion" if active else None)
        assert said["pir"] == ("pir" if present else None)
        assert said["either"] == (said["picture"] or said["pir"])
        assert said["both"] in ({None, "motion"} if said["either"] else {None})
        if active and present:
            assert said["both"] == "motion"
