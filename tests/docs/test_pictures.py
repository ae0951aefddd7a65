"""What is committed is what `make pictures` draws."""

import subprocess
import sys
from pathlib import Path

from docs.pages import ROOT

PICTURES = ROOT / "docs" / "pictures"


def test_pictures_are_those_that_make_draws(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-I", "-S", PICTURES / "draw.py", tmp_path], check=True)
    drawn = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert drawn == {path.name: path.read_bytes() for path in PICTURES.glob("*.svg")}


def test_make_pictures_draws_into_the_pages_folder() -> None:
    plan = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "pictures"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert plan.splitlines()[-1].endswith("python docs/pictures/draw.py")
