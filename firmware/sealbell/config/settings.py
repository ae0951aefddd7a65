"""Every key there is, declared once: reading, `sealbell config`, docs/configuration.md and the package's file follow.

Only the standard library: the network process and the doctor read settings too.
"""

# ruff: noqa: RUF009 - what key(), table() and rows() return is a dataclasses.field

from dataclasses import dataclass
from typing import Literal, get_args

from sealbell.config.keys import key, rows, table
from sealbell.config.rules import (
    Choice,
    Days,
    Flag,
    Label,
    Pin,
    Real,
    Source,
    TimeOfDay,
    TimeZone,
    Whole,
)
from sealbell.pins import TABLE, Function

MAX_MASKS = 16
MAX_ZONES = 16
MAX_SCHEDULE_ENTRIES = 32

Mode = Literal["home", "away", "quiet"]
Action = Literal["alert", "record", "ignore"]
MotionSource = Literal["picture", "pir", "either", "both"]

_MODE = Choice(get_args(Mode))
_ACTION = Choice(get_args(Action))
_THOUSANDTHS = "thousandths of the picture"
_EVERY_DAY = tuple(range(7))


def _bcm(function: str) -> int:
    return TABLE[Function(function)].bcm


@dataclass(frozen=True, slots=True)
class Camera:
    """The camera, and how it films."""

    source: str = key(
        Source(), "the Pi's camera, drawn pictures, or a video file in its place; only the first obeys this table",
        "picamera",
    )  # fmt: skip
    width: int = key(Whole(320, 1_920, "pixels", even=True), "of the recorded picture", 1_280)
    height: int = key(Whole(240, 1_080, "pixels", even=True), "of the recorded picture", 720)
    fps: int = key(Whole(5, 30, "pictures per second"), "how smoothly it films", 15)
    bits_per_s: int = key(Whole(250_000, 10_000_000, "bits per second"), "how much video may take", 2_000_000)
    rotate: int = key(Choice((0, 180), "degrees"), "180 for a camera that hangs upside down", 0)


@dataclass(frozen=True, slots=True)
class Night:
    """When it is night, and the infrared light."""

    infrared: bool = key(Flag(), "whether to light the scene at night", True)
    dark_lux: float = key(Real(0, 10_000, "lux"), "night begins below this", 5.0)
    light_lux: float = key(Real(0, 10_000, "lux"), "day begins above this, the doorbell's own light not counted", 20.0)
    hold_s: int = key(Whole(1, 600, "seconds"), "how long it must be dark, or light, before it counts", 10)


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of the picture as it is recorded, from its top left corner."""

    name: str = key(Label(), "what people call it", example="street")
    x: int = key(Whole(0, 999, _THOUSANDTHS), "its left edge", example=0)
    y: int = key(Whole(0, 999, _THOUSANDTHS), "its upper edge", example=0)
    width: int = key(Whole(1, 1_000, _THOUSANDTHS), "from its left edge to the right", example=1_000)
    height: int = key(Whole(1, 1_000, _THOUSANDTHS), "from its upper edge downwards", example=300)


class Mask(Region):
    """What nobody may see: black in every picture, before anything is coded."""


class Zone(Region):
    """Where motion in the picture counts; without any zone, everywhere."""


@dataclass(frozen=True, slots=True)
class Motion:
    """What counts as somebody at the door who does not ring."""

    source: MotionSource = key(
        Choice(get_args(MotionSource)), "motion in the picture, the PIR, one of them, or both at about the same time",
        "picture",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ModeNow:
    """The mode in force. A press rings and is recorded in every mode; the mode decides on motion alone."""

    now: Mode = key(_MODE, "the mode at all times that the schedule says nothing of", "home")
    timezone: str | None = key(TimeZone(), "the clock that the schedule goes by", None)


@dataclass(frozen=True, slots=True)
class Entry:
    """A time of the week with a mode of its own; where entries overlap, the one further down is in force."""

    mode: Mode = key(_MODE, "what is in force then", example="away")
    begins: int = key(
        TimeOfDay(), "when it begins; where the clocks skip this, at the next minute", name="from", example=480
    )
    ends: int = key(
        TimeOfDay(end=True), "when it is over; the next day, if this is not after `from`", name="to", example=1_020
    )
    days: tuple[int, ...] = key(Days(), "on which days it begins", _EVERY_DAY)


@dataclass(frozen=True, slots=True)
class Modes:
    """What motion does: alert (record and call the phone), record (call nobody), ignore (no recording)."""

    home: Action = key(_ACTION, "in the mode home", "alert")
    away: Action = key(_ACTION, "in the mode away", "alert")
    quiet: Action = key(_ACTION, "in the mode quiet", "record")


@dataclass(frozen=True, slots=True)
class Recording:
    """How long a clip is."""

    pre_roll_s: int = key(Whole(0, 10, "seconds"), "what the clip shows from before the trigger", 3)
    post_roll_s: int = key(Whole(1, 60, "seconds"), "how long it goes on after the last trigger", 5)
    max_clip_s: int = key(Whole(10, 300, "seconds"), "a longer one is cut there, and goes on in the next clip", 60)
    fragment_ms: int = key(
        Whole(250, 1_000, "milliseconds"), "the length of a part; a shorter one is sooner at the phone", 1_000
    )


@dataclass(frozen=True, slots=True)
class Outbox:
    """What waits on the card while the relay is away."""

    max_bytes: int = key(Whole(16_000_000, 64_000_000_000, "bytes"), "the oldest is dropped beyond this", 512_000_000)
    min_free_bytes: int = key(Whole(16_000_000, 8_000_000_000, "bytes"), "what is left free on the card", 16_000_000)


@dataclass(frozen=True, slots=True)
class Pins:
    """What is wired to which pin of the header; "none" for a part that is not fitted."""

    button: int | None = key(Pin(), "the bell's button", _bcm("button"))
    reset: int | None = key(Pin(), "the reset button inside the case", _bcm("reset"))
    pir: int | None = key(Pin(), "the PIR sensor", _bcm("pir"))
    light_red: int | None = key(Pin(), "the status light, red", _bcm("light_red"))
    light_green: int | None = key(Pin(), "the status light, green", _bcm("light_green"))
    infrared: int | None = key(Pin(), "the infrared light", _bcm("infrared"))
    ir_cut: int | None = key(Pin(), "the IR-cut filter", _bcm("ir_cut"))
    chime: int | None = key(Pin(), "the chime's relay", _bcm("chime"))


@dataclass(frozen=True, slots=True)
class Panel:
    """How button and chime behave."""

    debounce_ms: int = key(Whole(5, 100, "milliseconds"), "a press shorter than this is noise", 20)
    stuck_s: int = key(Whole(5, 600, "seconds"), "a button that is down for longer is reported as stuck", 30)
    chime_ms: int = key(Whole(50, 500, "milliseconds"), "how long the chime's relay is closed", 250)


@dataclass(frozen=True, slots=True)
class Settings:
    """All there is to set, checked."""

    camera: Camera = table(Camera)
    night: Night = table(Night)
    masks: tuple[Mask, ...] = rows("mask", Mask, MAX_MASKS)
    zones: tuple[Zone, ...] = rows("zone", Zone, MAX_ZONES)
    motion: Motion = table(Motion)
    mode: ModeNow = table(ModeNow)
    schedule: tuple[Entry, ...] = rows("schedule", Entry, MAX_SCHEDULE_ENTRIES)
    modes: Modes = table(Modes)
    recording: Recording = table(Recording)
    outbox: Outbox = table(Outbox)
    pins: Pins = table(Pins)
    panel: Panel = table(Panel)
