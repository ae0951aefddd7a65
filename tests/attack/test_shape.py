"""Whoever has all that a relay reads of many clips, and learnt from others what a ring looks like (bench/shape.py).

A visitor walks across, stands and moves a little; half of them ring. Pictures are made up, so that it takes seconds;
the doorbell's stages, the features and the classifiers are those of the measurement.
"""

import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))

import shape_classify
import shape_features
import shape_record
from recordings import UpdatesAt
from scene import packets
from sealbell.items import Frame, Packet
from sealbell.watch.cover import Cover, DrawnCover
from sealbell.watch.recorder import Timing
from shape_street import Actor, Scene

S = 1_000_000
SCENES, VISITS, EVERY_S = 10, 8, 36


def street(number: int) -> Scene:
    """Visitors before a grey wall, who come into view a moment after the other."""
    chance = Random(number)
    actors, seen = [], list[Frame | Packet]()
    for visit in range(VISITS):
        begins_s = 4.0 + EVERY_S * visit
        stays_s = chance.uniform(16, 22)
        rings_s = (begins_s + 7 * chance.lognormvariate(0, 0.5),) if chance.random() < 0.5 else ()
        ends_s = max(begins_s + stays_s, *(press_s + 3 for press_s in rings_s), 0)
        actors.append(Actor("visitor", ((begins_s, 0, 0, 0), (ends_s, 0, 0, 0)), rings_s))
    wall = np.random.default_rng(number).integers(98, 103, (240, 320), np.uint8)
    for picture in packets(5 * (EVERY_S * VISITS + 10), period_us=S // 5, gop=5):
        luma = wall
        for actor in actors:
            if actor.begins_s <= picture.t_us / S < actor.ends_s:
                luma = wall.copy()
                left = 40 + int(picture.t_us / S * 60) % 200
                luma[60:220, left : left + 40] = 200
        seen += [Frame(picture.t_us, luma), picture]
    return Scene(number, False, tuple(seen), tuple(actors))


@pytest.fixture(scope="module")
def streets() -> list[Scene]:
    return [street(number) for number in range(SCENES)]


def guessed(streets: list[Scene], cover: Cover | None) -> float:
    """How well a ring is told, on streets that the classifiers have not seen."""
    clips = [clip for scene in streets for clip in shape_record.record(scene, cover, Timing(), Random(scene.number))]
    rows, scenes = shape_features.of_clips(clips), np.array([clip.scene for clip in clips])
    assert len(clips) >= SCENES * (VISITS - 1)
    return shape_classify.judge(rows, np.array([clip.rang for clip in clips]), scenes).best


def test_relay_cannot_tell_a_ring_by_shape(streets: list[Scene]) -> None:
    assert guessed(streets, DrawnCover(Random(1))) < 0.72, "of 80 clips; bench/shape.py has the figure of many"


def test_ring_is_told_by_shape_without_a_cover(streets: list[Scene]) -> None:
    assert guessed(streets, None) > 0.95


def test_ring_is_told_by_shape_where_updates_leave_at_another_place(streets: list[Scene]) -> None:
    assert guessed(streets, UpdatesAt(1 * S)) > 0.8
