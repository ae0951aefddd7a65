"""One contract for every Clock: the machine's, a file's at both paces, and the one that tests move by hand."""

import re
import threading
from collections.abc import Callable

import pytest

from sealbell.clock import FootageClock, SystemClock
from sealbell.seams import Clock
from sealbell_testing.clock import HandClock

BOOT = "b0" * 16
SLACK_MS = 2_000  # a busy machine may put us aside between two calls
DAY_US = 86_400_000_000

CLOCKS: dict[str, Callable[[], Clock]] = {
    "system": lambda: SystemClock(BOOT),
    "footage, fast": lambda: FootageClock(BOOT, real=False),
    "footage, real": lambda: FootageClock(BOOT, real=True),
    "by hand": HandClock,
}


@pytest.fixture(params=CLOCKS)
def clock(request: pytest.FixtureRequest) -> Clock:
    return CLOCKS[request.param]()


def test_boot_names_the_run_in_32_hex_digits_and_stays(clock: Clock) -> None:
    assert re.fullmatch("[0-9a-f]{32}", clock.boot)
    assert clock.boot == clock.boot


def test_monotonic_time_never_goes_back(clock: Clock) -> None:
    times = [clock.now_us() for _ in range(200)]
    assert times == sorted(times)
    assert all(isinstance(time, int) and time >= 0 for time in times)


def test_wall_time_keeps_step_with_monotonic_time(clock: Clock) -> None:
    now_us = clock.now_us()
    for us in (0, 1_000, 60_000_000, DAY_US):
        passed_ms = clock.wall_ms(now_us + us) - clock.wall_ms(now_us)
        assert abs(passed_ms - us // 1_000) < SLACK_MS


def test_wall_time_may_be_asked_for_what_is_past(clock: Clock) -> None:
    now_us = clock.now_us()
    assert abs(clock.wall_ms(now_us) - clock.wall_ms(now_us - 3_000_000) - 3_000) < SLACK_MS


def test_synced_is_said_in_one_word(clock: Clock) -> None:
    assert clock.synced() in (True, False)


@pytest.mark.parametrize("real", [False, True])
def test_alarms_fire_once_each_in_order_of_time_before_the_picture_at_or_after_them(real: bool) -> None:
    clock, rung = FootageClock(BOOT, real=real), []
    for t_us in (7_000, 1_000, 4_000, 1_000, 9_000):
        clock.at(t_us, lambda t_us=t_us: rung.append((t_us, clock.now_us())))
    clock.start()
    for t_us in (0, 1_000, 6_000, 8_000):
        clock.reach(t_us)
        rung.append((-t_us, clock.now_us()))
    assert [t_us for t_us, _ in rung] == [0, 1_000, 1_000, -1_000, 4_000, -6_000, 7_000, -8_000]
    assert all(now_us >= abs(t_us) for t_us, now_us in rung), "none before its time"
    assert real or all(now_us == abs(t_us) for t_us, now_us in rung)


def test_fast_clock_waits_for_nothing() -> None:
    clock = FootageClock(BOOT, real=False)
    clock.start()
    clock.reach(DAY_US)
    assert clock.now_us() == DAY_US


def test_fast_clock_does_not_go_back_for_a_late_picture() -> None:
    clock = FootageClock(BOOT, real=False)
    clock.reach(5_000)
    clock.reach(3_000)
    assert clock.now_us() == 5_000


def test_real_clock_that_is_stopped_waits_no_longer() -> None:
    clock = FootageClock(BOOT, real=True)
    clock.start()
    waiting = threading.Thread(target=clock.reach, args=(DAY_US,), daemon=True)
    waiting.start()
    clock.stop()
    waiting.join(10)
    assert not waiting.is_alive()


@pytest.mark.parametrize("real", [False, True])
def test_films_wall_time_is_the_one_that_was_given(real: bool) -> None:
    clock = FootageClock(BOOT, real=real, start_wall_ms=1_000_000)
    clock.start(60_000_000)
    assert clock.wall_ms(5_000) == 1_000_005


def test_film_that_is_run_through_fast_ends_now_and_lies_in_the_past() -> None:
    now_ms = SystemClock(BOOT)
    clock = FootageClock(BOOT, real=False)
    clock.start(60_000_000)
    assert abs(clock.wall_ms(60_000_000) - now_ms.wall_ms(now_ms.now_us())) < SLACK_MS


def test_film_at_real_pace_begins_now() -> None:
    now_ms = SystemClock(BOOT)
    clock = FootageClock(BOOT, real=True)
    clock.start(60_000_000)
    assert abs(clock.wall_ms(0) - now_ms.wall_ms(now_ms.now_us())) < SLACK_MS
