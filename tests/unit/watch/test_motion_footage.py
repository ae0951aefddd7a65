"""The promises on the carried footage, at its own times (intervals in tests/footage/README.md)."""

import pytest

from footage_frames import INTERVALS_S, PEOPLE, STILL_ROOM, TREE, footage
from motion_spans import active_spans_s

INTERVAL_ERROR_S = 0.3
LATENCY_S = 0.5
BLEED_S = 1.6  # the hold, the comparison with 0.2 s ago, and the error of the interval


@pytest.fixture(scope="module")
def active_s() -> list[tuple[float, float]]:
    return active_spans_s(list(footage(PEOPLE)))


@pytest.mark.parametrize(("begin_s", "end_s"), INTERVALS_S[PEOPLE])
def test_every_person_is_noticed_within_half_a_second(
    active_s: list[tuple[float, float]], begin_s: float, end_s: float
) -> None:
    first_s = next(begin for begin, _ in active_s if begin > begin_s - INTERVAL_ERROR_S)
    assert first_s <= begin_s + LATENCY_S


def test_nothing_triggers_where_nobody_is(active_s: list[tuple[float, float]]) -> None:
    strays = [
        begin
        for begin, _ in active_s
        if not any(there - INTERVAL_ERROR_S <= begin <= gone + INTERVAL_ERROR_S for there, gone in INTERVALS_S[PEOPLE])
    ]
    assert strays == []


def test_motion_ends_soon_after_a_person_left(active_s: list[tuple[float, float]]) -> None:
    for there, gone in INTERVALS_S[PEOPLE]:
        last_s = max(end for begin, end in active_s if there - INTERVAL_ERROR_S <= begin <= gone)
        assert gone - 2 * BLEED_S <= last_s <= gone + BLEED_S


def test_motion_covers_most_of_the_time_that_people_are_there(active_s: list[tuple[float, float]]) -> None:
    there_s = sum(gone - there for there, gone in INTERVALS_S[PEOPLE])
    covered_s = sum(
        max(0.0, min(end, gone) - max(begin, there)) for begin, end in active_s for there, gone in INTERVALS_S[PEOPLE]
    )
    assert covered_s > 0.55 * there_s


def test_a_still_room_is_still() -> None:
    assert active_spans_s(list(footage(STILL_ROOM))) == []


def test_the_hand_is_noticed_at_its_third_frame_and_the_leaves_never() -> None:
    frames = list(footage(TREE))
    [(hand_s, hand_gone_s)] = INTERVALS_S[TREE]
    third_s = [t_us / 1e6 for t_us, _ in frames if t_us / 1e6 > hand_s - 0.05][2]
    spans = active_spans_s(frames)
    assert hand_s - 0.05 <= spans[0][0] <= max(hand_s + LATENCY_S, third_s)
    assert spans[-1][1] == pytest.approx(hand_gone_s, abs=0.1)


@pytest.mark.parametrize("every", [2, 3])
def test_people_are_noticed_at_five_and_at_three_frames_a_second(every: int) -> None:
    spans = active_spans_s(list(footage(PEOPLE))[::every])
    for begin_s, _ in INTERVALS_S[PEOPLE]:
        assert any(begin_s - INTERVAL_ERROR_S <= begin <= begin_s + 2 * every / 10 + 0.3 for begin, _ in spans)
