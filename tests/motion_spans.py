"""When the detector was active, for tests and measurements."""

from footage_frames import Frames
from sealbell.watch.motion import MotionDetector


def active_spans_s(frames: Frames, detector: MotionDetector | None = None) -> list[tuple[float, float]]:
    """From each trigger to the first frame that is inactive again, or the last frame, in seconds."""
    detector = detector or MotionDetector()
    spans: list[tuple[float, float]] = []
    begin_us = None
    for t_us, luma in frames:
        active = detector.step(t_us, luma).active
        if active and begin_us is None:
            begin_us = t_us
        elif not active and begin_us is not None:
            spans.append((begin_us / 1e6, t_us / 1e6))
            begin_us = None
    if begin_us is not None:
        spans.append((begin_us / 1e6, frames[-1][0] / 1e6))
    return spans
