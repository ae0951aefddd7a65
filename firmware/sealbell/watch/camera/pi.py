"""The Pi's camera. The one module that imports picamera2, and only when a camera is wanted."""

import logging
import threading

import cv2
import numpy as np

from sealbell.items import Condition, Packet, Picture, Trouble, VideoFormat
from sealbell.seams import Clock, Sink
from sealbell.watch.camera.line import Line
from sealbell.watch.camera.masks import planes
from sealbell.watch.camera.sensortime import SensorTime
from sealbell.watch.camera.session import CameraError, CameraFacts, Library, PiSettings, Session

__all__ = ["CameraError", "CameraFacts", "Library", "PiCamera", "PiSettings", "installed"]

LINE_ITEMS = 90  # three seconds of pictures at 15 a second, lores and packet each
LOOK_S = 0.2
MAX_SILENCE_US = 3_000_000
MAX_FIRST_SILENCE_US = 10_000_000  # until the first picture: the sensor starts, exposure settles
MAX_RESTARTS = 3
HEALTHY_US = 60_000_000
CLOSE_S = 8.0
_log = logging.getLogger(__name__)


def installed() -> Library:
    """Return the picamera2 of this machine; CameraError if there is none."""
    try:
        # Only a Pi has them, and there they take seconds and much memory: not before a camera is wanted.
        import libcamera  # noqa: PLC0415
        import picamera2  # noqa: PLC0415
        import picamera2.encoders  # noqa: PLC0415
        import picamera2.outputs  # noqa: PLC0415
    except ImportError as error:
        raise CameraError(
            f"picamera2 cannot be used here: {error}\nhint: sudo apt install python3-picamera2"
        ) from error
    return Library(
        picamera2.Picamera2, picamera2.MappedArray, picamera2.encoders.H264Encoder, picamera2.outputs.Output,
        libcamera.Transform,
    )  # fmt: skip


class PiCamera:
    """The camera seam on picamera2. Where pictures stop it starts the camera anew, and gives up if that does not help.

    It ends by CameraError then, so that the process ends and systemd starts it again. So it does, at once, where a
    callback failed: a picture that could not be masked must not be followed by one that perhaps was not either.
    """

    def __init__(
        self, settings: PiSettings, clock: Clock, library: Library | None = None, close_s: float = CLOSE_S
    ) -> None:
        """`library` is what stands in for picamera2; CameraError if None is handed in and none is installed."""
        self._settings = settings
        self._clock = clock
        self._library = library or installed()
        self._line = Line(LINE_ITEMS)
        self._close_s = close_s
        self._times = SensorTime()
        self._session: Session | None = None
        self._newest: Picture | None = None
        self._night = False
        self._stalled = False
        self._stopped = threading.Event()

    @property
    def format(self) -> VideoFormat:
        """The size that is filmed."""
        return self._settings.video

    @property
    def facts(self) -> CameraFacts | None:
        """Which sensor and encoder there are; None until the camera has been opened."""
        return self._session.facts if self._session else None

    def run(self, sink: Sink) -> None:
        """Feed `sink` until stopped; CameraError if the camera fails for good."""
        try:
            self._run(sink)
        except CameraError as error:
            _log.error("%s", error)
            sink(Condition(self._clock.now_us(), Trouble.CAMERA_FAILING, present=True))
            raise

    def still(self) -> Picture | None:
        """The newest picture after its masks, as BGR."""
        newest = self._session.newest if self._session else None
        if newest is None or self._stalled:  # what it shows is over
            return None
        video = self._settings.video
        where = planes(newest, video)
        packed = np.concatenate([where.y.reshape(-1), where.u.reshape(-1), where.v.reshape(-1)])
        bgr = cv2.cvtColor(packed.reshape(video.height * 3 // 2, video.width), cv2.COLOR_YUV2BGR_I420)
        return np.asarray(bgr, dtype=np.uint8)

    def expose(self, *, night: bool) -> None:
        """Expose for the night, or for the day, from the next picture on."""
        self._night = night
        if session := self._session:
            session.expose(night=night)

    def stop(self) -> None:
        """Make `run` return soon."""
        self._stopped.set()
        self._line.wake()

    def _run(self, sink: Sink) -> None:
        restarts = 0
        while not self._stopped.is_set():
            began_us = self._clock.now_us()
            session = self._open()
            try:
                self._feed(sink)
                if not self._stopped.is_set():
                    self._say_stalled(sink, stalled=True)
            finally:
                session.close()
            if self._stopped.is_set():
                return
            restarts = 1 if self._clock.now_us() - began_us >= HEALTHY_US else restarts + 1
            if restarts > MAX_RESTARTS:
                raise CameraError(
                    f"the camera gives no pictures, and {MAX_RESTARTS} restarts did not help\n"
                    "hint: check both ends of its ribbon cable, with the power off; a weak power supply does it too"
                )
            _log.warning("the camera gives no more pictures: restart %d of %d", restarts, MAX_RESTARTS)

    def _open(self) -> Session:
        self._times.restart()
        try:
            session = Session(self._library, self._settings, self._times, self._clock.now_us, self._line, self._close_s)
        except CameraError:
            raise
        except Exception as error:  # picamera2 raises what it likes: IndexError where no camera is connected
            said = f": {error}" if str(error) and not isinstance(error, IndexError) else ""
            raise CameraError(
                f"the camera cannot be opened{said}\n"
                "hint: does rpicam-hello --list-cameras see it, and does no other program use it?"
            ) from error
        session.expose(night=self._night)
        self._session = session
        _log.info("camera: %s", session.facts)
        return session

    def _feed(self, sink: Sink) -> None:
        """Hand on what comes, until stopped or until no more comes."""
        seen_us, patience_us = self._clock.now_us(), MAX_FIRST_SILENCE_US
        while not self._stopped.is_set():
            item = self._line.take(LOOK_S)
            if failure := self._line.failure:
                raise CameraError(f"a picture could not be handled: {type(failure).__name__}: {failure}") from failure
            now_us = self._clock.now_us()
            if isinstance(item, Packet):  # only an encoded picture is a sign of life
                seen_us, patience_us = now_us, MAX_SILENCE_US
                if self._stalled:
                    self._say_stalled(sink, stalled=False)
            elif now_us - seen_us > patience_us:
                return
            elif item is None and self._stalled:
                self._say_stalled(sink, stalled=True)  # again: whoever listens knows that we are at it
            if item is not None:
                sink(item)
                seen_us += self._clock.now_us() - now_us  # the time that the sink took is not the camera's

    def _say_stalled(self, sink: Sink, *, stalled: bool) -> None:
        self._stalled = stalled
        sink(Condition(self._clock.now_us(), Trouble.CAMERA_STALLED, present=stalled))
