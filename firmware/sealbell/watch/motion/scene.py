"""What a frame shows, and what of it the remembered scene cannot explain (theory in the package's docstring)."""

import math
from dataclasses import dataclass, replace
from typing import Self

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from sealbell.items import Luma

FRAME_HIGH, FRAME_WIDE = 240, 320
CELLS_HIGH, CELLS_WIDE = 30, 40  # of 8x8 pixels
HALF_SIZE = (FRAME_WIDE // 2, FRAME_HIGH // 2)  # averaging four pixels halves the noise and costs no edge
QUARTER_SIZE = (FRAME_WIDE // 4, FRAME_HIGH // 4)
CELLS_SIZE = (CELLS_WIDE, CELLS_HIGH)

AROUND_PIXELS = (5, 5)  # of the half size: wide enough for an edge, narrow enough that soft light cancels
MAX_GAIN = 4.0  # two stops of light; a larger one is a chance likeness
QUIET_ENERGY = 4.0  # texture of two grey levels: below it there is no shape to compare with
GLARE_LUMA = 230  # white is 235 in limited range, 255 in full
GLARE_NEW = 0.03 * 255  # 3 % of a cell

NOISE_RATIO = 4.0
UNREST_RATIO = 5.0
FLOOR_ENERGY = 2.0  # changes by coding alone
TEXTURE_SHARE = 0.2
SPREAD_SHARE = 0.01
GLARE_ENERGY = 250.0  # the kink around a burnt area reached 200
GLARE_TEXTURE_SHARE = 0.5
GLARE_TEXTURE_RATIO = MAX_GAIN**2  # as much as light can have made of the remembered texture

FOLLOW_S = 3.0  # slower than anyone walks out of his own outline
UNREST_S = 15.0  # several gusts
SETTLE_S = 0.999  # a second, of frames that do not arrive to the millisecond
SETTLE_FRAMES = 6
LEARN_S = 0.25  # the scene is followed in steps of this

_NEIGHBOURS = np.ones((3, 3), np.uint8)


def _cells(quarter: MatLike) -> MatLike:
    return cv2.resize(quarter, CELLS_SIZE, interpolation=cv2.INTER_AREA).astype(np.float32)


def _pool(half: MatLike) -> MatLike:
    """The mean over each cell; OpenCV halves twice in less time than once by four."""
    quarter = cv2.resize(half, QUARTER_SIZE, interpolation=cv2.INTER_AREA)
    return cv2.resize(quarter, CELLS_SIZE, interpolation=cv2.INTER_AREA)


def _step(elapsed_s: float, time_constant_s: float) -> float:
    """The share of the way that a running mean goes in `elapsed_s`."""
    return 1.0 - math.exp(-elapsed_s / time_constant_s)


@dataclass(slots=True)
class View:
    """One picture, reduced. Arrays are float32; `structure` is (120, 160), all others are (30, 40)."""

    t_us: int
    structure: MatLike  # grey levels above or below what is around
    energy: MatLike  # mean square of the structure in a cell
    texture: MatLike  # the same over a cell and its neighbours
    luma: MatLike
    glare: MatLike  # pixels at white; 255 where all are

    @classmethod
    def of(cls, t_us: int, luma: Luma) -> Self:
        """Reduce a (240, 320) frame."""
        half = cv2.resize(luma, HALF_SIZE, interpolation=cv2.INTER_AREA)
        quarter = cv2.resize(half, QUARTER_SIZE, interpolation=cv2.INTER_AREA)
        white = cv2.threshold(quarter, GLARE_LUMA, 255, cv2.THRESH_BINARY)[1]
        structure = cv2.subtract(half, cv2.boxFilter(half, cv2.CV_32F, AROUND_PIXELS), dtype=cv2.CV_32F)
        energy = _pool(structure * structure)
        return cls(t_us, structure, energy, cv2.blur(energy, (3, 3)), _cells(quarter), _cells(white))


def unexplained(now: View, then: View) -> MatLike:
    """Energy of `now` that `then` does not explain under the best local gain; (30, 40), grey levels squared."""
    likeness = _pool(now.structure * then.structure)
    gain = (cv2.blur(likeness, (3, 3)) / (then.texture + QUIET_ENERGY)).clip(0, MAX_GAIN)
    rest: MatLike = np.maximum(now.energy - gain * (2 * likeness - gain * then.energy), 0)
    return rest


class Scene:
    """The scene as remembered from the frames so far, and how restless each cell of it is."""

    def __init__(self, first: View) -> None:
        self._seen = replace(first, structure=first.structure.copy(), luma=first.luma.copy(), glare=first.glare.copy())
        self._unrest = np.ones((CELLS_HIGH, CELLS_WIDE), np.float32)  # mean amplitude, grey levels
        self._frames = 1
        self._seen_s = self._unlearnt_s = 0.0

    @property
    def settling(self) -> bool:
        """Whether too little has been seen yet to tell anything."""
        return self._seen_s < SETTLE_S or self._frames <= SETTLE_FRAMES

    def hits(self, now: View, before: View) -> tuple[NDArray[np.bool_] | None, MatLike]:
        """Which cells are hit (None for none at all), and the energy in each that nothing explains."""
        lasting, unrest, light = unexplained(now, self._seen), self._restless(), self._light(now)
        if not (lasting > unrest + light).any():
            return None, lasting  # most frames: what else might explain it makes no difference
        moving = np.minimum(lasting, unexplained(now, before))
        sample = moving.ravel()[::3]  # a median of 400 cells is as good as one of 1,200
        usual = np.partition(sample, sample.size // 2)[sample.size // 2]
        return moving > np.maximum(unrest, NOISE_RATIO * usual) + light, moving

    def _restless(self) -> MatLike:
        """The energy that leaves may reach in each cell."""
        unrest = cv2.dilate(self._unrest, _NEIGHBOURS)
        leaves: MatLike = UNREST_RATIO * unrest * unrest
        return leaves

    def _light(self, now: View) -> MatLike:
        """The energy that light may reach in each cell."""
        seen = self._seen
        spread = cv2.morphologyEx(now.luma - seen.luma, cv2.MORPH_GRADIENT, _NEIGHBOURS)
        light: MatLike = FLOOR_ENERGY + TEXTURE_SHARE * seen.texture + SPREAD_SHARE * spread * spread
        burnt = now.glare - seen.glare > GLARE_NEW
        if burnt.any():
            burnt = cv2.dilate(burnt.view(np.uint8), _NEIGHBOURS).view(np.bool_)
            texture = seen.texture + np.minimum(now.energy, GLARE_TEXTURE_RATIO * seen.texture)
            np.maximum(light, GLARE_ENERGY + GLARE_TEXTURE_SHARE * texture, out=light, where=burnt)
        return light

    def learn(self, now: View, elapsed_s: float, moving: MatLike) -> None:
        """Follow the light and what comes to stay; `moving` is the energy that `hits` returned."""
        self._frames += 1
        self._seen_s += elapsed_s
        self._unlearnt_s += elapsed_s
        mean = 1 / self._frames if self.settling else 0.0  # of all frames so far
        self._unrest += np.float32(mean or _step(elapsed_s, UNREST_S)) * (np.sqrt(moving) - self._unrest)
        if self._unlearnt_s < LEARN_S and not self.settling:
            return
        share = mean or _step(self._unlearnt_s, FOLLOW_S)
        self._unlearnt_s = 0.0
        seen = self._seen
        for remembered, shown in ((seen.structure, now.structure), (seen.luma, now.luma), (seen.glare, now.glare)):
            cv2.accumulateWeighted(shown, remembered, share)
        seen.energy = _pool(seen.structure * seen.structure)
        seen.texture = cv2.blur(seen.energy, (3, 3))
