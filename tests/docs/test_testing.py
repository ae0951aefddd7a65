"""The page on testing, tried as a reader would: its tests in an empty folder, where pytest knows the plugin alone."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs.pages import page

PAGE = page("docs/testing.md")
TESTS = PAGE.blocks("python")
_NAME = re.compile(r"^def (test_\w+)\(", re.MULTILINE)
_ROW = re.compile(r"^\| `(sealbell_\w+)` \| (.+) \|$", re.MULTILINE)
_LISTED = re.compile(r"^(sealbell_\w+) -- .*\n    (.+)$", re.MULTILINE)


def run_pytest(folder: Path, *arguments: str) -> str:
    """Run pytest in a folder that has nothing of ours; return what it printed, if it was content."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "--rootdir", folder, "--timeout", "60", *arguments],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_test_of_ten_lines_has_ten_lines() -> None:
    assert len(PAGE.section("A test of ten lines").split("```")[1].removeprefix("python\n").splitlines()) == 10


@pytest.mark.timeout(120)
def test_every_test_on_the_page_passes(tmp_path: Path) -> None:
    names = [name for block in TESTS for name in _NAME.findall(block)]
    assert len(names) == len(TESTS) >= 3
    for number, block in enumerate(TESTS):
        (tmp_path / f"test_example_{number}.py").write_text(block)
    assert f"{len(names)} passed" in run_pytest(tmp_path)


def test_the_fixtures_on_the_page_are_those_that_pytest_lists(tmp_path: Path) -> None:
    listed = dict(_LISTED.findall(run_pytest(tmp_path, "--fixtures", "-q")))
    assert dict(_ROW.findall(PAGE.section("Fixtures"))) == listed
