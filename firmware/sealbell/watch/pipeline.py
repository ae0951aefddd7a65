"""From what was seen to what shall be sealed, in one line and without threads.

Motion in the picture and the PIR come to one answer, the mode in force says what motion does, and the recorder makes
clips of it. A press goes to the recorder whatever the mode is.
"""

from collections.abc import Callable
from typing import Protocol

from sealbell.config.settings import Action
from sealbell.items import Condition, Draft, Frame, Light, Luma, MotionKind, Packet, Presence, Press, Seen
from sealbell.watch.intake import Gap
from sealbell.watch.movement import Movement
from sealbell.watch.night import Night
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

    def reset(self) -> None:
        """Forget the scene: we ourselves changed how it looks."""


class Pipeline:
    """A stage: one item in, the drafts that it causes out."""

    def __init__(
        self,
        detector: Detector,
        recorder: Recorder,
        movement: Movement,
        night: Night,
        on_motion: Callable[[int], Action],
        switch: Callable[[bool], None],
    ) -> None:
        """`on_motion` says what motion does at a monotonic time; `switch` exposes and lights for the night, or not."""
        self._detector = detector
        self._recorder = recorder
        self._movement = movement
        self._night = night
        self._on_motion = on_motion
        self._switch = switch

    def step(self, item: Seen | Gap) -> list[Draft]:
        """Take what was seen next."""
        if isinstance(item, Frame | Packet):
            self._recorder.shown(item.t_us)
        match item:
            case Frame():
                active = self._movement.looks and self._detector.step(item.t_us, item.luma).active
                return self._moved(item.t_us, self._movement.picture(item.t_us, active=active))
            case Packet():
                return self._recorder.packet(item)
            case Press():
                return self._recorder.press(item.t_us)
            case Presence():
                return self._moved(item.t_us, self._movement.pir(item.t_us, present=item.present))
            case Light() | Gap() | Condition():
                self._note(item)
                return []

    def finish(self) -> list[Draft]:
        """Nothing more will be seen."""
        return self._recorder.finish()

    def _note(self, item: Light | Gap | Condition) -> None:
        if isinstance(item, Gap):
            self._recorder.gap(item.pictures)
        elif isinstance(item, Light) and self._night.step(item):
            self._switch(self._night.night)
            self._detector.reset()

    def _moved(self, t_us: int, kind: MotionKind | None) -> list[Draft]:
        action = self._on_motion(t_us) if kind else "ignore"
        if kind is None or action == "ignore":
            return self._recorder.motion(t_us, active=False)
        return self._recorder.motion(t_us, active=True, kind=kind, alert=action == "alert")
