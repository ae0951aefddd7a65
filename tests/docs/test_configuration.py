"""docs/configuration.md and the package's file are those that the declaration of the settings gives."""

import subprocess
import sys
from pathlib import Path

from docs.pages import ROOT, page
from sealbell.config import parse_settings
from sealbell.watch.motion.scene import CELLS_HIGH, CELLS_WIDE
from sealbell.watch.movement import OVERLAP_US

WRITER = ROOT / "docs" / "write_configuration.py"


def test_page_and_packaged_file_are_what_is_declared(tmp_path: Path) -> None:
    subprocess.run([sys.executable, WRITER, tmp_path], check=True, timeout=60)
    written = {path.relative_to(tmp_path).as_posix(): path.read_text() for path in tmp_path.rglob("*.*")}
    assert set(written) == {"docs/configuration.md", "packaging/sealbell.toml"}
    for name, text in written.items():
        assert (ROOT / name).read_text(encoding="utf-8") == text, f"{name}: `make docs-config` writes it anew"


def test_example_of_the_page_can_be_used_as_it_stands() -> None:
    [example] = page("docs/configuration.md").blocks("toml")
    settings = parse_settings(example)
    assert (len(settings.masks), len(settings.zones), len(settings.schedule)) == (1, 1, 2)


def test_page_tells_the_figures_of_the_code() -> None:
    text = page("docs/configuration.md").text
    assert f"within {({3_000_000: 'three'})[OVERLAP_US]} seconds" in " ".join(text.split())
    assert f"{CELLS_WIDE} by {CELLS_HIGH} cells" in text
    assert f"{1_000 // CELLS_WIDE} thousandths to either side, {1_000 // CELLS_HIGH} up" in " ".join(text.split())
