"""The world of the stand-in: light, pictures and time before the lens, moved by the test's hand."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sealbell_testing.clock import HandClock

DEADLINE_S = 20.0
CLOCKS_APART_US = 7_000_000_000  # the sensor's clock is another one than ours
LATENCY_US = 30_000  # from the sensor to the callback
Scene = Callable[[int, int, int], NDArray[np.uint8]]  # number, width, height -> luma


@dataclass(frozen=True)
class Transform:
    hflip: bool = False
    vflip: bool = False


@dataclass
class Faults:
    """What is broken. Everything may be changed while the camera runs."""

    no_camera: bool = False
    stalled: bool = False  # no frame comes any more
    heals_at_opening: int | None = None  # this opening of the camera ends the stall; they count from 1
    close_hangs: bool = False
    encoder_hangs: bool = False
    encoder_skips: set[int] = field(default_factory=set)  # numbers of frames that it makes nothing of
    read_only: bool = False  # nothing can be drawn into the buffers
    no_stamp: bool = False
    loses_controls: int = 0  # so many times
    no_lux: bool = False


@dataclass(frozen=True)
class Shot:
    """One frame on its way from the sensor."""

    number: int
    stamp_us: int
    luma: Callable[[int, int], NDArray[np.uint8]]
    metadata: dict[str, Any]


def moving_bar(number: int, width: int, height: int) -> NDArray[np.uint8]:
    """A bright bar that moves over grey."""
    luma = np.full((height, width), 128, np.uint8)
    left = number * 3 * width // 320 % width
    luma[:, left : left + max(2, width // 8)] = 235
    return luma


class Sensor:
    """Shows `scene` at `fps`, or slower where the camera is told so; one for all cameras of a test."""

    def __init__(self, clock: HandClock, fps: int = 20, scene: Scene = moving_bar, align: int = 64) -> None:
        self.clock, self.fps, self.scene, self.align = clock, fps, scene, align
        self.faults = Faults()
        self.lux = 400.0
        self.exposure = 1.0  # gain of the picture, as an automatic exposure that hunts has it
        self.model = "imx708_wide"
        self.openings = 0
        self.controls: dict[str, Any] = {}
        self.coded: list[int] = []  # numbers of the frames that reached an encoder
        self.let_go = threading.Event()  # ends whatever hangs, when the test is over
        self._camera: Any = None
        self._changed = threading.Condition()
        self._number = 0

    def attach(self, camera: Any) -> None:
        """A camera has started, or stopped (None)."""
        with self._changed:
            self._camera = camera
            self._changed.notify_all()

    def wait_for_start(self) -> Any:
        """The running camera; None if the test is over before."""
        with self._changed:
            self._changed.wait_for(lambda: self._camera is not None or self.let_go.is_set(), DEADLINE_S)
            return self._camera

    def show(self, frames: int = 1) -> None:
        """Let time pass frame by frame; each is done with, by callbacks and encoder, before the next begins."""
        for _ in range(frames):
            self.show_late(1)

    def show_late(self, frames: int) -> None:
        """The same, but all are delivered together, after the last was exposed."""
        camera = self.wait_for_start()
        if camera is None:
            return
        shots = [self._expose()]
        for _ in range(frames - 1):
            self.clock.pass_us(self._period_us())
            shots.append(self._expose())
        self.clock.pass_us(LATENCY_US)
        if not self.faults.stalled:
            camera._deliver(shots)
        self.clock.pass_us(self._period_us() - LATENCY_US)

    def miss(self, frames: int) -> None:
        """Frames that the sensor drops: time passes, the next is another one."""
        for _ in range(frames):
            self._expose()
            self.clock.pass_us(self._period_us())

    def end(self) -> None:
        """The test is over."""
        with self._changed:
            self.let_go.set()
            self._changed.notify_all()

    def _expose(self) -> Shot:
        number, self._number = self._number, self._number + 1
        scene, gain = self.scene, self.exposure
        stamp_us = self.clock.now_us() + CLOCKS_APART_US
        metadata = {"SensorTimestamp": stamp_us * 1_000, "ExposureTime": int(10_000 * gain), "AnalogueGain": 1.0}
        if not self.faults.no_lux:
            metadata["Lux"] = self.lux
        if self.faults.no_stamp:
            del metadata["SensorTimestamp"]
        return Shot(number, stamp_us, lambda w, h: _gained(scene(number, w, h), gain), metadata)

    def _period_us(self) -> int:
        shortest_us, longest_us = self.controls.get("FrameDurationLimits", (1_000_000 // self.fps,) * 2)
        return longest_us if self.lux < 1 else max(shortest_us, 1_000_000 // self.fps)


def _gained(luma: NDArray[np.uint8], gain: float) -> NDArray[np.uint8]:
    return luma if gain == 1 else np.clip(luma * gain, 0, 255).astype(np.uint8)
