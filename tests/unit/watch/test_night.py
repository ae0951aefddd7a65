"""Day and night, by readings of a model scene: what the camera measures is ambient light and our own."""

from collections.abc import Callable
from math import exp

import pytest

from sealbell.items import Light
from sealbell.watch.night import FALSE_DAWN_US, SETTLE_US, Night, Thresholds

S = 1_000_000
MINUTE, HOUR = 60, 3_600
USUAL = Thresholds(dark_lux=5, light_lux=30, hold_us=10 * S)
Ambient = Callable[[float], float]  # seconds -> lux


def switches(
    ambient: Ambient,
    seconds: int,
    *,
    infrared_lux: Callable[[float], float] = lambda _: 0.0,
    filter_gain: float = 1.0,
    thresholds: Thresholds = USUAL,
) -> list[tuple[int, bool]]:
    """When it became night or day: by night the filter is away, and our light is added to every reading."""
    night, found = Night(thresholds), []
    for second in range(seconds):
        lux = ambient(second)
        if night.night:
            lux = filter_gain * lux + infrared_lux(second)
        if night.step(Light(second * S, lux)):
            found.append((second, night.night))
    return found


def dusk_and_dawn(second: float) -> float:
    """Ten hours: bright for two, an hour's dusk, dark from the fourth to the seventh, an hour's dawn, bright."""
    hours = second / HOUR
    return 1_000 / (1 + exp(12 * (hours - 2.5))) + 1_000 / (1 + exp(-12 * (hours - 7.5)))


@pytest.mark.parametrize("infrared_lux", [0, 3, 29, 31, 100, 5_000])
@pytest.mark.parametrize("filter_gain", [1.0, 2.0])
def test_a_night_has_one_dusk_and_one_dawn_however_bright_our_own_light_is(
    infrared_lux: float, filter_gain: float
) -> None:
    found = switches(dusk_and_dawn, 10 * HOUR, infrared_lux=lambda _: infrared_lux, filter_gain=filter_gain)
    assert [night for _, night in found] == [True, False]
    dusk_s, dawn_s = (second for second, _ in found)
    assert dusk_and_dawn(dusk_s) < USUAL.dark_lux
    assert USUAL.light_lux / filter_gain < dusk_and_dawn(dawn_s) < 3 * USUAL.light_lux


@pytest.mark.parametrize("infrared_lux", [1, 20, 40, 400])
@pytest.mark.parametrize("level_lux", [0, 1, 4.9, 6, 20, 29])
def test_a_scene_that_never_changes_never_swings(infrared_lux: float, level_lux: float) -> None:
    found = switches(lambda _: level_lux, 2 * HOUR, infrared_lux=lambda _: infrared_lux)
    assert [night for _, night in found] == ([True] if level_lux < USUAL.dark_lux else [])


def test_whoever_shines_in_our_light_does_not_make_it_swing_for_ever() -> None:
    found = switches(lambda _: 0.5, 8 * HOUR, infrared_lux=lambda second: 200.0 if second % 900 < 300 else 20.0)
    assert len(found) <= 9
    assert found[-1][0] < 3 * HOUR, "it has learnt"
    assert found[-1][1], "and it is night"


def test_a_filter_that_keeps_most_of_the_light_away_does_not_make_it_swing_for_ever() -> None:
    found = switches(lambda s: 0.1 if s < MINUTE else 4.0, 8 * HOUR, infrared_lux=lambda _: 30, filter_gain=20)
    assert len(found) <= 9
    assert found[-1][0] < 2 * HOUR


def test_a_true_day_makes_good_for_false_dawns() -> None:
    def ambient(second: float) -> float:
        if second < HOUR:
            return 0.5
        return 1_000.0 if second < 2 * HOUR else (0.5 if second < 3 * HOUR else 40.0)

    found = switches(ambient, 4 * HOUR, infrared_lux=lambda s: 60.0 if 600 <= s % HOUR < 700 and s < HOUR else 5.0)
    assert [second for second, night in found if not night][-1] == pytest.approx(3 * HOUR + 10, abs=3)


def test_headlights_and_clouds_are_too_short() -> None:
    assert switches(lambda s: 1.0 if s % 60 < 9 else 100.0, HOUR) == []
    lit = switches(lambda s: 300.0 if s > MINUTE and s % 60 < 9 else 0.5, HOUR, infrared_lux=lambda _: 10)
    assert [night for _, night in lit] == [True]


def test_it_takes_as_long_as_is_said() -> None:
    assert switches(lambda s: 1.0 if s >= 100 else 100.0, 200) == [(110, True)]
    patient = Thresholds(5, 30, 60 * S)
    assert switches(lambda s: 1.0 if s >= 100 else 100.0, 200, thresholds=patient) == [(160, True)]


def test_between_the_thresholds_all_stays_as_it_is() -> None:
    assert switches(lambda _: 10.0, HOUR) == []
    found = switches(lambda s: 1.0 if s < MINUTE else 29.0, HOUR, infrared_lux=lambda _: 50)
    assert [night for _, night in found] == [True]


def test_readings_right_after_a_switch_are_not_looked_at() -> None:
    night = Night(Thresholds(5, 30, 0))
    assert night.step(Light(0, 1.0))
    for t_us in range(1, SETTLE_US, S // 2):
        assert not night.step(Light(t_us, 0.5 if t_us < S else 10_000.0))
    assert not night.step(Light(SETTLE_US, 200.0)), "this is our own light"
    assert not night.step(Light(SETTLE_US + S, 229.0))
    assert night.step(Light(SETTLE_US + 2 * S, 231.0))
    assert not night.night


def test_our_light_is_unlearnt_as_soon_as_it_shows_less() -> None:
    night = Night(Thresholds(5, 30, 0))
    night.step(Light(0, 0.0))
    night.step(Light(SETTLE_US, 500.0))
    night.step(Light(SETTLE_US + S, 20.0))
    assert night.step(Light(SETTLE_US + 2 * S, 51.0))


@pytest.mark.parametrize("infrared_lux", [0.0, 100.0])
def test_a_day_that_lasted_is_no_false_dawn(infrared_lux: float) -> None:
    day_s = FALSE_DAWN_US // S + 2 * MINUTE

    def ambient(second: float) -> float:
        return 1.0 if second % (2 * day_s) < day_s else 40.0

    found = switches(ambient, 8 * day_s, infrared_lux=lambda _: infrared_lux)
    assert [night for _, night in found] == [True, False] * 4


@pytest.mark.parametrize(("dark", "light", "hold_us"), [(5, 5, 0), (6, 5, 0), (-1, 5, 0), (1, 5, -1)])
def test_thresholds_that_would_swing_are_refused(dark: float, light: float, hold_us: int) -> None:
    with pytest.raises(ValueError, match="dark_lux < light_lux"):
        Thresholds(dark, light, hold_us)


def test_no_darkness_is_dark_enough_for_none() -> None:
    assert switches(lambda _: 0.0, HOUR, thresholds=Thresholds(0, 5, 0)) == []
