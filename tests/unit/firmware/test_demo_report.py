"""The demo's word on the detector is honest: early, late, missed and false all show."""

from sealbell.demo.report import ClipReport, compare, spread


def clip(*motion_s: list[float]) -> ClipReport:
    return ClipReport("c" * 32, "f", "motion", list(motion_s), 0, 60, 5, 5, False, True, "opened/f.mp4")


def test_a_late_catch_shows_by_how_much() -> None:
    said = compare([clip([6.4, 9.0])], [[6.0, 10.0]])
    assert "caught: 1, noticed at most 0.40 s" in said
    assert said.endswith("false triggers: 0")


def test_what_began_before_anything_moved_is_a_false_trigger() -> None:
    assert compare([clip([3.0, 9.0])], [[6.0, 10.0]]).endswith("false triggers: 1")


def test_what_is_missed_is_not_counted_as_caught() -> None:
    assert "truly moving: 2 times; caught: 1," in compare([clip([6.0, 9.0])], [[6.0, 10.0], [20.0, 30.0]])


def test_a_trigger_where_nothing_moves_is_false() -> None:
    assert compare([clip([3.0, 3.5])], []) == "  truly nothing moves here; false triggers: 1"


def test_a_spread_of_nothing_is_nothing_and_of_one_is_itself() -> None:
    assert spread([]) is None
    assert spread([7.0]) == {"p50": 7.0, "p95": 7.0, "n": 1}
