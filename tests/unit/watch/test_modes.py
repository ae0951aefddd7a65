"""Modes: what motion does when, by the week's schedule, over midnight, over the changes of the clocks, and without one.

Wall times are written as what a clock in that zone shows, with the offset from UTC beside.
"""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings import STILL, Door
from sealbell.clock import LocalTime, local_time
from sealbell.config import parse_settings
from sealbell.config.settings import Entry
from sealbell.items import NoticeDraft
from sealbell.watch.modes import Modes, holds

LISBON, BERLIN = "Europe/Lisbon", "Europe/Berlin"
MON, TUE, WED, THU, FRI, SAT, SUN = range(7)
DAY_MIN = 1_440


def wall_ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1_000)


def modes(text: str) -> Modes:
    return Modes.of(parse_settings(text))


def entry(begins: str, ends: str, *days: str, mode: str = "away") -> str:
    named = f"days = {list(days)}\n".replace("'", '"') if days else ""
    return f'[[schedule]]\nmode = "{mode}"\nfrom = "{begins}"\nto = "{ends}"\n{named}'


def at(weekday: int, clock: str) -> LocalTime:
    return LocalTime(weekday, int(clock[:2]) * 60 + int(clock[3:]))


def test_without_a_schedule_the_mode_is_what_it_is_set_to() -> None:
    for mode in ("home", "away", "quiet"):
        assert modes(f'[mode]\nnow = "{mode}"').in_force(at(MON, "12:00")) == mode


def test_entry_is_in_force_from_its_beginning_up_to_its_end_on_its_days() -> None:
    found = modes(entry("08:00", "17:00", "mon", "wed"))
    assert [found.in_force(at(MON, clock)) for clock in ("07:59", "08:00", "16:59", "17:00")] == [
        "home", "away", "away", "home",
    ]  # fmt: skip
    assert [found.in_force(at(day, "12:00")) for day in range(7)] == ["away", "home", "away", *["home"] * 4]


def test_entry_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    found = modes(entry("22:00", "06:30", "sat", mode="quiet"))
    told = {
        (SAT, "21:59"): "home", (SAT, "22:00"): "quiet", (SUN, "00:00"): "quiet", (SUN, "06:29"): "quiet",
        (SUN, "06:30"): "home", (SUN, "22:30"): "home", (SAT, "05:00"): "home",
    }  # fmt: skip
    assert {moment: found.in_force(at(*moment)) for moment in told} == told


def test_sunday_night_ends_on_monday() -> None:
    found = modes(entry("23:00", "01:00", "sun"))
    assert [found.in_force(at(MON, clock)) for clock in ("00:59", "01:00")] == ["away", "home"]


def test_whole_days_can_be_written_in_two_ways() -> None:
    until_midnight = parse_settings(entry("00:00", "24:00", "sat")).schedule[0]
    round_the_clock = parse_settings(entry("08:00", "08:00", "sat")).schedule[0]
    assert [day for day in range(7) if holds(until_midnight, LocalTime(day, 0))] == [SAT]
    assert sum(holds(until_midnight, LocalTime(d, m)) for d in range(7) for m in range(DAY_MIN)) == DAY_MIN
    assert sum(holds(round_the_clock, LocalTime(d, m)) for d in range(7) for m in range(DAY_MIN)) == DAY_MIN
    assert holds(round_the_clock, at(SUN, "07:59"))


def test_of_entries_that_overlap_the_one_further_down_is_in_force() -> None:
    found = modes(entry("08:00", "18:00") + entry("12:00", "13:00", mode="quiet"))
    assert [found.in_force(at(TUE, clock)) for clock in ("11:00", "12:30", "13:00")] == ["away", "quiet", "away"]
    other_way = modes(entry("12:00", "13:00", mode="quiet") + entry("08:00", "18:00"))
    assert other_way.in_force(at(TUE, "12:30")) == "away"


times = st.integers(0, DAY_MIN - 1)
entries = st.builds(
    Entry, st.just("away"), times, st.integers(0, DAY_MIN), st.sets(st.integers(0, 6), min_size=1).map(tuple)
)


@given(entries, st.integers(0, 6), times)
def test_entry_lasts_as_long_as_it_says_from_each_of_its_days(drawn: Entry, weekday: int, minute: int) -> None:
    week = 7 * DAY_MIN
    length = drawn.ends - drawn.begins if drawn.ends > drawn.begins else drawn.ends - drawn.begins + DAY_MIN
    inside = any((weekday * DAY_MIN + minute - day * DAY_MIN - drawn.begins) % week < length for day in drawn.days)
    assert holds(drawn, LocalTime(weekday, minute)) == inside


@pytest.mark.parametrize(
    ("moment", "zone", "weekday", "clock"),
    [
        ("2026-03-29T00:59:00+00:00", LISBON, SUN, "00:59"),
        ("2026-03-29T01:00:00+00:00", LISBON, SUN, "02:00"),
        ("2026-03-29T01:59:00+01:00", BERLIN, SUN, "01:59"),
        ("2026-03-29T03:00:00+02:00", BERLIN, SUN, "03:00"),
        ("2026-10-25T02:30:00+02:00", BERLIN, SUN, "02:30"),
        ("2026-10-25T02:30:00+01:00", BERLIN, SUN, "02:30"),
        ("2026-07-06T23:59:59+05:45", "Asia/Kathmandu", MON, "23:59"),
        ("2026-07-06T22:00:00+00:00", "Pacific/Kiritimati", TUE, "12:00"),
        ("2026-07-06T09:00:00+00:00", "Pacific/Pago_Pago", SUN, "22:00"),
        ("2026-07-06T09:00:00+00:00", "UTC", MON, "09:00"),
    ],
)
def test_local_time_is_what_a_clock_there_shows(moment: str, zone: str, weekday: int, clock: str) -> None:
    assert local_time(wall_ms(moment), zone) == at(weekday, clock)


def test_machines_own_zone_is_what_its_clock_shows() -> None:
    for moment in ("2026-03-29T01:30:00+00:00", "2026-10-25T00:30:00+00:00", "2026-12-31T23:59:59+00:00"):
        here = datetime.fromisoformat(moment).astimezone()
        assert local_time(wall_ms(moment), None) == LocalTime(here.weekday(), here.hour * 60 + here.minute)


def minutes_in_force(found: Modes, begin: str, end: str) -> int:
    """For how many real minutes between two moments the mode is away."""
    span = range(wall_ms(begin), wall_ms(end), 60_000)
    return sum(found.in_force(local_time(moment, BERLIN)) == "away" for moment in span)


@pytest.mark.parametrize(
    ("begins", "ends", "spring", "autumn"),
    [
        ("22:00", "06:00", 7 * 60, 9 * 60),  # the night is an hour shorter, and longer
        ("02:30", "04:00", 60, 30 + 90),  # would begin in the skipped hour: begins at 03:00; then in two pieces
        ("02:00", "03:00", 0, 2 * 60),  # lies wholly in it: is left out; then twice
        ("01:30", "02:30", 30, 60 + 30),
        ("03:00", "04:00", 60, 60),
        ("12:00", "12:00", 23 * 60, 25 * 60),
    ],
)
def test_entries_go_by_the_clock_on_the_wall_when_it_is_changed(
    begins: str, ends: str, spring: int, autumn: int
) -> None:
    found = modes(entry(begins, ends))  # each span holds one night, from noon to noon
    assert minutes_in_force(found, "2026-03-28T12:00:00+01:00", "2026-03-29T12:00:00+02:00") == spring
    assert minutes_in_force(found, "2026-10-24T12:00:00+02:00", "2026-10-25T12:00:00+01:00") == autumn


def test_whole_sunday_of_a_change_is_one_day() -> None:
    found = modes(entry("00:00", "24:00", "sun"))
    assert minutes_in_force(found, "2026-03-28T00:00:00+01:00", "2026-03-31T00:00:00+02:00") == 23 * 60
    assert minutes_in_force(found, "2026-10-24T00:00:00+02:00", "2026-10-27T00:00:00+01:00") == 25 * 60


def test_each_mode_has_its_own_answer_to_motion() -> None:
    text = '[modes]\nhome = "ignore"\naway = "alert"\nquiet = "record"\n'
    answers = [modes(f'{text}[mode]\nnow = "{mode}"').on_motion(at(MON, "12:00")) for mode in ("home", "away", "quiet")]
    assert answers == ["ignore", "alert", "record"]


def test_doorbell_as_it_comes_calls_for_motion() -> None:
    assert modes("").on_motion(at(MON, "12:00")) == "alert"


def test_unset_clock_falls_back_to_the_mode_set_and_never_ignores() -> None:
    night = entry("22:00", "06:00", mode="away")
    ignoring = modes('[mode]\nnow = "home"\n[modes]\nhome = "ignore"\n' + night)
    assert ignoring.in_force(None) == "home"
    assert ignoring.on_motion(None) == "record"
    assert ignoring.on_motion(at(MON, "12:00")) == "ignore"
    calling = modes('[mode]\nnow = "home"\n[modes]\nhome = "alert"\n' + entry("00:00", "24:00", mode="quiet"))
    assert calling.on_motion(None) == "alert"


def test_without_a_schedule_no_clock_is_needed_to_ignore() -> None:
    assert modes('[modes]\nhome = "ignore"').on_motion(None) == "ignore"


@pytest.mark.parametrize("mode", ["home", "away", "quiet"])
@pytest.mark.parametrize("action", ["alert", "record", "ignore"])
def test_press_rings_and_is_recorded_in_every_mode(mode: str, action: str) -> None:
    found = modes(f'[mode]\nnow = "{mode}"\n[modes]\n{mode} = "{action}"')
    door, answer = Door(), found.on_motion(at(MON, "12:00"))
    door.motion(0, active=answer != "ignore", alert=answer == "alert")
    assert NoticeDraft(1, "button", STILL, alert=True) in door.press(1)
    assert door.recorder.recording
