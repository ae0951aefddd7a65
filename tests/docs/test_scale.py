"""What is reckoned for a million doorbells is what the measured figures give."""

import json
import sys

from docs.pages import ROOT

sys.path.append(str(ROOT / "docs"))

import write_scale


def test_the_page_says_what_the_figures_give() -> None:
    page = write_scale.PAGE.read_text(encoding="utf-8")
    assert write_scale.written(page, json.loads(write_scale.FOUND.read_text(encoding="utf-8"))) == page
