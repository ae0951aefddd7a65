"""The pins of a Raspberry Pi that a test moves: gpiozero's own pins for tests, with the kernel's times by hand."""

from collections.abc import Callable
from types import SimpleNamespace

from gpiozero.pins.mock import MockFactory, MockPin

from sealbell.items import Felt
from sealbell.pins import TABLE, Function, Level
from sealbell.watch.panel.gpio import GpioPanel
from sealbell_testing.clock import HandClock

ZERO_2_W = "902120"


class HandPin(MockPin):
    """Tells of an edge as the kernel does: with the time at which it happened."""

    def _call_when_changed(self) -> None:
        super(MockPin, self)._call_when_changed(self.factory.ticks() - self.factory.late_s, self.state)


class HandPins(MockFactory):
    """Every edge comes `late_s` after it happened."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__(revision=ZERO_2_W, pin_class=HandPin)
        self._clock = clock
        self.late_s = 0.0

    def ticks(self) -> float:
        return self._clock.now_us() / 1e6


class Door:
    """A panel on such pins, a finger, and time. `spawned` are the stages that the panel asked for."""

    def __init__(self, **chosen: object) -> None:
        self.clock = HandClock()
        self.factory = HandPins(self.clock)
        self.spawned: list[str] = []
        self.felt: list[Felt] = []
        self.panel = GpioPanel(TABLE, self.clock, self._spawn, factory=self.factory, **chosen)
        self._due_us = dict.fromkeys((self.panel.feel, self.panel.light), 0)
        self.turns = 0

    def start(self, sink: Callable[[Felt], None] | None = None) -> "Door":
        self.panel.start(sink or self.felt.append)
        self.settle()
        return self

    def _spawn(self, name: str, _: object) -> None:
        self.spawned.append(name)

    def settle(self) -> None:
        """Both stages take a turn, as if woken."""
        for turn in self._due_us:
            self._take(turn)

    def pass_us(self, us: int) -> None:
        """Let time pass; the stages take their turns when they are due."""
        end_us = self.clock.now_us() + us
        while True:
            turn = min(self._due_us, key=lambda each: self._due_us[each])
            due_us = self._due_us[turn]
            if due_us > end_us:
                break
            self.clock.pass_us(max(0, due_us - self.clock.now_us()))
            self._take(turn)
        self.clock.pass_us(end_us - self.clock.now_us())

    def _take(self, turn: Callable[[], int]) -> None:
        self.turns += 1
        assert self.turns < 10_000_000
        self._due_us[turn] = turn()

    def drive(self, function: Function, active: bool) -> None:
        """Put an input where it is active, or not."""
        pin = self.factory.pin(TABLE[function].bcm)
        (pin.drive_high if active == (TABLE[function].active is Level.HIGH) else pin.drive_low)()

    def button(self, down: bool) -> None:
        """Move the button, and let the stage that feels be woken by it."""
        self.drive(Function.BUTTON, down)
        self.settle()

    def press(self, held_us: int = 100_000, away_us: int = 100_000) -> None:
        """Press the bell and let go of it."""
        self.button(True)
        self.pass_us(held_us)
        self.button(False)
        self.pass_us(away_us)

    def lit(self, function: Function) -> bool:
        """Say whether an output is on; one that was let go of is not."""
        pin = self.factory.pin(TABLE[function].bcm)
        return pin.function == "output" and pin.state == (TABLE[function].active is Level.HIGH)

    @property
    def lights(self) -> SimpleNamespace:
        """Every output by its name."""
        outputs = ("light_red", "light_green", "infrared", "ir_cut", "chime")
        return SimpleNamespace(**{name: self.lit(Function(name)) for name in outputs})
