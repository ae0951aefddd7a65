"""`sealbell config`, as a person and as a program meets it."""

import json
from pathlib import Path

import pytest

from sealbell.cli import main
from sealbell.config import Settings, parse_settings, read_settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sealbell.toml"
    path.write_text('[camera]\nfps = 20\n[[zone]]\nname = "path"\nx = 1\ny = 2\nwidth = 3\nheight = 4\n')
    return path


def test_prints_everything_in_force_and_marks_what_is_not_the_default(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "--config", str(file)]) == 0
    printed = capsys.readouterr().out
    assert parse_settings(printed) == read_settings(file)
    assert "fps = 20  # default 15\n" in printed
    assert printed.count("# default") == 1
    assert "width = 1280\n" in printed


def test_without_any_file_prints_the_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    if Path("/etc/sealbell/sealbell.toml").exists():
        pytest.skip("a doorbell is installed on this machine")
    assert main(["config"]) == 0
    printed = capsys.readouterr().out
    assert parse_settings(printed) == Settings()
    assert "not there" in printed.splitlines()[0]


def test_check_says_only_whether_the_file_is_in_order(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--check", "--config", str(file)]) == 0
    assert capsys.readouterr().out == f"{file}: in order\n"


@pytest.mark.parametrize("options", [[], ["--check"]])
def test_wrong_file_is_exit_code_one_and_everything_that_is_wrong(
    file: Path, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("[camera]\nfps = 500\nwith = 3\n")
    assert main(["config", "--config", str(file), *options]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        f"sealbell: {file}: [camera] fps: is 500, takes a whole number from 5 to 30 (pictures per second)",
        f'{file}: [camera] "with": is unknown; did you mean width?',
        "hint: docs/configuration.md says what every key takes",
    ]


def test_json_is_what_the_file_would_say(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--json", "--config", str(file)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["file"], told["problems"]) == (str(file), [])
    assert told["settings"]["camera"]["fps"] == 20
    assert told["settings"]["zone"] == [{"name": "path", "x": 1, "y": 2, "width": 3, "height": 4}]


def test_json_names_each_problem_by_its_keys(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("[night]\ndark_lux = 50\n")
    assert main(["config", "--json", "--check", "--config", str(file)]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [problem["at"] for problem in told["problems"]] == [["[night] dark_lux", "[night] light_lux"]]
    assert "settings" not in told
