"""People cut out of the real footage, to walk through other pictures at any size, pace and rate."""

import functools
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from footage_frames import PEOPLE, Frames, between
from sealbell.items import Luma

CUT_FPS = 10
DIFFERS = 12  # grey levels
HIGH, WIDE = 240, 320


@functools.cache
def _cutouts() -> list[tuple[Luma, NDArray[np.float32]]]:
    """The first person, frame by frame: a picture and its mask, as tall as the person."""
    empty = np.median([luma for _, luma in between(PEOPLE, 2, 5)], axis=0)
    cutouts = []
    for _, luma in between(PEOPLE, 6.5, 9.6):
        differs = cv2.GaussianBlur((np.abs(luma - empty) > DIFFERS).astype(np.float32), (0, 0), 1.5) > 0.35
        closed = cv2.morphologyEx(differs.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((15, 15)))
        _, labels, stats, _ = cv2.connectedComponentsWithStats(closed)
        person = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
        x, y, width, height, _ = stats[person]
        mask = (labels == person).astype(np.float32)
        cutouts.append((luma[y : y + height, x : x + width], mask[y : y + height, x : x + width]))
    return cutouts


def walk(frames: Frames, height_px: float, where: Callable[[float], float | None], foot_px: float = 200) -> Frames:
    """A person of `height_px` stands at the column `where(seconds)` says, or nowhere if it says None.

    The legs move only while the column changes.
    """
    walked_s, before, out = 0.0, None, []
    for i, (t, luma) in enumerate(frames):
        column = where(t / 1e6)
        if column is None:
            out.append((t, luma))
            continue
        if column != before and i:
            walked_s += (t - frames[i - 1][0]) / 1e6
        before = column
        out.append((t, stand(luma, walked_s, height_px, column, foot_px)))
    return out


def stand(luma: Luma, walked_s: float, height_px: float, column: float, foot_px: float) -> Luma:
    """One picture with a person in it, whose legs are where they are after `walked_s` of walking."""
    picture, mask = _cutouts()[int(walked_s * CUT_FPS) % len(_cutouts())]
    size = (max(1, round(picture.shape[1] * height_px / picture.shape[0])), round(height_px))
    place = np.array([[1, 0, column - size[0] / 2], [0, 1, foot_px - size[1]]], np.float32)
    person = cv2.warpAffine(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), place, (WIDE, HIGH))
    share = cv2.warpAffine(cv2.resize(mask, size, interpolation=cv2.INTER_AREA), place, (WIDE, HIGH))
    return np.rint(luma * (1 - share) + person * share).astype(np.uint8)
