"""The sensor's time and ours, and which pictures may pass.

On which clock the sensor's stamps are is told differently (libcamera's documentation: CLOCK_BOOTTIME; measured on a
Pi 5: CLOCK_MONOTONIC, christianrauch/camera_ros#127), so we pair the clocks ourselves: a stamp is never later than the
moment at which we get its picture, and the picture that came quickest tells the difference best. A picture that is
delivered late keeps its place; none lies in the future, and none before another that was sooner.
"""

from collections import deque

MAX_WAITING_PICTURES = 256  # between camera and encoder; picamera2's own buffers are far fewer


class SensorTime:
    """`take` is told each picture that was looked at, `of` each that was encoded; both in microseconds."""

    def __init__(self) -> None:
        self._newest_us = -1
        self._offset_us: int | None = None
        self._taken: deque[tuple[int, int]] = deque(maxlen=MAX_WAITING_PICTURES)

    def restart(self) -> None:
        """The sensor starts anew: pair its clock anew. Our time goes on."""
        self._offset_us = None
        self._taken.clear()

    def take(self, stamp_us: int, now_us: int) -> int:
        """Return our time of the picture with that stamp, which was got at our time `now_us`."""
        offset_us = now_us - stamp_us
        self._offset_us = offset_us if self._offset_us is None else min(self._offset_us, offset_us)
        self._newest_us = max(self._newest_us + 1, stamp_us + self._offset_us)
        self._taken.append((stamp_us, self._newest_us))
        return self._newest_us

    def of(self, stamp_us: int) -> int:
        """Return our time of an encoded picture; LookupError if it is none that was taken, or older than the last."""
        while self._taken:  # encoders leave pictures out at times, and keep their order
            taken_us, t_us = self._taken.popleft()
            if taken_us == stamp_us:
                return t_us
        raise LookupError("a picture was encoded that was never looked at")
