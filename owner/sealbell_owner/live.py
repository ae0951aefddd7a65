"""Clips of one doorbell while they are recorded: parts in as the relay has them, films out as far as they can play.

Theory. Parts of a clip come nearly in order, and a clip's parts nearly all before the next one's. A clip is finished
when its signed end and every part before it is held; it is given up, interrupted, when a later clip is finished.
`after` is the newest clip that is over, or one just before the oldest that is still open: following from there again
after a lost connection misses nothing, and what comes twice is recognised by its hash.
"""

from dataclasses import dataclass, field

from sealbell_owner.clip import Clip, Opened, Trust
from sealbell_owner.film import Film
from sealbell_owner.stored import split_stored
from sealbell_wire.errors import ContradictionError
from sealbell_wire.ids import ZERO_ID
from sealbell_wire.part import parse_part

MAX_OPEN_CLIPS = 8


def just_before(clip: str) -> str:
    """Return the id that sorts right before `clip`: a place in the order, not a clip."""
    return f"{max(int(clip, 16) - 1, 0):032x}"


@dataclass(slots=True)
class Taking:
    """What one stored object led to: the part, what of its clip can now be played, and clips that are over."""

    clip: Clip
    opened: Opened
    pieces: list[bytes]
    over: list["Over"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Over:
    """A clip of which nothing more is awaited, with what can still be played of it."""

    clip: Clip
    pieces: list[bytes]


class Live:
    """Follows one doorbell from the clip after `after` on."""

    def __init__(self, trust: Trust, after: str = ZERO_ID) -> None:
        self._trust = trust
        self._over = after
        self._open: dict[str, tuple[Clip, Film]] = {}

    @property
    def after(self) -> str:
        """Where to follow from after a lost connection."""
        return just_before(min(self._open)) if self._open else self._over

    def take(self, stored: bytes) -> Taking | None:
        """Verify one stored object; None if it is held already. Raises WireError, and then nothing has changed."""
        name = parse_part(split_stored(stored)[0]).record.clip
        if name <= self._over:
            raise ContradictionError(f"a part of clip {name} is shown, which is over")
        clip, film = self._open.get(name) or (Clip(name, self._trust), Film())
        opened = clip.take(stored)
        if opened is None:
            return None
        self._open[name] = (clip, film)
        taking = Taking(clip, opened, film.add(opened.part.record, opened.plaintext))
        if clip.manifest and not clip.missing:
            taking.over = self._close(name)
        elif len(self._open) > MAX_OPEN_CLIPS:
            taking.over = self._close(min(self._open))
        return taking

    def finish(self) -> list[Over]:
        """Nothing more comes: give up what is open."""
        return self._close(max(self._open)) if self._open else []

    def _close(self, through: str) -> list[Over]:
        names = sorted(name for name in self._open if name <= through)
        self._over = max(self._over, through)
        closed = [self._open.pop(name) for name in names]
        return [Over(clip, film.finish()) for clip, film in closed]
