"""The carried footage as the motion detector gets it: luma at 320x240, at the file's own times."""

import functools
import json
from pathlib import Path

import av

from sealbell.items import Luma
from sealbell.watch.camera.pictures import lores_luma

FOOTAGE = Path(__file__).with_name("footage")
PEOPLE = "intel_one-by-one-person-detection.mp4"
STILL_ROOM = "derived_static_onebyone_0-55.mp4"
TREE = "opencv_tree.avi"
INTERVALS_S: dict[str, list[tuple[float, float]]] = {
    name: [(begin, end) for begin, end in spans]
    for name, spans in json.loads((FOOTAGE / "intervals.json").read_text()).items()
}

Frames = list[tuple[int, Luma]]  # microseconds, (240, 320)


@functools.cache
def footage(name: str) -> tuple[tuple[int, Luma], ...]:
    """All frames of a carried file."""
    with av.open(FOOTAGE / name) as container:
        return tuple((round(picture.time * 1e6), lores_luma(picture)) for picture in container.decode(video=0))


def between(name: str, begin_s: float, end_s: float) -> Frames:
    """The frames from `begin_s` up to `end_s`."""
    return [(t_us, luma) for t_us, luma in footage(name) if begin_s * 1e6 <= t_us < end_s * 1e6]


def still_room(seconds: float, fps: float = 10) -> Frames:
    """The still room for as long as wanted, at any rate: its 5.6 s forwards and backwards, noise and all."""
    there = [luma for _, luma in footage(STILL_ROOM)]
    both_ways = there + there[-2:0:-1]
    return [(round(i * 1e6 / fps), both_ways[i % len(both_ways)]) for i in range(round(seconds * fps))]
