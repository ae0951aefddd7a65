"""The one pin table: what is wired to which pin of a Raspberry Pi's header of 40. Code, docs and drawing share it.

Numbers are Broadcom's (BCM), as gpiozero and the settings file count them; `header` is the place on the board. Of the
40 the BCM numbers 2 to 27 are free to use; 0 and 1 belong to the board's EEPROM.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum


class PinError(Exception):
    """Pins were chosen that cannot be used, or one of them twice."""


class Function(StrEnum):
    """What a pin is for: the names of the settings' table [pins]."""

    BUTTON = "button"
    RESET = "reset"
    PIR = "pir"
    LIGHT_RED = "light_red"
    LIGHT_GREEN = "light_green"
    INFRARED = "infrared"
    IR_CUT = "ir_cut"
    CHIME = "chime"


class Direction(StrEnum):
    """Seen from the Raspberry Pi."""

    IN = "in"
    OUT = "out"


class Pull(StrEnum):
    """The resistor inside the chip that holds a pin which nothing drives."""

    UP = "up"
    DOWN = "down"
    NONE = "none"


class Level(StrEnum):
    """The voltage that means pressed, seen, or on: near 0 V, or near 3.3 V."""

    LOW = "low"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Pin:
    """One row of the table. `wired` says what hangs on the pin, `note` what to know about it.

    `also` are the header pins that give the part its supply and ground; each is one wire's.
    """

    function: Function
    bcm: int
    direction: Direction
    pull: Pull
    active: Level
    wired: str
    also: tuple[int, ...]
    note: str

    @property
    def header(self) -> int:
        """The pin's place on the header, 1 to 40."""
        return HEADER[self.bcm]


# Raspberry Pi's documentation, "GPIO and the 40-pin header": the same on every model since the B+.
HEADER: Mapping[int, int] = {
    2: 3, 3: 5, 4: 7, 14: 8, 15: 10, 17: 11, 18: 12, 27: 13, 22: 15, 23: 16, 24: 18, 10: 19, 9: 21, 25: 22,
    11: 23, 8: 24, 7: 26, 5: 29, 6: 31, 12: 32, 13: 33, 19: 35, 16: 36, 26: 37, 20: 38, 21: 40,
}  # fmt: skip
POWER_3V3 = (1, 17)
POWER_5V = (2, 4)
GROUND = (6, 9, 14, 20, 25, 30, 34, 39)
EEPROM = (27, 28)  # BCM 0 and 1: never to be wired

# Buses that an overlay or a setting may give the pin to, and then it is no longer ours.
BUSES: Mapping[str, frozenset[int]] = {
    "I2C": frozenset({2, 3}),
    "serial console": frozenset({14, 15}),
    "SPI": frozenset({7, 8, 9, 10, 11}),
    "digital audio": frozenset({18, 19, 20, 21}),
}

# Outputs are active high on pins that the chip pulls down at reset (BCM 9 and up): dark and silent while it boots.
PINS = (
    Pin(
        *(Function.BUTTON, 17, Direction.IN, Pull.UP, Level.LOW),
        "bell button to ground, through 1 kΩ; 10 kΩ to 3.3 V, 100 nF to ground",
        (17, 9),
        "the RC filter keeps sparks and radio out; bounce is software's",
    ),
    Pin(
        *(Function.RESET, 26, Direction.IN, Pull.UP, Level.LOW),
        "jumper to ground, inside the case",
        (39,),
        "never on the street; nothing obeys it yet",
    ),
    Pin(
        *(Function.PIR, 4, Direction.IN, Pull.DOWN, Level.HIGH),
        "OUT of an AM312, fed with 3.3 V",
        (1, 6),
        "switch 1-Wire off in raspi-config: it uses this pin",
    ),
    Pin(
        *(Function.LIGHT_RED, 27, Direction.OUT, Pull.NONE, Level.HIGH),
        "red anode of the status light, through 330 Ω",
        (20,),
        "a two-colour light with a common cathode to ground",
    ),
    Pin(
        *(Function.LIGHT_GREEN, 24, Direction.OUT, Pull.NONE, Level.HIGH),
        "green anode of the status light, through 330 Ω",
        (),
        "red and green together are amber",
    ),
    Pin(
        *(Function.INFRARED, 22, Direction.OUT, Pull.NONE, Level.HIGH),
        "gate of the infrared light's MOSFET, through 220 Ω; 10 kΩ to ground",
        (2, 25),
        "850 nm LEDs on 5 V, two in a row with 22 Ω",
    ),
    Pin(
        *(Function.IR_CUT, 25, Direction.OUT, Pull.NONE, Level.HIGH),
        "control input of a camera with a switched IR-cut filter",
        (),
        "high takes the filter out; Camera Module 3 NoIR has none: leave it open",
    ),
    Pin(
        *(Function.CHIME, 23, Direction.OUT, Pull.NONE, Level.HIGH),
        "gate of the chime's MOSFET, through 1 kΩ and 4.7 µF; 120 kΩ and a diode to ground",
        (4, 14),
        "pulls IN of the relay board low; the capacitor ends every ring, whatever the pin does",
    ),
)
TABLE: Mapping[Function, Pin] = {pin.function: pin for pin in PINS}


def assign(numbers: Mapping[Function, int | None]) -> dict[Function, Pin]:
    """Return the table with the pins that were chosen; what is None is not fitted, what is left out stays as it is.

    PinError if a number is none of a usable pin, or is there twice.
    """
    chosen = {function: numbers.get(function, pin.bcm) for function, pin in TABLE.items()}
    pins = {function: replace(TABLE[function], bcm=bcm) for function, bcm in chosen.items() if bcm is not None}
    check(pins.values())
    return pins


def check(pins: Iterable[Pin]) -> None:
    """PinError if a pin is none that can be used, or serves two functions."""
    taken: dict[int, Function] = {}
    for pin in pins:
        if pin.bcm not in HEADER:
            raise PinError(f"{pin.function}: there is no pin BCM {pin.bcm}\nhint: BCM 2 to 27 can be used")
        if pin.bcm in taken:
            raise PinError(
                f"{pin.function}: BCM {pin.bcm} is {taken[pin.bcm]} already\nhint: give each part a pin of its own"
            )
        taken[pin.bcm] = pin.function


def shared(pins: Iterable[Pin]) -> list[str]:
    """Return a line for each pin that a bus of the Raspberry Pi takes away when it is switched on."""
    return [
        f"{pin.function}: BCM {pin.bcm} is {bus}'s where that is switched on"
        for pin in pins
        for bus, numbers in BUSES.items()
        if pin.bcm in numbers
    ]
