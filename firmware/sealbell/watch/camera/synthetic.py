"""A camera that draws its pictures: a quiet wall of living noise, and at times somebody who walks past."""

import itertools

import av
import numpy as np

from sealbell.clock import Pace
from sealbell.config.drawing import read_drawing
from sealbell.items import Frame, Picture, VideoFormat
from sealbell.seams import Sink
from sealbell.watch.camera.h264 import H264Encoder
from sealbell.watch.camera.masks import NO_MASKS, Masks
from sealbell.watch.camera.pictures import bgr, lores_luma

NOISE_PICTURES = 8
NOISE_LEVELS = 24  # enough that the encoder spends the whole bitrate, too even for the lores stream to show it
_WALL, _WALKER = 110, 220


def parse_drawing(text: str) -> tuple[VideoFormat, int, int]:
    """Return size, pictures a second and bits a second from WxH@FPS:BITS; ValueError with a reason."""
    asked = read_drawing(text)
    return VideoFormat(asked.width, asked.height), asked.fps, asked.bits_per_s


class Synthetic:
    """Yields `fps` pictures a second on the clock given, for `length_us` or until stopped.

    Someone walks past for `walk_us` at the beginning of each `every_us`; 0 for never.
    """

    def __init__(
        self, video: VideoFormat, fps: int, bits_per_s: int, clock: Pace, length_us: int | None = None,
        walk_us: int = 0, every_us: int = 30_000_000, masks: Masks = NO_MASKS,
    ) -> None:  # fmt: skip
        self._video = video
        self._period_us = 1_000_000 // fps
        self._clock = clock
        self._length_us = length_us
        self._walk_us, self._every_us = walk_us, every_us
        self._masks = masks
        self._encoder = H264Encoder(video, fps, bits_per_s, "ultrafast")
        noise = np.random.default_rng(7)
        shape = (NOISE_PICTURES, video.height, video.width)
        self._walls = (_WALL + noise.integers(-NOISE_LEVELS, NOISE_LEVELS + 1, shape)).astype(np.uint8)
        self._chroma = np.full((video.height // 2, video.width), 128, dtype=np.uint8)
        self._newest: av.VideoFrame | None = None
        self._stopped = False

    @property
    def format(self) -> VideoFormat:
        """The size drawn."""
        return self._video

    def run(self, sink: Sink) -> None:
        """Draw and encode at the pace of the clock; a picture that comes late is drawn at once, none is left out."""
        self._clock.start()
        for number in itertools.count():
            t_us = number * self._period_us
            if self._length_us is not None and t_us >= self._length_us:
                return
            self._clock.reach(t_us)
            if self._stopped:
                return
            drawn = self._draw(number, t_us)
            self._masks.burn(drawn, self._video)
            picture = av.VideoFrame.from_ndarray(drawn, format="yuv420p")
            sink(Frame(t_us, lores_luma(picture)))
            packet = self._encoder.encode(picture, t_us)
            self._newest = picture
            sink(packet)

    def still(self) -> Picture | None:
        """The newest picture as BGR."""
        return bgr(self._newest)

    def expose(self, *, night: bool) -> None:
        """A drawing has no night."""

    def stop(self) -> None:
        """Draw no more."""
        self._stopped = True
        self._clock.stop()

    def _draw(self, number: int, shown_us: int) -> Picture:
        luma = self._walls[number % NOISE_PICTURES]
        phase_us = shown_us % self._every_us
        if phase_us < self._walk_us:
            height, width = luma.shape
            left = int(phase_us / self._walk_us * width * 0.85)
            luma = luma.copy()
            luma[height // 4 : height * 7 // 8, left : left + width // 8] = _WALKER
        return np.concatenate([luma, self._chroma])
