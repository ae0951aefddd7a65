"""What travels between stages. Frozen, so that a thread may hand it to another and forget it.

All times `*_us` are microseconds of the doorbell's monotonic clock (of the file itself, on footage).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sealbell_wire.content import NoticeKind, Trigger
from sealbell_wire.report import Link

Luma = NDArray[np.uint8]
Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """Size of the main stream in pixels."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Frame:
    """One lores frame: `luma` is (240, 320)."""

    t_us: int
    luma: Luma


@dataclass(frozen=True, slots=True)
class Packet:
    """One encoded picture: an H.264 access unit in Annex B, with SPS and PPS before every keyframe."""

    t_us: int
    data: bytes
    keyframe: bool


@dataclass(frozen=True, slots=True)
class Press:
    """Somebody pressed the bell."""

    t_us: int


@dataclass(frozen=True, slots=True)
class Presence:
    """The PIR began (or ceased) to see somebody warm."""

    t_us: int
    present: bool


@dataclass(frozen=True, slots=True)
class Light:
    """How bright the scene is, in lux, as the camera measured it."""

    t_us: int
    lux: float


class Trouble(StrEnum):
    """What can be wrong at the doorbell: shown by the light and the log, told by health (wire/SPEC.md)."""

    BUTTON_STUCK = "button-stuck"
    CAMERA_STALLED = "camera-stalled"
    CAMERA_FAILING = "camera-failing"
    PICTURES_LOST = "pictures-lost"
    OUTBOX_FULL = "outbox-full"
    OUTBOX_DAMAGED = "outbox-damaged"
    CARD_FAILING = "card-failing"
    RELAY_AWAY = "relay-away"
    UNDERVOLTAGE = "undervoltage"
    THROTTLED = "throttled"
    CLOCK_UNSYNCED = "clock-unsynced"


@dataclass(frozen=True, slots=True)
class Condition:
    """A trouble began, or is over."""

    t_us: int
    trouble: Trouble
    present: bool


class LightCode(StrEnum):
    """What the status light can say (docs/panel.md has the table for people)."""

    DARK = "dark"
    STARTING = "starting"
    WATCHING = "watching"
    RECORDING = "recording"
    RINGING = "ringing"
    RELAY_AWAY = "relay-away"
    TROUBLE = "trouble"


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of the picture, in thousandths of its width and height from the top left corner."""

    x: int
    y: int
    width: int
    height: int


MotionKind = Literal["motion", "pir"]
"""What noticed a movement: the picture (perhaps the PIR too), or the PIR alone."""

Felt = Press | Presence | Condition
Seen = Frame | Packet | Light | Felt


@dataclass(frozen=True, slots=True)
class Run:
    """Packets that belong together, normally one GOP; `end_us` is when the picture after the last one was due."""

    packets: tuple[Packet, ...]
    end_us: int

    @property
    def start_us(self) -> int:
        """Time of the first picture."""
        return self.packets[0].t_us

    @property
    def keyframe(self) -> bool:
        """Whether a player can begin here."""
        return self.packets[0].keyframe


@dataclass(frozen=True, slots=True)
class ClipBegins:
    """A clip is opened; a NoticeDraft follows at once. `continues` is true when the cap cut the clip before."""

    continues: bool


@dataclass(frozen=True, slots=True)
class NoticeDraft:
    """Someone rang or moved, or there is a newer picture. `snapshot` is a JPEG, empty while there is no picture yet.

    `alert` is whether the owner is to be called now; a clip that is only recorded is told all the same. `shown_us` is
    what the relay is told in the place of `t_us`: the time of the newest picture, None while there is none. Before it
    is sealed it waits for `wait_us`, unless somebody rings meanwhile.
    """

    t_us: int
    trigger: NoticeKind
    snapshot: bytes
    alert: bool = True
    shown_us: int | None = None
    wait_us: int = 0


@dataclass(frozen=True, slots=True)
class InitDraft:
    """The MP4 header of a clip, ftyp and moov."""

    t_us: int
    header: bytes


@dataclass(frozen=True, slots=True)
class MediaDraft:
    """One fragment, moof and mdat, of so many pictures."""

    t_us: int
    fragment: bytes
    keyframe: bool
    pictures: int


@dataclass(frozen=True, slots=True)
class ClipEnds:
    """The clip is over: span of its media, all that triggered it, and pictures that were lost before."""

    start_us: int
    end_us: int
    triggers: tuple[Trigger, ...]
    lost: int


@dataclass(frozen=True, slots=True)
class Machine:
    """What the board says of itself; None where it does not say.

    `throttled` is the firmware's bit field (bits 0 to 3 now, 16 to 19 since boot: voltage, frequency capped, throttled,
    soft temperature limit).
    """

    free_bytes: int | None = None
    celsius: int | None = None
    throttled: int | None = None


@dataclass(frozen=True, slots=True)
class HealthDraft:
    """The doorbell shall say how it is: `troubles` with since when, `mode` a word or empty."""

    t_us: int
    started_us: int
    troubles: tuple[tuple[Trouble, int], ...]
    mode: str
    machine: Machine
    link: Link | None


Draft = ClipBegins | NoticeDraft | InitDraft | MediaDraft | ClipEnds | HealthDraft
