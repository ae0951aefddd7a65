"""Streets in which people come to a door: what a camera shows of them, and when somebody rings.

People are cut out of real footage and put before a real still room (tests/passers_by.py); cars are drawn. Paces,
distances and times are those of people, not those that the firmware's cover takes for granted: whoever comes walks
from where the camera first shows them to the door, looks for the button, rings or does what else they came for, and
stays. A visitor who does not ring (a parcel, a key, a look at the name) does all the same and stays as long.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import av
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import passers_by  # found by the line above
from footage_frames import still_room
from sealbell.items import Frame, Luma, Packet, VideoFormat
from sealbell.watch.camera.h264 import H264Encoder

VIDEO = VideoFormat(320, 240)
FPS = 10
BITS_PER_S = 300_000
US_PER_S = 1_000_000
LEAD_S, GAP_S, GAP_MORE_S = 6.0, 9.0, 5.0  # the detector learns the scene; clips are 8 s apart, or they are one
VISITS, PASSERS = (3, 5), (5, 9)  # of a quiet and of a busy street; the latter has as many visits
SUDDEN = 0.15  # of visitors come along the wall, and ring before the camera has them
RINGS, RINGS_AGAIN, OVERLAPS = 0.5, 0.2, 0.25


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody or something that passes: `way` holds (second, column, height, foot), straight lines between."""

    kind: str
    way: tuple[tuple[float, float, float, float], ...]
    presses_s: tuple[float, ...] = ()
    shade: int = 0

    @property
    def begins_s(self) -> float:
        """When it comes into the picture."""
        return self.way[0][0]

    @property
    def ends_s(self) -> float:
        """When it has left it."""
        return self.way[-1][0]

    def draw(self, luma: Luma, t_s: float) -> Luma:
        """Return the picture with the actor in it."""
        if not self.begins_s <= t_s < self.ends_s:
            return luma
        times = [point[0] for point in self.way]
        column, height, foot = (float(np.interp(t_s, times, [point[i] for point in self.way])) for i in (1, 2, 3))
        if self.kind != "car":
            return passers_by.stand(luma, self._walked_s(t_s), height, column, foot)
        drawn = luma.copy()
        body = drawn[
            round(foot - height) : round(foot), max(0, round(column - height)) : max(0, round(column + height))
        ]
        body[:] = self.shade
        body[: round(height * 0.4), ::3] = 255 - self.shade
        return drawn

    def _walked_s(self, t_s: float) -> float:
        walked_s = 0.0
        for before, after in zip(self.way, self.way[1:], strict=False):
            if before[1] != after[1]:
                walked_s += max(0.0, min(t_s, after[0]) - before[0])
        return walked_s


@dataclass(frozen=True, slots=True)
class Scene:
    """One street for some minutes: what the camera gave, and who was there."""

    number: int
    busy: bool
    seen: tuple[Frame | Packet, ...]
    actors: tuple[Actor, ...]

    @property
    def presses_us(self) -> list[int]:
        """When somebody rings."""
        return sorted(round(press_s * US_PER_S) for actor in self.actors for press_s in actor.presses_s)


def scene(number: int, seed: int) -> Scene:
    """Draw and encode a scene; the odd ones are of a busy street."""
    chance = Random(seed * 10_000 + number)
    busy = number % 2 == 1
    actors = tuple(_actors(chance, busy=busy))
    length_s = max(actor.ends_s for actor in actors) + GAP_S
    return Scene(number, busy, tuple(_filmed(chance, actors, length_s)), actors)


def _actors(chance: Random, *, busy: bool) -> Iterator[Actor]:
    who = ["visitor"] * chance.randint(*VISITS) + ["passer"] * (chance.randint(*PASSERS) if busy else 0)
    chance.shuffle(who)
    at_s = LEAD_S
    for kind in who:
        if kind == "visitor":
            actor = _visitor(chance, at_s)
        else:
            actor = _passer(chance, at_s) if chance.random() < 0.5 else _car(chance, at_s)
        yield actor
        overlaps = busy and chance.random() < OVERLAPS
        at_s = actor.ends_s + (-2.0 if overlaps else GAP_S + chance.expovariate(1 / GAP_MORE_S))


def _visitor(chance: Random, at_s: float) -> Actor:
    side = chance.choice([-20.0, 340.0])
    door = (chance.uniform(110, 210), chance.uniform(180, 230), chance.uniform(228, 239))
    sudden = chance.random() < SUDDEN
    far = (side, door[1], door[2]) if sudden else (side, chance.uniform(60, 100), chance.uniform(140, 170))
    walk_s = chance.uniform(0.8, 1.5) if sudden else chance.uniform(2.5, 10) / chance.uniform(0.9, 1.5)
    looks_s = chance.lognormvariate(0.4, 0.6)
    stay_s = min(45.0, max(3.0, chance.lognormvariate(2.5, 0.6)))
    arrives_s = at_s + walk_s
    leaves_s = arrives_s + looks_s + stay_s
    way = [(at_s, *far), (arrives_s, *door)]
    while (way[-1][0] + 4) < leaves_s:  # nobody stands quite still
        t_s = way[-1][0] + chance.uniform(1.5, 4)
        way += [(t_s - 0.4, *way[-1][1:]), (t_s, way[-1][1] + chance.uniform(-8, 8), *door[1:])]
    way += [(leaves_s, *way[-1][1:]), (leaves_s + chance.uniform(2, 6), chance.choice([-20.0, 340.0]), *far[1:])]
    presses_s: list[float] = []
    if chance.random() < RINGS:
        first_s = at_s - chance.uniform(0, 0.6) if sudden else arrives_s + looks_s
        again = [first_s + chance.uniform(6, 15)] if chance.random() < RINGS_AGAIN else []
        presses_s = [press_s for press_s in [first_s, *again] if press_s < leaves_s]
    return Actor("visitor", tuple(way), tuple(presses_s))


def _passer(chance: Random, at_s: float) -> Actor:
    height, foot, lasts_s = chance.uniform(60, 130), chance.uniform(150, 200), chance.uniform(3.5, 9)
    ends = [-20.0, 340.0] if chance.random() < 0.5 else [340.0, -20.0]
    return Actor("passer", ((at_s, ends[0], height, foot), (at_s + lasts_s, ends[1], height, foot)))


def _car(chance: Random, at_s: float) -> Actor:
    height, foot, lasts_s = chance.uniform(30, 55), chance.uniform(120, 150), chance.uniform(1.2, 2.8)
    ends = [-60.0, 380.0] if chance.random() < 0.5 else [380.0, -60.0]
    way = ((at_s, ends[0], height, foot), (at_s + lasts_s, ends[1], height, foot))
    return Actor("car", way, shade=chance.choice([30, 60, 190, 225]))


def _filmed(chance: Random, actors: tuple[Actor, ...], length_s: float) -> Iterator[Frame | Packet]:
    room = [luma for _, luma in still_room(12, FPS)]
    gain, flipped = chance.uniform(0.6, 1.15), chance.random() < 0.5
    encoder = H264Encoder(VIDEO, FPS, BITS_PER_S)
    colourless = np.full((VIDEO.height // 2, VIDEO.width), 128, np.uint8)
    for number in range(round(length_s * FPS)):
        luma: NDArray[np.uint8] = room[number % len(room)]
        luma = np.clip(luma * gain, 0, 255).astype(np.uint8)
        luma = np.ascontiguousarray(luma[:, ::-1]) if flipped else luma
        for actor in actors:
            luma = actor.draw(luma, number / FPS)
        t_us = number * US_PER_S // FPS
        yield Frame(t_us, luma)
        picture = av.VideoFrame.from_ndarray(np.concatenate([luma, colourless]), format="yuv420p")
        yield encoder.encode(picture, t_us)
