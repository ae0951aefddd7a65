from hypothesis import given, settings
from hypothesis import strategies as st

from sealbell.watch.panel.chime import MAX_PULSE_US, PERIOD_US, PULSE_US, Chime


def test_silent_until_it_is_rung() -> None:
    assert not Chime().closed(0)
    assert Chime().due_us(0) is None


def test_a_ring_is_one_pulse() -> None:
    chime = Chime()
    chime.ring(5_000)
    assert chime.closed(5_000)
    assert chime.closed(5_000 + PULSE_US - 1)
    assert chime.due_us(6_000) == 5_000 + PULSE_US
    assert not chime.closed(5_000 + PULSE_US)
    assert chime.due_us(5_000 + PULSE_US) is None


@settings(deadline=None)
@given(st.lists(st.integers(0, 400_000), min_size=1), st.integers(1, 100_000_000))
def test_however_often_and_however_set_it_is_closed_for_half_a_second_at_most_and_rests_for_as_long(
    gaps_us: list[int], pulse_us: int
) -> None:
    chime, now_us, closed_since, opened_us = Chime(pulse_us), 0, None, None
    for gap_us in gaps_us:
        for _ in range(8):
            chime.ring(now_us)
            if chime.closed(now_us):
                if closed_since is None:
                    assert opened_us is None or now_us - opened_us >= PERIOD_US - MAX_PULSE_US
                    closed_since = now_us
                due_us = chime.due_us(now_us)
                assert due_us is not None
                assert now_us < due_us <= closed_since + min(pulse_us, MAX_PULSE_US)
            else:
                if closed_since is not None:
                    opened_us = closed_since + min(pulse_us, MAX_PULSE_US)
                closed_since = None
            now_us += gap_us


def test_whoever_presses_again_after_a_second_is_heard_again() -> None:
    chime = Chime()
    chime.ring(0)
    chime.ring(PERIOD_US - 1)
    assert not chime.closed(PERIOD_US - 1)
    chime.ring(PERIOD_US)
    assert chime.closed(PERIOD_US)
