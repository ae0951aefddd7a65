"""What the status light does for each code. Pure: times are handed in.

Every code differs from every other in its rhythm, not only in its colour: one man in twelve cannot tell red from green.
docs/panel.md has this table for people; a test keeps the two equal.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from sealbell.items import LightCode

STEADY_MS = 1_000


class Colour(Enum):
    """Which of the two lights in the one housing are lit: (red, green)."""

    DARK = (False, False)
    RED = (True, False)
    GREEN = (False, True)
    AMBER = (True, True)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A colour and how long it is lit and dark, in turns, in milliseconds, over and over; a steady one has one step."""

    colour: Colour
    steps_ms: tuple[int, ...]
    says: str

    def at(self, since_us: int) -> tuple[Colour, int]:
        """Return the colour `since_us` after the pattern began, and for how many microseconds it stays."""
        left_us = since_us % (sum(self.steps_ms) * 1_000)
        for number, step_ms in enumerate(self.steps_ms):
            left_us -= step_ms * 1_000
            if left_us < 0:
                return (Colour.DARK if number % 2 else self.colour), -left_us
        raise AssertionError("the steps end where they begin anew")


PATTERNS: Mapping[LightCode, Pattern] = {
    LightCode.DARK: Pattern(Colour.DARK, (STEADY_MS,), "switched off, or not running"),
    LightCode.STARTING: Pattern(Colour.AMBER, (500, 500), "starting: no picture yet"),
    LightCode.WATCHING: Pattern(Colour.GREEN, (60, 3_940), "watching; nothing is kept"),
    LightCode.RECORDING: Pattern(Colour.RED, (STEADY_MS,), "recording you"),
    LightCode.RINGING: Pattern(Colour.GREEN, (125, 125), "somebody rang"),
    LightCode.RELAY_AWAY: Pattern(Colour.AMBER, (60, 240, 60, 3_640), "watching; the relay cannot be reached"),
    LightCode.TROUBLE: Pattern(Colour.RED, (120, 180, 120, 180, 120, 1_280), "trouble: ask `sealbell doctor`"),
}
