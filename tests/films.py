"""Video files, made for a test."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from scene import VIDEO, drawn
from sealbell.items import VideoFormat

_TIME_BASE = Fraction(1, 1_000)


def write(path: Path, times_ms: Sequence[int], video: VideoFormat = VIDEO) -> Path:
    """Write a film whose pictures are shown at these times; its container is told by the name."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "tune": "zerolatency"})
        stream.width, stream.height, stream.pix_fmt = video.width, video.height, "yuv420p"
        stream.codec_context.time_base = _TIME_BASE
        for t_ms, picture in zip(times_ms, drawn(len(times_ms), video), strict=True):
            picture.pts, picture.time_base = t_ms, _TIME_BASE
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def write_sound(path: Path) -> Path:
    """Write a file with sound and no picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8_000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1_024), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 8_000
        container.mux(stream.encode(sound))
        container.mux(stream.encode())
    return path
