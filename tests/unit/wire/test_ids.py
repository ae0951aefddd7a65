"""Names sort by time, whatever the clock does."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbell_wire import ids
from sealbell_wire.errors import FormatError

DAY_MS = 86_400_000


@given(st.lists(st.tuples(st.integers(-DAY_MS, 2**47), st.binary(min_size=10, max_size=10)), min_size=2, max_size=30))
def test_clips_sort_in_the_order_of_recording_whatever_the_clock_does(recorded: list[tuple[int, bytes]]) -> None:
    clips: list[str] = []
    for wall_ms, random in recorded:
        clips.append(ids.new_clip_id(clips[-1] if clips else None, wall_ms, random))
    assert clips == sorted(set(clips))


def test_a_clip_says_when_it_was_recorded() -> None:
    assert ids.clip_time_ms(ids.new_clip_id(None, 1_720_000_000_000, bytes(10))) == 1_720_000_000_000


def test_a_clock_that_jumps_a_day_back_costs_a_millisecond_of_the_label() -> None:
    before = ids.new_clip_id(None, 1_720_000_000_000, b"\xff" * 10)
    after = ids.new_clip_id(before, 1_720_000_000_000 - DAY_MS, bytes(10))
    assert ids.clip_time_ms(after) == 1_720_000_000_001


@pytest.mark.parametrize("size", [0, 9, 11])
def test_a_clip_takes_eighty_random_bits(size: int) -> None:
    with pytest.raises(ValueError, match="10 random bytes"):
        ids.new_clip_id(None, 0, bytes(size))


def test_a_doorbell_is_named_by_its_key() -> None:
    key = bytes(range(32))
    assert ids.doorbell_id(key) == hashlib.sha256(key).hexdigest()[:32]


@given(st.text())
def test_only_lower_case_hex_is_a_name(text: str) -> None:
    try:
        assert ids.check_id(text, "id") == text
    except FormatError:
        assert len(text) != 32 or not set(text) <= set("0123456789abcdef")
    else:
        assert len(text) == 32
        assert set(text) <= set("0123456789abcdef")


@pytest.mark.parametrize("code_point", [*range(0x20), *range(0x7F, 0xA0), 0x200F, 0x2028, 0x202E, 0x2066, 0xFEFF])
def test_a_name_cannot_mislead_on_a_screen(code_point: int) -> None:
    with pytest.raises(FormatError):
        ids.check_name(f"front{chr(code_point)}door", "name")
