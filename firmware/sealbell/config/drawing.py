"""How drawn pictures are asked for: WxH@FPS:BITS, in the settings and on the command line."""

import re
from typing import NamedTuple

MAX_FPS = 60
_DRAWING = re.compile(r"([0-9]{2,4})x([0-9]{2,4})@([0-9]{1,2}):([0-9]{5,8})", re.ASCII)


class Drawing(NamedTuple):
    """Pixels, pictures a second, bits a second."""

    width: int
    height: int
    fps: int
    bits_per_s: int


def read_drawing(text: str) -> Drawing:
    """Return what is asked for; ValueError with a reason if it cannot be drawn."""
    if not (match := _DRAWING.fullmatch(text)):
        raise ValueError("is not WxH@FPS:BITS, such as 1280x720@30:2000000")
    drawing = Drawing(*map(int, match.groups()))
    if drawing.width % 2 or drawing.height % 2 or not 1 <= drawing.fps <= MAX_FPS:
        raise ValueError(f"takes an even width and height, and 1 to {MAX_FPS} pictures a second")
    return drawing
