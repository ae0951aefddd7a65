"""Day or night: when to expose for the dark and light the door with infrared. Pure; readings in, a decision out.

The trap: our own light brightens what the camera measures. So by night a reading is ambient light plus ours, and ours
is not known: it is as large as the porch is close. It is learnt when it was switched on (what was measured more than
before) and unlearnt downwards ever after (ambient light is at least none, so ours is at most the darkest reading).
What remains of a reading is ambient light, and it alone decides on the dawn.

What may still deceive: somebody who stands close shines in our light; without the infrared filter the sensor sees more
of sunlight. Then a dawn is false, and is found out by day: it is dark again at once. A dawn after a false one must be
twice as bright, and so on (MAX_DOUBT_TIMES), so nothing swings for ever; a day that lasted makes good for all of it.

Every switch needs readings on one side of its threshold for as long as `hold_us`: headlights and clouds are shorter.
Readings right after a switch are not looked at: exposure, light and filter are still settling.
"""

from dataclasses import dataclass

from sealbell.items import Light

SETTLE_US = 5_000_000
FALSE_DAWN_US = 600_000_000
MAX_DOUBT_TIMES = 8


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Darker than `dark_lux` is night, brighter than `light_lux` is day, between them all stays as it is."""

    dark_lux: float
    light_lux: float
    hold_us: int

    def __post_init__(self) -> None:
        """Refuse, with ValueError, what would swing."""
        if not (0 <= self.dark_lux < self.light_lux and self.hold_us >= 0):
            raise ValueError("night needs 0 <= dark_lux < light_lux, and a time to hold that is not negative")


class Night:
    """Whether it is night. It is day until shown otherwise."""

    def __init__(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self._night = False
        self._switched_us: int | None = None
        self._since_us: int | None = None  # when readings came to the other side of the threshold
        self._ambient_lux = 0.0  # the newest that was measured by day
        self._ours_lux: float | None = None  # what of a reading is our own light; None until learnt
        self._doubt_times = 1

    @property
    def night(self) -> bool:
        """Whether it is night."""
        return self._night

    def step(self, light: Light) -> bool:
        """Take the next reading; True if day and night have just changed, and everything is to be switched."""
        if self._switched_us is not None and light.t_us - self._switched_us < SETTLE_US:
            return False
        if not (self._is_dawn(light) if self._night else self._is_dusk(light)):
            self._since_us = None
            return False
        if self._since_us is None:
            self._since_us = light.t_us
        if light.t_us - self._since_us < self._thresholds.hold_us:
            return False
        self._switch(light.t_us)
        return True

    def _is_dusk(self, light: Light) -> bool:
        self._ambient_lux = light.lux
        return light.lux < self._thresholds.dark_lux

    def _is_dawn(self, light: Light) -> bool:
        if self._ours_lux is None:
            self._ours_lux = max(0.0, light.lux - self._ambient_lux)
        self._ours_lux = min(self._ours_lux, light.lux)
        return light.lux - self._ours_lux > self._thresholds.light_lux * self._doubt_times

    def _switch(self, t_us: int) -> None:
        if not self._night and self._switched_us is not None:
            false_dawn = t_us - self._switched_us < FALSE_DAWN_US
            self._doubt_times = min(2 * self._doubt_times, MAX_DOUBT_TIMES) if false_dawn else 1
        self._night = not self._night
        self._switched_us, self._since_us, self._ours_lux = t_us, None, None
