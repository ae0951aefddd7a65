"""A panel whose button the test presses, and which remembers what it showed."""

import threading
from collections.abc import Callable

from sealbell.items import Condition, Felt, LightCode, Presence, Press, Trouble
from sealbell.seams import Clock
from sealbell_testing.waiting import DEADLINE_S


class HandPanel:
    """A Panel above its pins: a press is one press here. Bounce and stuck contacts are the GPIO panel's to tell apart.

    What is pressed before `start` or after `stop` is felt by nobody and rings nothing.
    """

    def __init__(self, clock: Clock) -> None:
        """Presses bear the time of `clock`."""
        self._clock = clock
        self._changed = threading.Condition()
        self._sink: Callable[[Felt], None] | None = None
        self.lights: list[LightCode] = [LightCode.DARK]
        self.chimes = 0
        self.infrared_on = False

    def press(self) -> None:
        """Press the bell: the chime rings, whatever hangs behind it."""
        self._feel(Press(self._clock.now_us()))

    def presence(self, present: bool) -> None:
        """Let the PIR begin or cease to see somebody."""
        self._feel(Presence(self._clock.now_us(), present))

    def stuck(self, present: bool) -> None:
        """Let the button be found stuck, or free again."""
        self._feel(Condition(self._clock.now_us(), Trouble.BUTTON_STUCK, present))

    @property
    def listens(self) -> bool:
        """Whether a press is felt: the doorbell has started and not stopped."""
        return self._sink is not None

    @property
    def light(self) -> LightCode:
        """What the status light shows now."""
        return self.lights[-1]

    def waits_for_light(self, code: LightCode) -> None:
        """Return once the status light has shown `code` at any time; AssertionError if it does not."""
        with self._changed:
            shown = self._changed.wait_for(lambda: code in self.lights, DEADLINE_S)
            assert shown, f"the light never showed {code}, only {', '.join(self.lights)}"

    def start(self, sink: Callable[[Felt], None]) -> None:
        """See Panel."""
        with self._changed:
            self._sink = sink

    def show(self, code: LightCode) -> None:
        """See Panel."""
        with self._changed:
            if code != self.lights[-1]:
                self.lights.append(code)
            self._changed.notify_all()

    def chime(self) -> None:
        """See Panel."""
        with self._changed:
            self.chimes += 1

    def infrared(self, *, on: bool) -> None:
        """See Panel."""
        self.infrared_on = on

    def stop(self) -> None:
        """See Panel."""
        with self._changed:
            self._sink = None
        self.show(LightCode.DARK)
        self.infrared(on=False)

    def _feel(self, felt: Felt) -> None:
        with self._changed:
            sink = self._sink
        if sink is None:
            return
        if isinstance(felt, Press):
            self.chime()
        sink(felt)
