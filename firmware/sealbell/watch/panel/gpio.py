"""The panel on a Raspberry Pi's pins, and the only module that knows gpiozero.

Two stages of the process run it. One feels: button and PIR, and whoever listens to them. The other shows: the light's
rhythm and the end of the chime's pulse. The one that feels rings the chime before it tells anybody of a press, and
each of the two opens the chime's relay when it is time, so neither can keep it closed by hanging.

gpiozero's own debounce is not used, since it loses presses (gpiozero #550), nor are its events, since lgpio made some
up (#1090). We take raw edges with the kernel's times and look at the level ourselves: see debounce.py.
"""

import atexit
import logging
import warnings
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import RLock
from typing import Any

from sealbell.items import Condition, Felt, LightCode, Presence, Press
from sealbell.pins import Direction, Function, Level, Pin, Pull
from sealbell.seams import Clock, DeviceError
from sealbell.watch.panel.chime import PULSE_US, Chime
from sealbell.watch.panel.debounce import FELT_US, LOOK_US, STUCK_US, Debounce
from sealbell.watch.panel.light import PATTERNS
from sealbell.watch.panel.turns import Turns

Spawn = Callable[[str, Callable[[Callable[[], None]], None]], None]

MAX_EDGES = 1_024  # that wait for a turn; of more the oldest go, and looking at the level makes up for them
MAX_LATE_US = 10_000_000
RESTING_US = 1_000_000
_log = logging.getLogger(__name__)


class PanelError(DeviceError):
    """The panel's pins cannot be had."""


@dataclass(frozen=True, slots=True)
class Habits:
    """How button and chime behave, in microseconds."""

    felt_us: int = FELT_US
    stuck_us: int = STUCK_US
    pulse_us: int = PULSE_US


def read_inputs(pins: Mapping[Function, Pin], factory: Any = None) -> dict[Function, bool]:
    """Return which inputs are active: button down, jumper set, somebody seen; PanelError if a pin cannot be had."""
    inputs = _open(pins, _inputs(pins), factory)
    try:
        return {function: bool(device.is_active) for function, device in inputs.items()}
    finally:
        _close(inputs)


class GpioPanel:
    """Holds its pins from the beginning, every output dark, until `stop` or the end of the process."""

    def __init__(
        self,
        pins: Mapping[Function, Pin],
        clock: Clock,
        spawn: Spawn,
        habits: Habits = Habits(),
        factory: Any = None,
    ) -> None:
        """`spawn` starts a stage (Supervisor.spawn); `factory` makes pins, gpiozero's choice if None. PanelError."""
        factory = factory or _driver()
        self._clock = clock
        self._spawn = spawn
        self._habits = habits
        self._ticks = factory
        self._outputs = _open(pins, [f for f, pin in pins.items() if pin.direction is Direction.OUT], factory)
        try:
            self._inputs = _open(pins, [f for f in _inputs(pins) if f is not Function.RESET], factory)
        except PanelError:
            _close(self._outputs)
            raise
        self._lit: dict[Function, bool] = {}
        self._button = pins.get(Function.BUTTON)
        self._edges: deque[tuple[int, bool]] = deque(maxlen=MAX_EDGES)
        self._lock = RLock()  # a signal may call stop in the midst of any call
        self._stopped = False
        self._sink: Callable[[Felt], None] | None = None
        self._contact: Debounce | None = None
        self._present = False
        self._chime = Chime(habits.pulse_us)
        self._code, self._code_us = LightCode.DARK, clock.now_us()
        self._feeling, self._showing = Turns(clock, self.feel), Turns(clock, self.light)
        atexit.register(self.stop)

    def start(self, sink: Callable[[Felt], None]) -> None:
        """Feel and show from now on, in two stages of their own."""
        with self._lock:
            if self._stopped:
                return
            self._sink = sink
            if Function.BUTTON in self._inputs:
                pin = self._inputs[Function.BUTTON].pin
                pin.edges = "both"
                pin.when_changed = self._moved
                self._contact = Debounce(
                    self._clock.now_us(),
                    closed=self._active(Function.BUTTON),
                    felt_us=self._habits.felt_us,
                    stuck_us=self._habits.stuck_us,
                )
        self._spawn("panel", self._feeling.run)
        self._spawn("light", self._showing.run)

    def show(self, code: LightCode) -> None:
        """Let the light take up the rhythm of `code`; one that is shown already goes on undisturbed."""
        with self._lock:
            if code is self._code:
                return
            self._code, self._code_us = code, self._clock.now_us()
        self._showing.wake()

    def chime(self) -> None:
        """Close the chime's relay for a pulse, once a second at most."""
        with self._lock:
            self._chime.ring(self._clock.now_us())
            self._drive_chime()
        self._showing.wake()

    def infrared(self, *, on: bool) -> None:
        """Switch the infrared light and move the filter."""
        with self._lock:
            self._set(Function.INFRARED, on)
            self._set(Function.IR_CUT, on)

    def stop(self) -> None:
        """Let go of every pin, outputs dark."""
        self._sink = None
        with self._lock:
            if not self._stopped:
                self._stopped = True
                _close(self._outputs)
                _close(self._inputs)
        self._feeling.stop()
        self._showing.stop()
        atexit.unregister(self.stop)

    def feel(self) -> int:
        """Take a turn at button and PIR; return when the next is due, in microseconds of the clock."""
        with self._lock:
            if self._stopped:
                return self._clock.now_us() + RESTING_US
            came = [*self._button_moves(), *self._pir_moves()]
            now_us = self._clock.now_us()
            if any(isinstance(item, Press) for item in came):
                self._chime.ring(now_us)
            self._drive_chime()
            due_us = self._contact.due_us(now_us) if self._contact else now_us + LOOK_US
        if self._chime.closed(now_us):
            self._showing.wake()
        for item in came:
            if sink := self._sink:
                sink(item)
        return due_us

    def light(self) -> int:
        """Take a turn at light and chime; return when the next is due, in microseconds of the clock."""
        with self._lock:
            now_us = self._clock.now_us()
            if self._stopped:
                return now_us + RESTING_US
            colour, for_us = PATTERNS[self._code].at(now_us - self._code_us)
            red, green = colour.value
            self._set(Function.LIGHT_RED, red)
            self._set(Function.LIGHT_GREEN, green)
            self._drive_chime()
            return min(now_us + for_us, self._chime.due_us(now_us) or now_us + for_us)

    def _button_moves(self) -> list[Press | Condition]:
        if self._contact is None:
            return []
        came: list[Press | Condition] = []
        while self._edges:
            t_us, closed = self._edges.popleft()
            came += self._contact.edge(t_us, closed=closed)
        return came + self._contact.look(self._clock.now_us(), closed=self._active(Function.BUTTON))

    def _pir_moves(self) -> list[Presence]:
        # No edges here: a PIR holds its output for seconds, and one whose wire is off cannot flood us this way.
        if Function.PIR not in self._inputs or self._active(Function.PIR) == self._present:
            return []
        self._present = not self._present
        return [Presence(self._clock.now_us(), self._present)]

    def _moved(self, ticks: Any, state: Any) -> None:
        """Take an edge, on a thread of the driver's."""
        now_us = self._clock.now_us()
        late_us = round(self._ticks.ticks_diff(self._ticks.ticks(), ticks) * 1e6)
        happened_us = now_us - late_us if 0 <= late_us <= MAX_LATE_US else now_us  # some kernels count from elsewhere
        assert self._button
        self._edges.append((happened_us, bool(state) == (self._button.active is Level.HIGH)))
        self._feeling.wake()

    def _active(self, function: Function) -> bool:
        return bool(self._inputs[function].is_active)

    def _drive_chime(self) -> None:
        self._set(Function.CHIME, self._chime.closed(self._clock.now_us()))

    def _set(self, function: Function, on: bool) -> None:
        if not self._stopped and function in self._outputs and self._lit.get(function, False) != on:
            self._outputs[function].value = self._lit[function] = on


def _inputs(pins: Mapping[Function, Pin]) -> list[Function]:
    return [function for function, pin in pins.items() if pin.direction is Direction.IN]


def _close(devices: Mapping[Function, Any]) -> None:
    for function, device in devices.items():
        try:
            if hasattr(device, "off"):
                device.off()
            device.close()
        except Exception as error:  # a driver raises what it likes, and the others must go dark too
            _log.warning("panel: %s could not be let go: %s", function, type(error).__name__)


def _open(pins: Mapping[Function, Pin], functions: list[Function], factory: Any) -> dict[Function, Any]:
    import gpiozero  # type: ignore[import-untyped]  # noqa: PLC0415 - it has no types, and is missed off a Pi only

    factory = factory or _driver()
    devices: dict[Function, Any] = {}
    for function in functions:
        pin = pins[function]
        try:
            if pin.direction is Direction.OUT:
                high = pin.active is Level.HIGH
                devices[function] = gpiozero.OutputDevice(pin.bcm, active_high=high, pin_factory=factory)
            else:
                floats = pin.pull is Pull.NONE
                devices[function] = gpiozero.InputDevice(
                    pin.bcm,
                    pull_up=None if floats else pin.pull is Pull.UP,
                    active_state=pin.active is Level.HIGH if floats else None,
                    pin_factory=factory,
                )
        except Exception as error:  # gpiozero has a tree of its own, and lgpio raises a bare Exception
            _close(devices)
            raise PanelError(
                f"{function}: BCM {pin.bcm} (header pin {pin.header}) cannot be had: {error}\n"
                "hint: is it another program's? compare [pins] in the settings with hardware/wiring.svg"
            ) from None
    return devices


def _driver() -> Any:
    """Return gpiozero's choice of a driver for the pins; PanelError if there is none."""
    try:
        import gpiozero  # noqa: PLC0415 - as above
    except ImportError:
        raise PanelError("gpiozero is not installed\nhint: apt-get install python3-gpiozero python3-lgpio") from None
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            gpiozero.Device.ensure_pin_factory()
        except Exception as error:  # whatever the drivers raise: there are four, and each is tried
            tried = "; ".join(str(warning.message) for warning in told) or str(error)
            raise PanelError(
                f"no driver for the pins: {tried}\nhint: on a Raspberry Pi: apt-get install python3-lgpio; "
                "lgpio must be able to write to its folder (LG_WD) and to open /dev/gpiochip0"
            ) from None
    for warning in told:
        _log.warning("panel: %s", warning.message)
    return gpiozero.Device.pin_factory
