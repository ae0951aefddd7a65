"""From what was seen to what shall be sealed: motion detector and recorder in one line, without threads."""

from typing import Protocol

from sealbell.items import Condition, Draft, Frame, Light, Luma, Packet, Presence, Press, Seen
from sealbell.watch.intake import Gap
from sealbell.watch.recorder import Recorder


class Seeing(Protocol):
    """What a detector says of a frame."""

    @property
    def active(self) -> bool:
        """Whether something is moving."""


class Detector(Protocol):
    """A motion detector."""

    def step(self, t_us: int, luma: Luma) -> Seeing:
        """Look at the next lores frame, (240, 320)."""


class Pipeline:
    """A stage: one item in, the drafts that it causes out."""

    def __init__(self, detector: Detector, recorder: Recorder) -> None:
        self._detector = detector
        self._recorder = recorder

    def step(self, item: Seen | Gap) -> list[Draft]:
        """Take what was seen next."""
        match item:
            case Frame():
                return self._recorder.motion(item.t_us, active=self._detector.step(item.t_us, item.luma).active)
            case Packet():
                return self._recorder.packet(item)
            case Press():
                return self._recorder.press(item.t_us)
            case Gap():
                self._recorder.gap(item.pictures)
                return []
            case Presence() | Light() | Condition():
                return []

    def finish(self) -> list[Draft]:
        """Nothing more will be seen."""
        return self._recorder.finish()
