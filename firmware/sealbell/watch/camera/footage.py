"""A camera that is a video file, on the file's own time: at real pace, or as fast as it goes."""

import logging
from collections.abc import Iterator
from pathlib import Path

import av

from sealbell.clock import Pace
from sealbell.items import Frame, Picture, VideoFormat
from sealbell.seams import DeviceError, Sink
from sealbell.watch.camera.h264 import H264Encoder
from sealbell.watch.camera.masks import NO_MASKS, Masks
from sealbell.watch.camera.pictures import bgr, lores_luma, masked

_log = logging.getLogger(__name__)
MAX_WIDTH_PX, MAX_HEIGHT_PX = 1_920, 1_080
DEFAULT_FPS = 25


class FootageError(DeviceError):
    """A file cannot be used as footage."""


class Footage:
    """Decodes a file and encodes it anew, as a camera would have; a picture leaves when the clock has reached it."""

    def __init__(self, path: Path, clock: Pace, bits_per_s: int | None = None, masks: Masks = NO_MASKS) -> None:
        """Opens the file and decodes its first picture; FootageError if that fails."""
        self._clock = clock
        self._path = path
        self._masks = masks
        try:
            self._container = av.open(str(path))
            stream = self._container.streams.video[0]
            stream.thread_type = "NONE"
            self._pictures = self._container.decode(stream)
            self._first = next(self._pictures)
        except (av.FFmpegError, OSError, IndexError, StopIteration) as error:
            raise FootageError(f"{path}: cannot be read as video: {_reason(error)}") from None
        self._format = _fit(self._first.width, self._first.height)
        self._encoder = H264Encoder(self._format, float(stream.average_rate or DEFAULT_FPS), bits_per_s)
        self._newest: av.VideoFrame | None = None
        self._stopped = False

    @property
    def format(self) -> VideoFormat:
        """The file's size, made even and at most 1080p."""
        return self._format

    @property
    def length_us(self) -> int:
        """How long the file says it is; 0 if it does not say."""
        return int(self._container.duration or 0)

    def run(self, sink: Sink) -> None:
        """Feed `sink` with the whole file. A picture that cannot be decoded ends it there."""
        self._clock.start(self.length_us)
        for t_us, picture in self._timed():
            self._clock.reach(t_us)
            if self._stopped:
                return
            main = masked(picture.reformat(self._format.width, self._format.height, "yuv420p"), self._masks)
            sink(Frame(t_us, lores_luma(main)))
            packet = self._encoder.encode(main, t_us)
            self._newest = main
            sink(packet)

    def still(self) -> Picture | None:
        """The newest picture as BGR."""
        return bgr(self._newest)

    def expose(self, *, night: bool) -> None:
        """What was filmed was exposed when it was filmed."""

    def stop(self) -> None:
        """End before the file does."""
        self._stopped = True
        self._clock.stop()

    def _timed(self) -> Iterator[tuple[int, av.VideoFrame]]:
        first_us, before_us = _time_us(self._first), -1
        try:
            yield 0, self._first
            before_us = 0
            for picture in self._pictures:
                # Broken files repeat times or go back; a camera never does.
                before_us = max(before_us + 1, _time_us(picture) - first_us)
                yield before_us, picture
        except av.FFmpegError as error:
            reason = _reason(error)
            _log.warning("%s: ends at %.1f s, what follows cannot be read: %s", self._path, before_us / 1e6, reason)


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or "it holds no picture").lower()


def _time_us(picture: av.VideoFrame) -> int:
    if picture.pts is None or picture.time_base is None:
        return 0
    return int(picture.pts * picture.time_base * 1_000_000)


def _fit(width: int, height: int) -> VideoFormat:
    scale = min(1.0, MAX_WIDTH_PX / width, MAX_HEIGHT_PX / height)
    return VideoFormat(max(2, int(width * scale) // 2 * 2), max(2, int(height * scale) // 2 * 2))
