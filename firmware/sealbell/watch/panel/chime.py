"""How long the chime's relay is closed. Pure: times are handed in.

A solenoid of a chime burns out, and a household goes mad, if it is held. So a ring is one pulse, a ring during a pulse
or during the rest after it is that same ring, and no setting makes a pulse longer than MAX_PULSE_US.
"""

PULSE_US = 250_000
MAX_PULSE_US = 500_000
PERIOD_US = 1_000_000  # from the beginning of a ring to that of the next


class Chime:
    """Silent until it is rung."""

    def __init__(self, pulse_us: int = PULSE_US) -> None:
        self._pulse_us = min(pulse_us, MAX_PULSE_US)
        self._rang_us: int | None = None

    def ring(self, t_us: int) -> None:
        """Begin a pulse, unless the last one began less than PERIOD_US ago."""
        if self._rang_us is None or t_us - self._rang_us >= PERIOD_US:
            self._rang_us = t_us

    def closed(self, t_us: int) -> bool:
        """Whether the relay is closed at `t_us`."""
        return self._rang_us is not None and t_us - self._rang_us < self._pulse_us

    def due_us(self, t_us: int) -> int | None:
        """Return when the relay must open, or None if it is open."""
        return self._rang_us + self._pulse_us if self._rang_us is not None and self.closed(t_us) else None
