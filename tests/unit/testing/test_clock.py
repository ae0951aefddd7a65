"""The clock that a test moves, as the pace of a film."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sealbell_testing.clock import HandClock
from sealbell_testing.waiting import DEADLINE_S


@contextmanager
def film(clock: HandClock, times_us: list[int]) -> Iterator[list[tuple[int, int]]]:
    """Somebody shows pictures at these times: (picture, what the clock said)."""
    shown: list[tuple[int, int]] = []

    def show() -> None:
        for t_us in times_us:
            clock.reach(t_us)
            shown.append((t_us, clock.now_us()))
        clock.stop()

    clock.start()
    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    yield shown
    clock.stop()
    thread.join(DEADLINE_S)
    assert not thread.is_alive()


def test_each_picture_is_shown_at_its_time_and_none_before() -> None:
    clock = HandClock()
    with film(clock, [0, 100_000, 200_000, 900_000, 5_000_000]) as shown:
        clock.passes(seconds=0.25)
        assert shown == [(0, 0), (100_000, 100_000), (200_000, 200_000)]
        clock.passes(seconds=0.65)
        assert shown[3:] == [(900_000, 900_000)]
        assert clock.now_us() == 900_000


def test_time_goes_on_after_the_film_has_ended() -> None:
    clock = HandClock()
    with film(clock, [0, 100_000]) as shown:
        clock.passes(seconds=7)
    assert shown == [(0, 0), (100_000, 100_000)]
    clock.passes(seconds=1)
    assert clock.now_us() == 8_000_000


def test_another_boot_begins_at_zero_under_another_name_and_wall_time_goes_on() -> None:
    clock = HandClock()
    clock.passes(seconds=60)
    boot, wall_ms = clock.boot, clock.wall_ms(clock.now_us())
    clock.restarts()
    assert clock.now_us() == 0
    assert clock.boot != boot
    assert clock.wall_ms(0) == wall_ms


def test_time_does_not_go_back() -> None:
    with pytest.raises(AssertionError, match="does not go back"):
        HandClock().passes(seconds=-1)
