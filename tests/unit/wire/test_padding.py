"""Padme: little is added, little is told."""

from hypothesis import given
from hypothesis import strategies as st

from sealbell_wire.boxes import free_box, pad
from sealbell_wire.limits import MAX_PART_BYTES
from sealbell_wire.padding import padme

lengths = st.integers(1, MAX_PART_BYTES)


@given(lengths)
def test_a_length_is_never_cut_and_grows_by_an_eighth_at_most(length: int) -> None:
    assert length <= padme(length) <= length * 1.12


@given(st.integers(65_536, MAX_PART_BYTES))
def test_a_fragment_grows_by_a_thirtieth_at_most(length: int) -> None:
    assert padme(length) <= length * 1.032


@given(lengths, lengths)
def test_a_longer_length_is_never_padded_to_less(one: int, other: int) -> None:
    assert padme(min(one, other)) <= padme(max(one, other))
    assert padme(padme(one)) == padme(one)


def test_few_lengths_are_left_to_tell_parts_by() -> None:
    told = set()
    length = 1
    while length <= MAX_PART_BYTES:
        told.add(padme(length))
        length = padme(length) + 1
    assert len(told) < 400  # of a million


@given(st.binary(max_size=3000))
def test_a_fragment_is_padded_by_a_box_that_players_skip(fragment: bytes) -> None:
    padded = pad(fragment)
    assert padded == fragment + free_box(len(padded) - len(fragment))
    assert len(padded) == padme(len(padded))
