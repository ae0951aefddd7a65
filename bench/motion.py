"""What a frame costs the motion detector, beside OpenCV's MOG2: `python bench/motion.py`.

Both get the same luma at 320x240 in the same order: the carried footage at its own times, a still room, a room with
people, and leaves. They take turns of 100 frames, so that whatever else the machine does falls on both; the ratio is
taken turn by turn, and its median is told. MOG2 has its defaults, and as many threads as OpenCV likes; ours is one.
"""

import json
import time
from pathlib import Path
from statistics import median
from typing import Any

import av
import cv2

from sealbell.items import Luma
from sealbell.watch.camera.pictures import lores_luma
from sealbell.watch.motion import MotionDetector

FOOTAGE = Path(__file__).resolve().parents[1] / "tests" / "footage"
FILES = {
    "still room": "derived_static_onebyone_0-55.mp4",
    "people": "intel_one-by-one-person-detection.mp4",
    "leaves": "opencv_tree.avi",
}
TURN_FRAMES = 100
FRAMES = 1_400  # of each file, which is repeated as often as that takes
PROMISED_RATIO = 0.2


def measure() -> dict[str, Any]:
    """Medians over the turns: microseconds a frame, and the ratio; by what is seen."""
    return {seen: _race(_frames(FOOTAGE / name)) for seen, name in FILES.items()}


def promises(found: dict[str, Any]) -> list[tuple[str, float, str, float]]:
    """Return each promise as (what, measured, at most, promised)."""
    return [
        (f"motion: time of a frame over MOG2's, {seen}", race["ratio_to_mog2"], "<=", PROMISED_RATIO)
        for seen, race in found.items()
    ]


def _frames(path: Path) -> list[tuple[int, Luma]]:
    with av.open(path) as container:
        once = [(round(picture.time * 1e6), lores_luma(picture)) for picture in container.decode(video=0)]
    length_us = once[-1][0] + 100_000
    return [(t_us + i * length_us, luma) for i in range(-(-FRAMES // len(once))) for t_us, luma in once][:FRAMES]


def _race(frames: list[tuple[int, Luma]]) -> dict[str, float]:
    ours, peer = MotionDetector(), cv2.createBackgroundSubtractorMOG2()
    turns: list[tuple[float, float]] = []
    for at in range(0, len(frames), TURN_FRAMES):
        turn = frames[at : at + TURN_FRAMES]
        begin = time.perf_counter()
        for t_us, luma in turn:
            ours.step(t_us, luma)
        between = time.perf_counter()
        for _, luma in turn:
            peer.apply(luma)
        turns.append(((between - begin) / len(turn), (time.perf_counter() - between) / len(turn)))
    return {
        "motion_us": round(median(mine for mine, _ in turns) * 1e6),
        "mog2_us": round(median(theirs for _, theirs in turns) * 1e6),
        "ratio_to_mog2": round(median(mine / theirs for mine, theirs in turns), 3),
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
