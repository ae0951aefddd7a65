"""One life of the Pi's camera, from opening it to closing it, through picamera2 (read: 0.3.36).

What that library demands of us, and where it was seen:
- Its event loop calls `pre_callback`, then encodes, under a lock of its own: a callback that waits for the camera, or
  for a lock that somebody holds while calling the camera, hangs for ever (#961, #858). Ours only copy and hand on.
- An exception in `pre_callback` keeps the picture from the encoder, and ends the event loop. `stop` then waits for ever
  for the loop to do it; `stop_preview` first, and it does not.
- A sensor that has lost its cable can make closing hang in the kernel (#1065, #1264, #1275): closing has a deadline,
  and the hook that would close at exit is taken away, or the process could not even end.
- Controls that are set just while a picture is given back are lost (`CompletedRequest.release`): say them again.
- Of several sensor modes it takes one by size, and that may be one that cuts the picture out of the middle. (Asking it
  for all modes and their crops would allocate the buffers of each, and a Zero 2 W may not have them.)
"""

import atexit
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sealbell.items import Condition, Frame, Light, Packet, Picture, Trouble, VideoFormat
from sealbell.seams import DeviceError
from sealbell.watch.camera.line import Line
from sealbell.watch.camera.masks import NO_MASKS, Masks
from sealbell.watch.camera.sensortime import SensorTime

LORES = VideoFormat(320, 240)
BUFFERS = 4
MAX_NIGHT_EXPOSURE_US = 66_666  # what libcamera's tuning allows in normal mode; a longer one blurs whoever walks
SECOND_US = 1_000_000
SETTLE_US = 3_000_000  # sensor and process have just begun, and have other things to do
ENOUGH = 0.75  # of the pictures that are due in a second: when exposure changes a few are late
WHOLE_VIEW = {  # the smallest mode of each of Raspberry Pi's sensors that sees all that its lens sees
    "imx219": (1640, 1232),
    "imx477": (2028, 1520),
    "imx708": (2304, 1296),
    "ov5647": (1296, 972),
}
_log = logging.getLogger(__name__)


class CameraError(DeviceError):
    """The camera cannot be used, or fails; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Library:
    """What is used of picamera2 and libcamera: the installed ones, or those that stand in for them."""

    Picamera2: Any
    MappedArray: Any
    H264Encoder: Any
    Output: Any
    Transform: Any


@dataclass(frozen=True, slots=True)
class PiSettings:
    """How the camera films: size in even pixels, and `rotate` 0 or 180 degrees."""

    video: VideoFormat
    fps: int = 15
    bits_per_s: int = 2_000_000
    rotate: int = 0
    masks: Masks = NO_MASKS


@dataclass(frozen=True, slots=True)
class CameraFacts:
    """What turned out to be there. `encoder` is "hardware" (Zero 2 W, 3, 4) or "software" (libx264, on a Pi 5)."""

    model: str
    sensor: VideoFormat
    encoder: str


class Session:
    """The camera while it is open. `times` and `now_us` are ours; what is seen goes into `line`."""

    def __init__(
        self, library: Library, settings: PiSettings, times: SensorTime, now_us: Callable[[], int], line: Line,
        close_s: float,
    ) -> None:  # fmt: skip
        """Open the camera and start it; whatever the library raises comes out, and then nothing is open.

        `close_s` is how long closing may take.
        """
        self._library, self._settings, self._line = library, settings, line
        self._times, self._now_us = times, now_us
        self._close_s = close_s
        self._newest: Picture | None = None
        self._night = False
        self._said_us: int | None = None  # when light was told and controls were said again
        self._keyframe_us: int | None = None
        self._counted_us: int | None = None  # after which pictures count for this second
        self._pictures = 0
        self._few = False
        self._camera = library.Picamera2()
        self._looping = False
        try:
            self._encoder = _encoder(library, settings)
            self._configure()
            self._start()
        except BaseException:
            self.close()
            raise

    @property
    def facts(self) -> CameraFacts:
        """What is there."""
        software = type(self._encoder).__name__.startswith("Libav")
        return CameraFacts(self._model, self._sensor, "software" if software else "hardware")

    @property
    def newest(self) -> Picture | None:
        """The newest picture of the main stream after its masks: YUV420 as `masks.planes` reads it."""
        return self._newest

    def expose(self, *, night: bool) -> None:
        """Expose so from the next picture on."""
        self._night = night
        self._said_us = None

    def close(self) -> None:
        """Close the camera; CameraError if it does not let itself be closed in time."""
        closing = threading.Thread(target=self._close, name="camera-close", daemon=True)
        closing.start()
        closing.join(self._close_s)
        if closing.is_alive():
            atexit.unregister(self._camera.close)
            raise CameraError("the camera hangs in the kernel\nhint: switch the doorbell's power off and on")

    def _configure(self) -> None:
        camera, video = self._camera, self._settings.video
        self._model = str(camera.camera_properties.get("Model", "unknown"))
        view = WHOLE_VIEW.get(self._model.partition("_")[0])
        turned = self._settings.rotate == 180
        camera.configure(
            camera.create_video_configuration(
                main={"size": (video.width, video.height), "format": "YUV420"},
                lores={"size": (LORES.width, LORES.height), "format": "YUV420"},
                raw=None,
                sensor={"output_size": view} if view else {},
                transform=self._library.Transform(hflip=turned, vflip=turned),
                controls=self._controls(),
                display=None,
                buffer_count=BUFFERS,
            )
        )
        self._sensor = VideoFormat(*camera.camera_configuration()["sensor"]["output_size"])
        got = camera.stream_configuration("main")["size"]
        if got != (video.width, video.height):
            raise CameraError(
                f"the camera gives {got[0]}x{got[1]} pixels where {video.width}x{video.height} were asked"
            )

    def _start(self) -> None:
        self._camera.pre_callback = self._look
        self._camera.start_preview(None)
        self._looping = True
        self._camera.start_encoder(self._encoder, _output(self._library.Output, self._coded), name="main")
        self._camera.start()

    def _close(self) -> None:
        try:
            if self._looping:
                self._camera.stop_preview()
            self._camera.stop()
            if self._camera.encoders:
                self._camera.stop_encoder()
            self._camera.close()
        except Exception as error:  # a library that fails in closing has closed what it could
            _log.warning("the camera was closed, and said: %s: %s", type(error).__name__, error)

    @property
    def _longest_us(self) -> int:
        """From one picture to the next."""
        period_us = SECOND_US // self._settings.fps
        return max(period_us, MAX_NIGHT_EXPOSURE_US) if self._night else period_us

    def _controls(self) -> dict[str, object]:
        wanted: dict[str, object] = {
            "FrameDurationLimits": (SECOND_US // self._settings.fps, self._longest_us),
            "Saturation": 0.0 if self._night else 1.0,  # what colour infrared has is nothing that anybody saw
        }
        return {name: value for name, value in wanted.items() if name in self._camera.camera_controls}

    def _look(self, request: Any) -> None:
        """Called for every picture before anything else sees it, on picamera2's event loop."""
        try:
            self._take(request, self._now_us())
        except BaseException as error:
            self._line.fail(error)
            raise  # the only way to keep this picture from the encoder

    def _take(self, request: Any, now_us: int) -> None:
        masks, mapped = self._settings.masks, self._library.MappedArray
        metadata = request.get_metadata()
        with mapped(request, "main") as main, mapped(request, "lores") as lores:
            masks.burn(main.array, self._settings.video)
            masks.burn(lores.array, LORES)
            newest: Picture = main.array.copy()
            luma = np.array(lores.array[: LORES.height, : LORES.width], order="C")
        # By the encoder's own arithmetic, or its stamps would differ by a microsecond after weeks of running.
        t_us = self._times.take(int(metadata["SensorTimestamp"] / 1000), now_us)
        self._newest = newest
        self._line.put(Frame(t_us, luma))
        self._count(t_us)
        if self._said_us is None or t_us - self._said_us >= SECOND_US:
            self._said_us = t_us
            self._camera.set_controls(self._controls())
            if "Lux" in metadata:
                self._line.put(Light(t_us, float(metadata["Lux"])))
        self._keep_gop_short(t_us)

    def _count(self, t_us: int) -> None:
        """Say it where far fewer pictures come than are due, second by second, and when they are enough again."""
        if self._counted_us is None:
            self._counted_us = t_us + SETTLE_US
        if t_us <= self._counted_us:
            return
        self._pictures += 1
        for_us = t_us - self._counted_us
        if for_us < SECOND_US:
            return
        few = self._pictures < ENOUGH * for_us / self._longest_us
        if few or self._few:
            self._line.put(Condition(t_us, Trouble.PICTURES_LOST, present=few))
        self._few, self._counted_us, self._pictures = few, t_us, 0

    def _keep_gop_short(self, t_us: int) -> None:
        """Where pictures come slower than was said (by night, or some are lost), ask for the keyframe that is due."""
        if self._keyframe_us is not None and t_us - self._keyframe_us > SECOND_US * (1 + 1 / self._settings.fps):
            self._keyframe_us = t_us
            self._encoder.force_key_frame()

    def _coded(self, data: bytes, stamp_us: int, *, keyframe: bool) -> None:
        """Called for every encoded picture, on the encoder's thread (on a Pi 5 picamera2's event loop)."""
        try:
            t_us = self._times.of(self._encoder.firsttimestamp + stamp_us)
            if keyframe:
                self._keyframe_us = t_us
            self._line.put(Packet(t_us, bytes(data), keyframe))
        except BaseException as error:  # told to `run`, which raises it; here it would only hang the encoder
            self._line.fail(error)


def _encoder(library: Library, settings: PiSettings) -> Any:
    # Both kinds know these arguments, whichever stands behind the name (#1135).
    encoder = library.H264Encoder(
        bitrate=settings.bits_per_s, repeat=True, iperiod=settings.fps, framerate=settings.fps, profile="main"
    )
    if hasattr(encoder, "threads"):  # libx264: frames coded side by side come late
        encoder.threads, encoder.drop_final_frames = 1, True
    return encoder


def _output(base: type[Any], coded: Callable[..., None]) -> Any:
    class Hand(base):  # type: ignore[misc]  # the library exists only on a Pi; its encoders take only its own kind
        """Takes each picture out of an encoder's hand."""

        def outputframe(
            self, frame: bytes, keyframe: bool = True, timestamp: int = 0, packet: object = None, audio: bool = False
        ) -> None:
            """See picamera2.outputs.Output."""
            coded(frame, timestamp, keyframe=keyframe)

    return Hand()
