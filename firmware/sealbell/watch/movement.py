"""Whether somebody is at the door who does not ring: by the picture, by the PIR, by either, or by both.

Both err, and for different reasons: rain, insects and headlights move in the picture and warm nothing; sun on a wall
warms and moves nothing. So with "both" each must have seen something within OVERLAP_US of the other. They do not begin
together: a PIR holds its output for some seconds after a movement, and the picture takes a fifth of a second.

A PIR that never lets go makes "both" the picture alone, and one that is dead makes it blind: that is its price.
"""

from sealbell.config.settings import MotionSource
from sealbell.items import MotionKind

OVERLAP_US = 3_000_000


class Movement:
    """Pure: told what each sensor says and when, answers what that comes to.

    The answer is None for nobody, "pir" if the PIR alone says so, else "motion": a trigger's kind (wire/SPEC.md 9.3).
    """

    def __init__(self, source: MotionSource) -> None:
        self._source = source
        self._active = self._present = False
        self._active_us: int | None = None  # when last
        self._present_us: int | None = None

    @property
    def looks(self) -> bool:
        """Whether it matters what the detector says."""
        return self._source != "pir"

    def picture(self, t_us: int, *, active: bool) -> MotionKind | None:
        """Take what the detector says of the frame at `t_us`."""
        self._active = active
        return self._answer(t_us)

    def pir(self, t_us: int, *, present: bool) -> MotionKind | None:
        """Take a change of the PIR."""
        self._present_us = t_us if self._present else self._present_us  # it was so up to now
        self._present = present
        return self._answer(t_us)

    def _answer(self, t_us: int) -> MotionKind | None:
        self._active_us = t_us if self._active else self._active_us
        self._present_us = t_us if self._present else self._present_us
        match self._source:
            case "picture":
                return "motion" if self._active else None
            case "pir":
                return "pir" if self._present else None
            case "either":
                return "motion" if self._active else "pir" if self._present else None
            case "both":
                return "motion" if (self._active or self._present) and self._overlap(t_us) else None

    def _overlap(self, t_us: int) -> bool:
        if self._active_us is None or self._present_us is None:
            return False
        return t_us - min(self._active_us, self._present_us) <= OVERLAP_US
