"""What is drawn, bought, printed and told of the panel is what the program does."""

import csv
import hashlib
import re
import struct
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from docs.pages import ROOT, page
from sealbell.config.settings import Settings
from sealbell.items import LightCode
from sealbell.pins import PINS, Function
from sealbell.watch.panel.chime import MAX_PULSE_US, PERIOD_US, PULSE_US
from sealbell.watch.panel.debounce import FELT_US, LOOK_SOON_US, LOOK_US, SETTLE_US, STUCK_US
from sealbell.watch.panel.light import PATTERNS, Colour, Pattern

HARDWARE = ROOT / "hardware"
MAX_STL_BYTES = 500_000
HEADER_BYTES, FACET_BYTES = 80, 50
Vertex = tuple[float, float, float]


def rows(section: str) -> list[tuple[str, ...]]:
    """The rows of the one table of a section, code marks off."""
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [tuple(cell.strip().strip("`") for cell in line.strip("|").split(" | ")) for line in lines[1:]]


def test_wiring_table_is_the_programs() -> None:
    told = rows(page("docs/panel.md").section("Wiring"))
    assert told == [
        (
            *(pin.function, str(pin.header), str(pin.bcm), pin.direction, pin.pull, pin.active, pin.wired),
            *(", ".join(map(str, pin.also)) or "-", pin.note),
        )
        for pin in PINS
    ]


def test_settings_take_the_tables_pins() -> None:
    pins = Settings().pins
    assert {Function(name): getattr(pins, name) for name in pins.__slots__} == {p.function: p.bcm for p in PINS}


def rhythm(pattern: Pattern) -> str:
    if len(pattern.steps_ms) == 1:
        return "-" if pattern.colour is Colour.DARK else "steady"
    return ", ".join(f"{ms} ms {'dark' if step % 2 else 'lit'}" for step, ms in enumerate(pattern.steps_ms))


def test_light_table_is_the_programs() -> None:
    told = rows(page("docs/panel.md").section("Status light"))
    patterns = [(code, PATTERNS[code]) for code in LightCode]
    expected = [(code, pattern.colour.name.lower(), rhythm(pattern), pattern.says) for code, pattern in patterns]
    assert told == [tuple(cell.strip("`") for cell in row) for row in expected]


def test_figures_of_button_and_chime_are_the_programs() -> None:
    button, chime = (" ".join(page("docs/panel.md").section(name).split()) for name in ("Button", "Chime"))
    assert (FELT_US, SETTLE_US, STUCK_US) == (20_000, 20_000, 30_000_000)
    assert (LOOK_SOON_US, LOOK_US, LOOK_US + FELT_US + LOOK_SOON_US) == (5_000, 50_000, 75_000)
    assert {"20 ms", "30 s", "5 ms", "50 ms", "75 ms"} <= set(re.findall(r"\d+ m?s\b", button))
    assert (PULSE_US, MAX_PULSE_US, PERIOD_US) == (250_000, 500_000, 1_000_000)
    assert {"250 ms", "500 ms"} <= set(re.findall(r"\d+ m?s\b", chime))
    settings = Settings().panel
    assert (settings.debounce_ms * 1_000, settings.stuck_s * 1_000_000) == (FELT_US, STUCK_US)
    assert settings.chime_ms * 1_000 == PULSE_US


def test_wiring_is_drawn_from_the_table(tmp_path: Path) -> None:
    subprocess.run([sys.executable, HARDWARE / "draw_wiring.py", tmp_path], check=True)
    assert (tmp_path / "wiring.svg").read_bytes() == (HARDWARE / "wiring.svg").read_bytes()


def parts() -> list[dict[str, str]]:
    with (HARDWARE / "parts.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_parts_list_is_the_one_on_the_page_and_so_is_its_sum() -> None:
    section = page("hardware/README.md").section("Parts")
    assert rows(section) == [(row["quantity"], row["part"], row["purpose"], row["price"]) for row in parts()]
    total = sum(int(row["quantity"]) * Decimal(row["price"]) for row in parts())
    assert f"about {round(total)} euros" in section


def test_everything_that_is_wired_is_on_the_parts_list() -> None:
    needed = Counter(re.findall(r"[\d.]+ (?:k?Ω|nF|µF)|AM312", " ".join(pin.wired for pin in PINS)))
    assert needed["330 Ω"] == 2
    bought = {row["part"]: int(row["quantity"]) for row in parts()}
    for value, count in needed.items():
        found = [quantity for part, quantity in bought.items() if re.search(rf"(?<![\d.]){re.escape(value)}\b", part)]
        assert sum(found) >= count, value


def facets(data: bytes) -> list[tuple[Vertex, Vertex, Vertex]]:
    (count,) = struct.unpack_from("<I", data, HEADER_BYTES)
    assert len(data) == HEADER_BYTES + 4 + count * FACET_BYTES
    found = []
    for number in range(count):
        figures = struct.unpack_from("<12f", data, HEADER_BYTES + 4 + number * FACET_BYTES)
        found.append((figures[3:6], figures[6:9], figures[9:12]))
    return found


@pytest.mark.parametrize("part", ["body", "lid", "hood"])
def test_printed_parts_are_small_whole_and_of_this_source(part: str) -> None:
    """Watertight: every edge is shared by two facets that run along it in opposite directions."""
    data = (HARDWARE / f"{part}.stl").read_bytes()
    assert len(data) < MAX_STL_BYTES
    source = hashlib.sha256((HARDWARE / "case.scad").read_bytes()).hexdigest()
    assert source[:32] in data[:HEADER_BYTES].decode("ascii"), "make case"
    solid = facets(data)
    edges = Counter((a, b) for facet in solid for a, b in zip(facet, facet[1:] + facet[:1], strict=True))
    assert set(edges.values()) == {1}
    assert all((b, a) in edges for a, b in edges)
    volume = sum(
        a[0] * (b[1] * c[2] - b[2] * c[1]) + a[1] * (b[2] * c[0] - b[0] * c[2]) + a[2] * (b[0] * c[1] - b[1] * c[0])
        for a, b, c in solid
    )
    assert volume > 0, "and its facets look outwards"
    assert min(vertex[2] for facet in solid for vertex in facet) == 0, "it lies on the printer's bed"
