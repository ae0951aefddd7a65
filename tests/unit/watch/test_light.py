from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealbell.items import LightCode
from sealbell.watch.panel.light import PATTERNS, Colour


def rhythm(code: LightCode) -> tuple[bool, ...]:
    """Lit or not, every 10 ms for 8 s."""
    return tuple(PATTERNS[code].at(ms * 1_000)[0] is not Colour.DARK for ms in range(0, 8_000, 10))


def test_every_code_has_a_pattern() -> None:
    assert set(PATTERNS) == set(LightCode)


@pytest.mark.parametrize(("one", "other"), list(combinations(LightCode, 2)))
def test_codes_can_be_told_apart_by_whoever_sees_no_colours(one: LightCode, other: LightCode) -> None:
    assert rhythm(one) != rhythm(other)


def test_only_dark_is_dark_all_the_time() -> None:
    assert [code for code in LightCode if not any(rhythm(code))] == [LightCode.DARK]


def test_whoever_is_recorded_sees_it_all_the_time() -> None:
    assert {PATTERNS[LightCode.RECORDING].at(ms * 1_000)[0] for ms in range(10_000)} == {Colour.RED}


@settings(deadline=None)
@given(st.sampled_from(LightCode), st.integers(0, 10_000_000_000))
def test_a_colour_stays_for_as_long_as_it_says_and_not_longer(code: LightCode, since_us: int) -> None:
    pattern = PATTERNS[code]
    colour, for_us = pattern.at(since_us)
    assert 0 < for_us <= 5_000_000
    assert pattern.at(since_us + for_us - 1) == (colour, 1)
    if len(pattern.steps_ms) > 1:
        assert pattern.at(since_us + for_us)[0] is not colour


@pytest.mark.parametrize("code", LightCode)
def test_patterns_begin_lit_and_end_dark(code: LightCode) -> None:
    pattern = PATTERNS[code]
    assert len(pattern.steps_ms) == 1 or len(pattern.steps_ms) % 2 == 0
    assert pattern.at(0)[0] is pattern.colour
