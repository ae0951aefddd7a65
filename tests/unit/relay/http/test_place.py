"""Places in a stream of notices: whatever overtakes what, and whenever a client comes again, each is told once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbell_relay.errors import RequestError
from sealbell_relay.follow.noticed import Noticed
from sealbell_relay.http.place import MAX_MARKS, MAX_PLACE_CHARS, Place, parse_place

START_MS = 1_790_000_000_000


def noticed(number: int, arrived_ms: int) -> Noticed:
    return Noticed(arrived_ms, "0f" * 16, f"{number:032x}", 0)


@given(
    st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 60_000), st.booleans()), max_size=60),
)
def test_each_notice_is_told_once_however_they_overtake_and_clients_come_and_go(
    arrivals: list[tuple[int, int, bool]],
) -> None:
    place, now, told, stored = Place(START_MS), START_MS, list[Noticed](), list[tuple[int, Noticed]]()
    for number, (gap_ms, late_ms, _) in enumerate(arrivals):
        now += gap_ms
        stored.append((now + late_ms, noticed(number, now)))
    there = [one for _, one in sorted(stored)]
    for count, (_, _, again) in enumerate(arrivals, 1):
        for one in sorted(there[:count]):
            if place.is_new(one):
                place.sent(one)
                told.append(one)
        if again:
            place = parse_place(place.text)
    assert sorted(told) == sorted(one for _, one in stored)


def test_what_came_before_a_stream_is_none_of_it() -> None:
    place = Place(START_MS)
    assert not place.is_new(noticed(1, START_MS - 1))
    assert place.is_new(noticed(1, START_MS))


def test_a_place_stays_short_and_what_it_forgets_is_taken_for_told() -> None:
    place = Place(START_MS)
    many = [noticed(number, START_MS + number) for number in range(3 * MAX_MARKS)]
    for one in many:
        place.sent(one)
        assert len(place.text) <= MAX_PLACE_CHARS
        assert parse_place(place.text).text == place.text
    assert not any(place.is_new(one) for one in many)


def test_an_hour_later_a_place_holds_one_mark() -> None:
    place = Place(START_MS)
    for number in range(10):
        place.sent(noticed(number, START_MS + number * 3_600_000))
    assert place.text.count("-") == 1


@pytest.mark.parametrize(
    "text",
    [
        *("", "0", "0" * 13, "0" * 12 + "-", "0" * 12 + "-0", "0" * 12 + "-" + "0" * 9, "0" * 12 + "\n", "G" * 12),
        "0" * 12 + 2 * ("-" + "0" * 8),
        "0" * 12 + "".join(f"-{number:08x}" for number in range(MAX_MARKS + 1)),
    ],
)
def test_anything_else_is_no_place(text: str) -> None:
    with pytest.raises(RequestError) as refused:
        parse_place(text)
    assert refused.value.status == 400


def test_a_place_cut_anywhere_is_another_or_none() -> None:
    whole = "0" * 12 + "-0a0b0c0d-0a0b0c0e"
    for end in range(len(whole)):
        if end in (12, 21):
            parse_place(whole[:end])
        else:
            with pytest.raises(RequestError):
                parse_place(whole[:end])
