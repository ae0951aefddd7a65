import pytest

from sealbell_owner import show


@pytest.mark.parametrize(
    ("numbers", "text"), [([], ""), ([3], "3"), ([1, 2, 3, 7, 9, 10], "1-3, 7, 9-10"), ([0, 2, 4], "0, 2, 4")]
)
def test_numbers_are_written_as_a_person_writes_them(numbers: list[int], text: str) -> None:
    assert show.ranges(numbers) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (2_500_000, "2.5 MB"), (10**12, "1000.0 GB")]
)
def test_sizes_have_a_unit(count: int, text: str) -> None:
    assert show.size(count) == text


def test_a_time_beyond_any_calendar_is_said_to_be_one() -> None:
    assert show.local_time(2**53 - 1) == "a time beyond any calendar"
    assert show.local_time(1_764_000_000_000).startswith("2025-11-2")


def test_a_table_shows_markup_and_escapes_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    show.table(("name", "x"), [("[red]front[/red]", ":bell:")])
    out = capsys.readouterr().out
    assert "[red]front[/red]" in out
    assert ":bell:" in out
    assert "\x1b" not in out


def test_a_path_is_never_broken(capsys: pytest.CaptureFixture[str]) -> None:
    path = "/" + "long/" * 60
    show.lines([("written", path), ("x", "y")])
    assert f"written  {path}\n" in capsys.readouterr().out


def test_only_what_is_known_to_have_called_nobody_is_said_to_have() -> None:
    told = [show.why("motion", False), show.why("motion", True), show.why(None, None), show.why("pir", None)]
    assert told == ["motion, no alert", "motion", "unknown", "pir"]
