"""The decision: hits that continue from frame to frame (theory in the package's docstring)."""

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sealbell.items import Luma
from sealbell.watch.motion.scene import CELLS_HIGH, CELLS_WIDE, FRAME_HIGH, FRAME_WIDE, Scene, View

LAG_US = 200_000
SPAN_US = 200_000  # no shorter than LAG_US, or a single change would trigger
JITTER_US = 15_000  # frames do not arrive to the millisecond
HOLD_US = 1_000_000
MAX_STEP_US = 2_000_000  # a longer gap between frames counts as this much
NO_AGE_US = -MAX_STEP_US  # so that no step lifts it above zero
REACH_CELLS = 2

_REACH = np.ones((2 * REACH_CELLS + 1, 2 * REACH_CELLS + 1), np.uint8)
_BESIDE = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], np.uint8)

Box = tuple[int, int, int, int]  # left, top, width, height, in cells of 8 pixels


@dataclass(frozen=True, slots=True)
class Motion:
    """What one frame told. `active` is the debounced decision: False to True is a trigger."""

    active: bool
    cells: int = 0  # hit in this frame
    box: Box | None = None  # around them


class MotionDetector:
    """Motion on 320x240 luma. Pure: no clock, no thread, no I/O.

    `zone`, if given, is a (30, 40) bool array: only cells where it is True can be hit.
    """

    def __init__(self, zone: NDArray[np.bool_] | None = None) -> None:
        if zone is not None and zone.shape != (CELLS_HIGH, CELLS_WIDE):
            raise ValueError(f"a zone has {CELLS_HIGH}x{CELLS_WIDE} cells, this one {zone.shape}")
        self._zone = zone
        self.reset()

    def reset(self) -> None:
        """Forget the scene, as after we ourselves switched the infrared light; the next frames are only learnt."""
        self._scene: Scene | None = None
        self._recent: deque[View] = deque()  # newest last; the first is the one to compare with
        self._hit_us = 0
        self._active = False
        # how long hits have continued up to each cell
        self._age_us = np.full((CELLS_HIGH, CELLS_WIDE), NO_AGE_US, np.float32)

    def step(self, t_us: int, luma: Luma) -> Motion:
        """Take the frame of `t_us` (monotonic microseconds, rising); `luma` is (240, 320), full or limited range.

        A frame that is not later than the one before changes nothing. ValueError for another shape or type.
        """
        if luma.shape != (FRAME_HIGH, FRAME_WIDE) or luma.dtype != np.uint8:
            raise ValueError(f"luma is {FRAME_HIGH}x{FRAME_WIDE} bytes, this one {luma.shape} {luma.dtype}")
        if self._scene is None:
            view = View.of(t_us, luma)
            self._scene = Scene(view)
            self._recent.append(view)
            return Motion(False)
        elapsed_us = min(t_us - self._recent[-1].t_us, MAX_STEP_US)
        if elapsed_us <= 0:
            return Motion(self._active)
        return self._compare(self._scene, View.of(t_us, luma), elapsed_us)

    def _compare(self, scene: Scene, now: View, elapsed_us: int) -> Motion:
        recent = self._recent
        while len(recent) > 1 and now.t_us - recent[1].t_us >= LAG_US - JITTER_US:
            recent.popleft()
        hits, moving = scene.hits(now, recent[0])
        recent.append(now)
        scene.learn(now, elapsed_us / 1e6, moving)
        if scene.settling:
            return Motion(False)
        if hits is not None:
            hits &= cv2.dilate(hits.view(np.uint8), _BESIDE).view(np.bool_)
            if self._zone is not None:
                hits &= self._zone
        return self._decide(now.t_us, elapsed_us, hits)

    def _decide(self, t_us: int, elapsed_us: int, hits: NDArray[np.bool_] | None) -> Motion:
        before_us, self._age_us = self._age_us, np.maximum(self._age_us - elapsed_us, NO_AGE_US)
        if hits is None or not hits.any():
            self._active = self._active and t_us - self._hit_us <= HOLD_US
            return Motion(self._active)
        np.copyto(self._age_us, (cv2.dilate(before_us, _REACH) + elapsed_us).clip(0, SPAN_US), where=hits)
        self._active = self._active or float(self._age_us.max()) >= SPAN_US - JITTER_US
        self._hit_us = t_us
        left, top, width, height = cv2.boundingRect(hits.view(np.uint8))
        return Motion(self._active, int(np.count_nonzero(hits)), (left, top, width, height))
