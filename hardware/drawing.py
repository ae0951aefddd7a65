"""Shapes and the signs of circuits, as SVG. Standard library only, and the same bytes every time."""

from html import escape

INK, SOFT, RULE, PAPER, WHITE = "#1d2733", "#556270", "#c9cfd6", "#f7f5f0", "#ffffff"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', Arial, sans-serif"


class Drawing:
    """Collects shapes; coordinates in pixels from the top left corner."""

    def __init__(self, width: int, height: int, title: str, description: str) -> None:
        self._shapes = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" role="img" aria-labelledby="title description" font-family="{FONT}">',
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="description">{escape(description)}</desc>',
            f'<rect width="{width}" height="{height}" rx="14" fill="{PAPER}"/>',
        ]

    def rect(
        self, x: int, y: int, width: int, height: int, fill: str, stroke: str = "none", rx: int = 6, dash: str = "none"
    ) -> None:
        """Draw a box."""
        self._shapes.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="{rx}" fill="{fill}" stroke="{stroke}" '
            f'stroke-width="1.5" stroke-dasharray="{dash}"/>'
        )

    def circle(self, x: int, y: int, r: int, fill: str, stroke: str = "none") -> None:
        """Draw a disc."""
        self._shapes.append(f'<circle cx="{x}" cy="{y}" r="{r}" fill="{fill}" stroke="{stroke}" stroke-width="1.5"/>')

    def path(self, outline: str, colour: str = INK, width: float = 1.8, fill: str = "none") -> None:
        """Draw an outline."""
        self._shapes.append(
            f'<path d="{outline}" fill="{fill}" stroke="{colour}" stroke-width="{width}" stroke-linejoin="round" '
            'stroke-linecap="round"/>'
        )

    def line(self, *points: tuple[int, int], colour: str = INK, width: float = 1.8) -> None:
        """Draw a line through points."""
        self.path("M" + "L".join(f"{x} {y}" for x, y in points), colour, width)

    def text(
        self, x: int, y: int, line: str, size: int = 12, colour: str = INK, bold: bool = False, anchor: str = "middle"
    ) -> None:
        """Write a line on the baseline `y`."""
        weight = ' font-weight="600"' if bold else ""
        self._shapes.append(
            f'<text x="{x}" y="{y}" font-size="{size}" fill="{colour}" text-anchor="{anchor}"{weight}>'
            f"{escape(line)}</text>"
        )

    def svg(self) -> str:
        """Return the picture."""
        return "\n".join([*self._shapes, "</svg>"]) + "\n"

    def ground(self, x: int, y: int) -> None:
        """Draw the sign of a card's ground, hanging from (x, y)."""
        self.path(f"M{x} {y}v8M{x - 9} {y + 8}h18M{x - 5} {y + 12}h10M{x - 2} {y + 16}h4")

    def supply(self, x: int, y: int, volts: str) -> None:
        """Draw an arrow up to a supply, standing on (x, y)."""
        self.path(f"M{x} {y}v-12M{x - 5} {y - 7}l5 -6l5 6")
        self.text(x, y - 17, volts, size=11)

    def resistor(self, x: int, y: int, ohms: str, upright: bool = False, side: int = 1) -> None:
        """Draw a resistor of length 40 whose middle is (x, y); upright, its value stands to the right or left."""
        if upright:
            self.rect(x - 7, y - 20, 14, 40, WHITE, INK, rx=2)
            self.text(x + 12 * side, y + 4, ohms, size=11, anchor="start" if side > 0 else "end")
        else:
            self.rect(x - 20, y - 7, 40, 14, WHITE, INK, rx=2)
            self.text(x, y - 12, ohms, size=11)

    def led(self, x: int, y: int, colour: str, right: bool = False) -> None:
        """Draw a light whose middle is (x, y), current to the left or to the right."""
        way = 9 if right else -9
        self.path(f"M{x - way} {y - 9}v18l{2 * way} -9z", INK, 1.8, colour)
        self.path(f"M{x + way} {y - 9}v18M{x - 2} {y - 13}l-6 -7M{x + 6} {y - 13}l-6 -7")

    def mosfet(self, x: int, y: int, gate_right: bool) -> None:
        """Draw a MOSFET around (x, y): gate at the side, drain above, source to ground."""
        self.rect(x - 34, y - 20, 68, 40, WHITE, INK)
        self.text(x, y + 4, "IRLZ44N", size=11, bold=True)
        self.text(x + (28 if gate_right else -28), y - 8, "G", size=9, colour=SOFT)
        self.text(x + 8, y - 10, "D", size=9, colour=SOFT)
        self.text(x + 8, y + 17, "S", size=9, colour=SOFT)
        self.line((x, y + 20), (x, y + 28))
        self.ground(x, y + 28)
