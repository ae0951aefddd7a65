"""Draws wiring.svg from the pin table, firmware/sealbell/pins.py: `make wiring`. The same bytes every time.

The circuits beside the header are drawn by hand, each on a card; which pin a wire comes from, what the card's title
says, and where its supply and ground go are the table's.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from drawing import INK, PAPER, RULE, SOFT, WHITE, Drawing

from sealbell.pins import EEPROM, GROUND, HEADER, POWER_3V3, POWER_5V, TABLE, Function

WIDTH, HEIGHT = 1240, 940
BOARD, GOLD = "#20573d", "#e3c16f"
SUPPLIES: Mapping[int, tuple[str, str]] = {
    **dict.fromkeys(POWER_3V3, ("3.3 V", "#e07b00")),
    **dict.fromkeys(POWER_5V, ("5 V", "#b71c1c")),
    **dict.fromkeys(GROUND, ("ground", "#20262d")),
}
BOARD_X, BOARD_Y, BOARD_WIDTH, BOARD_HEIGHT = 505, 96, 230, 800
ODD_X, EVEN_X, GAP_X, FIRST_Y, ROW = 600, 640, 620, 164, 36


@dataclass(frozen=True, slots=True)
class Wire:
    """How a function's wire runs: its colour, the x of its lane, where it ends, and the row that it crosses above."""

    colour: str
    lane_x: int
    end: tuple[int, int]
    over_row: int | None = None


LEFT, RIGHT = 440, 800
WIRES: Mapping[Function, Wire] = {
    Function.PIR: Wire("#7b4ab5", 470, (LEFT, 172)),
    Function.BUTTON: Wire("#1f6fb5", 455, (LEFT, 336)),
    Function.LIGHT_RED: Wire("#e0433a", 458, (LEFT, 490)),
    Function.LIGHT_GREEN: Wire("#2e8b3d", 473, (LEFT, 534), over_row=7),
    Function.INFRARED: Wire("#96326b", 488, (LEFT, 710)),
    Function.RESET: Wire("#00838f", 470, (LEFT, 862)),
    Function.CHIME: Wire("#b8730a", 760, (RIGHT, 452)),
    Function.IR_CUT: Wire("#6d6a00", 770, (RIGHT, 688)),
}


def card(drawing: Drawing, x: int, y: int, height: int, title: str, *functions: Function, note: str = "") -> None:
    """Draw a card of 400 by `height` for one part: its name, its pins, and where its supply and ground go."""
    drawing.rect(x, y, 400, height, WHITE, RULE, rx=8)
    drawing.rect(x, y, 6, height, WIRES[functions[0]].colour, rx=3)
    drawing.text(x + 18, y + 22, title, size=15, bold=True, anchor="start")
    pins = ", ".join(f"{TABLE[f].header} (BCM {TABLE[f].bcm})" for f in functions)
    drawing.text(x + 18, y + 40, f"pin {pins}", size=12, colour=SOFT, anchor="start")
    right = x + 390
    for place in sorted({place for f in functions for place in TABLE[f].also}, reverse=True):
        name, colour = SUPPLIES[place]
        words = f"{name}: pin {place}"
        width = 7 * len(words) + 12
        drawing.rect(right - width, y + 9, width, 20, colour, rx=10)
        drawing.text(right - width // 2, y + 23, words, size=11, colour=WHITE, bold=True)
        right -= width + 6
    if note:
        drawing.text(x + 18, y + height - 12, note, size=11, colour=SOFT, anchor="start")


def place(pin: int) -> tuple[int, int]:
    """Return where a header pin is drawn."""
    return (ODD_X if pin % 2 else EVEN_X), FIRST_Y + (pin - 1) // 2 * ROW


def board(drawing: Drawing) -> None:
    """Draw the board and all 40 pins of its header; those of the table bear their function."""
    drawing.rect(BOARD_X, BOARD_Y, BOARD_WIDTH, BOARD_HEIGHT, BOARD, rx=16)
    drawing.text(BOARD_X + BOARD_WIDTH // 2, BOARD_Y + 28, "Raspberry Pi, header", 15, WHITE, bold=True)
    drawing.rect(ODD_X - 17, FIRST_Y - 19, 74, 19 * ROW + 38, "#16402c", rx=4)
    used = {pin.header: pin for pin in TABLE.values()}
    wired = {number for pin in TABLE.values() for number in pin.also}
    bcm = {header: number for number, header in HEADER.items()}
    crossed = {wire.over_row for wire in WIRES.values()}
    for number in range(1, 41):
        x, y = place(number)
        pin = used.get(number)
        colour = WIRES[pin.function].colour if pin else SUPPLIES.get(number, ("", "#8c978f"))[1]
        drawing.circle(x, y, 12, colour, GOLD if pin or number in wired else "none")
        if number == 1:
            drawing.path(f"M{x - 14} {y - 14}h28v28h-28z", GOLD, 2)
        drawing.text(x, y + 4, str(number), 11, WHITE, bold=True)
        live = pin is not None or number in wired
        label = SUPPLIES[number][0] if number in SUPPLIES else f"BCM {bcm[number]}" if number in bcm else "EEPROM"
        side, anchor = (-22, "end") if number % 2 else (22, "start")
        beside_wire = 0 if pin is None else 14 if number % 2 and (number - 1) // 2 in crossed else -12
        ink = WHITE if live else "#8fb3a0"
        drawing.text(x + side, y + 4 + beside_wire, label, 11, ink, bold=live, anchor=anchor)
    assert set(EEPROM).isdisjoint(used)
    drawing.text(BOARD_X + BOARD_WIDTH // 2, BOARD_Y + BOARD_HEIGHT - 14, "seen from above; pin 1 is square", 11, GOLD)


def wires(drawing: Drawing) -> None:
    """Draw each wire from its pin to its card."""
    for function, wire in WIRES.items():
        x, y = place(TABLE[function].header)
        points = [(x, y)]
        if (x == EVEN_X) != (wire.end[0] > GAP_X):  # to the other side, between two rows
            y = FIRST_Y + wire.over_row * ROW - ROW // 2 if wire.over_row is not None else y + ROW // 2
            points += [(GAP_X, points[0][1]), (GAP_X, y)]
        points += [(wire.lane_x, y), (wire.lane_x, wire.end[1]), wire.end]
        drawing.line(*points, colour=PAPER, width=6)
        drawing.line(*points, colour=wire.colour, width=3.2)
        drawing.circle(*wire.end, 4, wire.colour)
        drawing.circle(*points[0], 12, wire.colour, GOLD)
        drawing.text(points[0][0], points[0][1] + 4, str(TABLE[function].header), 11, WHITE, bold=True)


def pir(drawing: Drawing) -> None:
    """The PIR: three pins."""
    card(drawing, 40, 96, 114, "PIR", Function.PIR, note="AM312: sees the warm that moves")
    y = 172
    drawing.line((440, y), (330, y))
    drawing.path(f"M272 {y - 16}a18 17 0 0 1 36 0z", INK, 1.8, "#eceff2")
    drawing.rect(250, y - 16, 80, 34, WHITE, INK)
    drawing.text(312, y + 4, "OUT", size=10)
    drawing.text(270, y + 4, "VCC", size=10)
    drawing.text(290, y + 14, "GND", size=10)
    drawing.line((250, y), (225, y))
    drawing.supply(225, y, "3.3 V")
    drawing.ground(290, y + 18)


def button(drawing: Drawing) -> None:
    """The bell's button, with its filter."""
    card(drawing, 40, 222, 176, "Bell button", Function.BUTTON)
    y = 336
    drawing.line((440, y), (372, y))
    drawing.line((332, y), (278, y))
    drawing.resistor(352, y, "1 kΩ")
    drawing.circle(404, y, 3, INK)
    drawing.path(f"M404 {y}v16M392 {y + 16}h24M392 {y + 22}h24M404 {y + 22}v12")
    drawing.text(384, y + 23, "100 nF", size=11, anchor="end")
    drawing.ground(404, y + 34)
    drawing.circle(290, y, 3, INK)
    drawing.line((290, y), (290, y - 14))
    drawing.resistor(290, y - 34, "10 kΩ", upright=True)
    drawing.line((290, y - 54), (290, y - 58))
    drawing.supply(290, y - 58, "")
    drawing.text(302, y - 62, "3.3 V", size=11, anchor="start")
    drawing.line((278, y), (214, y))
    drawing.path(f"M214 {y}l-44 -16M192 {y - 12}v-16M180 {y - 28}h24", INK, 2.2)
    drawing.circle(214, y, 4, WHITE, INK)
    drawing.circle(166, y, 4, WHITE, INK)
    drawing.line((162, y), (120, y), (120, y + 10))
    drawing.ground(120, y + 10)
    drawing.text(190, y + 24, "outside", size=11, colour=SOFT)


def light(drawing: Drawing) -> None:
    """The status light: two colours in one housing."""
    card(drawing, 40, 410, 158, "Status light", Function.LIGHT_RED, Function.LIGHT_GREEN)
    for function, y in ((Function.LIGHT_RED, 490), (Function.LIGHT_GREEN, 534)):
        colour = WIRES[function].colour
        drawing.line((440, y), (372, y))
        drawing.resistor(352, y, "330 Ω")
        drawing.line((332, y), (169, y))
        drawing.led(240, y, colour)
        drawing.line((231, y), (160, y), (160, 512))
    drawing.rect(194, 464, 92, 88, "none", SOFT, rx=14, dash="4 4")
    drawing.line((160, 490), (160, 540))
    drawing.circle(160, 534, 3, INK)
    drawing.ground(160, 540)


def infrared(drawing: Drawing) -> None:
    """The infrared light on its MOSFET."""
    card(drawing, 40, 580, 208, "Infrared light", Function.INFRARED)
    y = 710
    drawing.line((440, y), (412, y))
    drawing.resistor(392, y, "220 Ω")
    drawing.line((372, y), (314, y))
    drawing.circle(340, y, 3, INK)
    drawing.line((340, y), (340, y + 8))
    drawing.resistor(340, y + 28, "10 kΩ", upright=True)
    drawing.line((340, y + 48), (340, y + 54))
    drawing.ground(340, y + 54)
    drawing.mosfet(280, y, gate_right=True)
    upper, lower = 668, 716
    drawing.line((280, y - 20), (280, upper), (90, upper))
    drawing.line((232, upper), (232, lower), (90, lower))
    drawing.circle(232, upper, 3, INK)
    for row in (upper, lower):
        drawing.led(196, row, "#d9a5c4", right=True)
        drawing.led(158, row, "#d9a5c4", right=True)
        drawing.resistor(112, row, "22 Ω")
    drawing.line((90, upper), (72, upper), (72, lower), (90, lower))
    drawing.supply(72, upper, "5 V")
    drawing.text(58, 774, "850 nm, 100 mA each; 22 Ω of 0.5 W", size=11, colour=SOFT, anchor="start")


def reset(drawing: Drawing) -> None:
    """The jumper inside."""
    card(drawing, 40, 800, 96, "Reset jumper", Function.RESET, note="inside the case, never on the street")
    drawing.line((440, 862), (330, 862))
    drawing.rect(296, 852, 44, 20, "none", SOFT, rx=4, dash="4 4")
    drawing.circle(326, 862, 5, GOLD, INK)
    drawing.circle(310, 862, 5, GOLD, INK)
    drawing.line((305, 862), (270, 862), (270, 868))
    drawing.ground(270, 868)


def chime(drawing: Drawing) -> None:
    """The chime: a capacitor that lets no ring last, a relay between, and the chime's own circuit beyond it."""
    card(drawing, 800, 96, 500, "Chime", Function.CHIME)
    y = 452
    drawing.line((800, y), (814, y))
    drawing.resistor(834, y, "1 kΩ")
    drawing.line((854, y), (878, y))
    drawing.path(f"M878 {y - 13}v26M885 {y - 13}v26", INK, 2.4)
    drawing.text(872, y - 8, "+", size=12)
    drawing.text(884, y - 20, "4.7 µF", size=11)
    drawing.line((885, y), (996, y))
    for x in (922, 966):
        drawing.circle(x, y, 3, INK)
    drawing.line((922, y), (922, y + 14))
    drawing.resistor(922, y + 34, "120 kΩ", upright=True, side=-1)
    drawing.line((922, y + 54), (922, y + 62))
    drawing.ground(922, y + 62)
    drawing.line((966, y), (966, y + 24))
    drawing.path(f"M956 {y + 42}h20l-10 -18zM956 {y + 24}h20M966 {y + 42}v20", INK, 1.8, WHITE)
    drawing.text(980, y + 54, "1N4148", size=11, anchor="start")
    drawing.ground(966, y + 62)
    drawing.mosfet(1030, y, gate_right=False)
    drawing.line((1030, y - 20), (1030, 396), (930, 396), (930, 352), (950, 352))
    drawing.rect(950, 284, 220, 86, "#e8f0f8", INK)
    drawing.text(1060, 322, "relay board", bold=True)
    drawing.text(1060, 338, "5 V, low-level trigger", size=11, colour=SOFT)
    for label, row in (("VCC", 302), ("GND", 327), ("IN", 352)):
        drawing.text(957, row + 4, label, size=10, anchor="start")
    drawing.line((950, 302), (912, 302))
    drawing.supply(912, 302, "5 V")
    drawing.line((950, 327), (890, 327), (890, 333))
    drawing.ground(890, 333)
    mains(drawing)
    for row, words in enumerate(
        (
            "The capacitor lets only the beginning of a ring through:",
            "left on by a program that hangs, the relay still opens.",
        )
    ):
        drawing.text(818, 560 + 17 * row, words, size=12, colour=SOFT, anchor="start")


def mains(drawing: Drawing) -> None:
    """The chime's own circuit, which touches nothing of ours."""
    red = "#b71c1c"
    drawing.rect(818, 146, 372, 124, "#fdf0ee", red, rx=8, dash="6 4")
    drawing.text(830, 258, "8 to 24 V AC: never on the header", size=11, colour=red, anchor="start")
    drawing.rect(836, 182, 110, 44, WHITE, INK)
    drawing.text(891, 202, "bell", size=12)
    drawing.text(891, 217, "transformer", size=12)
    drawing.rect(1090, 182, 84, 44, WHITE, INK)
    drawing.text(1132, 209, "chime", size=12, bold=True)
    drawing.line((891, 182), (891, 164), (1132, 164), (1132, 182), colour=red, width=2.4)
    drawing.line((946, 204), (1040, 204), (1040, 284), colour=red, width=2.4)
    drawing.line((1132, 226), (1132, 284), colour=red, width=2.4)
    drawing.text(1040, 298, "COM", size=10)
    drawing.text(1132, 298, "NO", size=10)


def ir_cut(drawing: Drawing) -> None:
    """The filter of cameras that have one."""
    card(drawing, 800, 612, 134, "IR-cut filter", Function.IR_CUT, note="only for cameras with a switched filter")
    drawing.line((800, 688), (860, 688))
    drawing.rect(860, 668, 150, 40, WHITE, INK)
    drawing.text(935, 685, "camera, IR-cut input", size=11)
    drawing.text(935, 700, "high at night", size=11, colour=SOFT)
    drawing.text(1024, 692, "ground by the camera's cable", size=11, colour=SOFT, anchor="start")


def legend(drawing: Drawing) -> None:
    """What the signs mean."""
    x = 800
    drawing.rect(x, 762, 400, 134, "none", RULE, rx=8)
    drawing.ground(x + 26, 780)
    drawing.text(x + 50, 793, "this part's own wire to the ground pin named on its card", anchor="start")
    drawing.supply(x + 26, 836, "")
    drawing.text(x + 50, 832, "likewise to the supply pin named there", anchor="start")
    drawing.text(x + 18, 860, "One wire to a pin. Power comes in by USB: 5 V, 2.5 A.", anchor="start")
    drawing.text(x + 18, 880, "Drawn from the pin table of the program: docs/panel.md", colour=SOFT, anchor="start")


PARTS: tuple[Callable[[Drawing], None], ...] = (
    *(pir, button, light, infrared, reset, chime, ir_cut, legend),
    *(board, wires),
)


def draw() -> str:
    """Return the picture."""
    rows = (f"header pin {pin.header}, BCM {pin.bcm}, {pin.function}: {pin.wired}" for pin in TABLE.values())
    drawing = Drawing(WIDTH, HEIGHT, "What is wired to which pin of the Raspberry Pi", ". ".join(rows))
    drawing.text(40, 54, "Sealbell: what is wired to which pin", 24, bold=True, anchor="start")
    drawing.text(40, 78, "Raspberry Pi Zero 2 W; the header is the same on a 3, 4 and 5", 14, SOFT, anchor="start")
    for part in PARTS:
        part(drawing)
    return drawing.svg()


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    (folder / "wiring.svg").write_text(draw(), encoding="utf-8")
