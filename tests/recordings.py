"""Clips as they come out of a recorder: its drafts, put together and held to the grammar that a sealer relies on."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from scene import VIDEO, Shown, shown
from sealbell.items import ClipBegins, ClipEnds, Draft, InitDraft, MediaDraft, MotionKind, NoticeDraft, Packet
from sealbell.watch.cover import Cover, NoCover
from sealbell.watch.recorder import Recorder, Timing

STILL = b"\xff\xd8\xff a picture"


@dataclass(slots=True)
class Clip:
    """What one clip holds. `order` names its drafts in the order in which they left: n, i, v."""

    continues: bool
    notices: list[NoticeDraft] = field(default_factory=list)
    inits: list[InitDraft] = field(default_factory=list)
    media: list[MediaDraft] = field(default_factory=list)
    order: str = ""
    end: ClipEnds | None = None

    @property
    def pictures(self) -> list[Shown]:
        """Every picture of the clip, in the order in which a player shows them."""
        return [picture for draft in self.media for picture in shown(draft.fragment)]

    @property
    def numbers(self) -> list[int]:
        """Which pictures those are."""
        return [picture.number for picture in self.pictures]

    @property
    def ended(self) -> ClipEnds:
        """Its end, which must have come."""
        assert self.end is not None
        return self.end


def clips(drafts: Iterable[Draft]) -> list[Clip]:
    """Put drafts together; fails unless each clip begins, says why at once, and ends before the next begins."""
    found: list[Clip] = []
    for draft in drafts:
        if isinstance(draft, ClipBegins):
            assert not found or found[-1].end, "a clip begins only after the one before has ended"
            found.append(Clip(draft.continues))
            continue
        assert found, "a clip begins before anything is in it"
        clip = found[-1]
        assert clip.end is None, "nothing comes after a clip's end"
        match draft:
            case NoticeDraft():
                clip.notices.append(draft)
                clip.order += "n"
            case InitDraft():
                clip.inits.append(draft)
                clip.order += "i"
            case MediaDraft():
                clip.media.append(draft)
                clip.order += "v"
            case ClipEnds():
                clip.end = draft
        assert clip.order.startswith("n"), "the notice leaves before anything else"
        assert clip.order.count("i") <= 1
        assert "v" not in clip.order or clip.order.index("i") < clip.order.index("v")
    return found


class UpdatesAt:
    """A Cover whose updates are due at the same times in each clip, and under which nothing waits."""

    def __init__(self, *delays_us: int) -> None:
        self._delays_us = delays_us

    def updates_us(self) -> list[int]:
        return list(self._delays_us)

    def wait_us(self, period_us: int) -> int:
        return 0


class Door:
    """A recorder in front of which things happen; `drafts` is all that it has said."""

    def __init__(self, timing: Timing | None = None, cover: Cover | None = None) -> None:
        self.recorder = Recorder(VIDEO, timing or Timing(), lambda: STILL, cover or NoCover())
        self.drafts: list[Draft] = []

    def see(self, *packets: Packet) -> list[Draft]:
        """Pictures come."""
        return self._said([draft for packet in packets for draft in self.recorder.packet(packet)])

    def press(self, t_us: int) -> list[Draft]:
        """Somebody rings."""
        return self._said(self.recorder.press(t_us))

    def motion(self, t_us: int, *, active: bool, kind: MotionKind = "motion", alert: bool = True) -> list[Draft]:
        """The detector says what it thinks, and the mode whom it concerns."""
        return self._said(self.recorder.motion(t_us, active=active, kind=kind, alert=alert))

    def finish(self) -> list[Clip]:
        """The pictures end; return everything as clips, all of which must have ended."""
        self._said(self.recorder.finish())
        found = clips(self.drafts)
        assert all(clip.end for clip in found)
        return found

    def _said(self, drafts: list[Draft]) -> list[Draft]:
        self.drafts += drafts
        return drafts
