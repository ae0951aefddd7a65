"""What light, weather and cameras do to real frames. All are seeded: the same call gives the same pictures."""

import cv2
import numpy as np
from numpy.typing import NDArray

from footage_frames import Frames
from sealbell.items import Luma

GAMMA = 2.2
HIGH, WIDE = 240, 320
_ROW, _COLUMN = np.mgrid[0:HIGH, 0:WIDE].astype(np.float32)


def _luma(picture: NDArray[np.floating]) -> Luma:
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def _ease(share: NDArray[np.floating] | float) -> NDArray[np.floating]:
    """From 0 to 1, without a kink at either end."""
    share = np.clip(share, 0.0, 1.0)
    return share * share * (3 - 2 * share)


def _expose(luma: Luma, gain: float) -> Luma:
    """As if `gain` times the light had been let in."""
    return _luma(255 * np.clip((luma / 255.0) ** GAMMA * gain, 0, 1) ** (1 / GAMMA))


def exposure_ramp(frames: Frames, start_s: float, length_s: float, gain: float) -> Frames:
    """The exposure goes to `gain` and stays there."""
    return [(t, _expose(luma, gain ** float(_ease((t / 1e6 - start_s) / length_s)))) for t, luma in frames]


def exposure_hunting(frames: Frames, period_s: float, stops: float) -> Frames:
    """The exposure swings up and down by `stops`, all the time."""
    return [(t, _expose(luma, 2 ** (stops * np.sin(2 * np.pi * t / 1e6 / period_s)))) for t, luma in frames]


def brightness_step(frames: Frames, start_s: float, gain: float = 1.0, offset: float = 0.0) -> Frames:
    """From one frame to the next the picture is brighter or darker."""
    return [(t, luma if t / 1e6 < start_s else _luma(luma * gain + offset)) for t, luma in frames]


def infrared_flip(frames: Frames, start_s: float, tone: str, noise: float = 6.0, seed: int = 1) -> Frames:
    """From colour by day to grey by infrared: other contrast, light from the middle, more noise.

    `tone`: "flat" keeps the order of greys, "foliage" makes dark things bright, "negative" turns most round.
    """
    rng = np.random.default_rng(seed)
    lamp = 0.4 + 0.6 * np.exp(-((_COLUMN - WIDE / 2) ** 2 + (_ROW - HIGH / 2) ** 2) / (2 * 130**2))
    tones = {
        "flat": lambda v: (0.15 + 0.75 * v**0.6) * lamp,
        "foliage": lambda v: (0.2 + 0.9 * np.abs(v - 0.45)) * lamp,
        "negative": lambda v: 0.75 - 0.5 * v,
    }
    return [
        (t, luma if t / 1e6 < start_s else _luma(255 * tones[tone](luma / 255.0) + rng.normal(0, noise, luma.shape)))
        for t, luma in frames
    ]


def sensor_noise(frames: Frames, start_s: float, sigma: float, seed: int = 1) -> Frames:
    """Gain goes up for the night: `sigma` grey levels of noise in each pixel."""
    rng = np.random.default_rng(seed)
    return [(t, luma if t / 1e6 < start_s else _luma(luma + rng.normal(0, sigma, luma.shape))) for t, luma in frames]


def headlight_sweep(
    frames: Frames, start_s: float, shape: str, gain: float, glare: float, length_s: float = 1.5, soft_px: float = 40
) -> Frames:
    """A beam crosses the scene: `gain` times the light more on things, and `glare` grey levels of veil over all.

    `shape`: "spot" is a round one, "wedge" a slanting one that widens downwards, "front" lights all behind its edge.
    """
    swept = []
    for t, luma in frames:
        share = (t / 1e6 - start_s) / length_s
        if not 0 <= share <= 1:
            swept.append((t, luma))
            continue
        x = -80 + share * (WIDE + 160)
        beam = {
            "spot": lambda x: np.exp(-((_COLUMN - x) ** 2 + (1.3 * (_ROW - 140)) ** 2) / (2 * soft_px**2)),
            "wedge": lambda x: (
                _ease(0.5 + _ROW / HIGH - np.abs(_COLUMN - x - 0.3 * (_ROW - 120)) / soft_px) * _ease((_ROW - 30) / 60)
            ),
            "front": lambda x: _ease((x - _COLUMN) / soft_px + 0.5),
        }[shape](x)
        swept.append((t, _luma(luma * (1 + gain * beam) + glare * beam)))
    return swept


def clock_digits(frames: Frames) -> Frames:
    """A clock is written into the picture and ticks each second."""
    ticking = []
    for t, luma in frames:
        picture = luma.copy()
        cv2.putText(picture, f"13:25:{t // 1_000_000 % 60:02d}", (20, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255.0,), 1)
        ticking.append((t, picture))
    return ticking


def nudge(frames: Frames, start_s: float, pixels: float) -> Frames:
    """The camera is pushed aside once."""
    move = np.array([[1, 0, pixels], [0, 1, pixels / 2]], np.float32)
    return [
        (t, luma if t / 1e6 < start_s else cv2.warpAffine(luma, move, (WIDE, HIGH), borderMode=cv2.BORDER_REPLICATE))
        for t, luma in frames
    ]


def limited_range(frames: Frames) -> Frames:
    """Black at 16 and white at 235, as most cameras hand it over."""
    return [(t, _luma(16 + luma * (219 / 255))) for t, luma in frames]
