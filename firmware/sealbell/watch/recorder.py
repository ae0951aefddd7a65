"""When a clip begins, what is in it, and when it ends.

Theory. Packets come in order and are gathered into runs (normally a GOP). While nothing happens, runs go round in the
pre-roll. A trigger (a press, or motion becoming active) opens a clip: its notice leaves first, then its header, then
the pre-roll, then each run as it completes. Every further press is a notice in the clip; a press and motion that is
still active move the clip's end to `postroll_us` after them. The clip ends at the first keyframe at or after its end,
so that the next clip can begin with a whole picture; if no keyframe comes, it ends KEYFRAME_PATIENCE_US later. A clip
that has lasted `cap_us` ends at a keyframe and a next one goes on from that very keyframe.

Motion that is only to be recorded opens a clip whose notice calls nobody. Where that turns, in such a clip, into motion
that the owner is to be called for, one more notice does so. A clip that goes on from another calls as that one did.

While something moves, updates leave as the cover wants them (cover.py): notices that nobody caused and that call
nobody. Every other further notice takes the place of the next one. One that is due while nothing moves waits, and those
behind it as long; so none is nearer to a clip's end than a press could be, and nothing else of the clip changes.

To whoever cannot open it, a notice tells the time of the newest picture, as every other part does: the time of a press
is on no picture, and would tell itself by that.

Only packets and triggers move the state; there is no clock and no thread. What is between two keyframes when packets
were lost is left out and counted, since a player would show it broken.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from sealbell.items import (
    ClipBegins,
    ClipEnds,
    Draft,
    InitDraft,
    MediaDraft,
    MotionKind,
    NoticeDraft,
    Packet,
    Run,
    VideoFormat,
)
from sealbell.watch import mp4
from sealbell.watch.cover import Cover
from sealbell.watch.gather import Gatherer
from sealbell.watch.preroll import Preroll
from sealbell_wire.content import MAX_TRIGGERS, NoticeKind, Trigger, TriggerKind
from sealbell_wire.limits import MAX_PART_BYTES

KEYFRAME_PATIENCE_US = 2_000_000
MAX_RUN_BYTES = MAX_PART_BYTES - 80_000  # room for boxes, padding (2 %) and the header's eight stanzas
MAX_PREROLL_BYTES = 16_000_000


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things last, in microseconds."""

    preroll_us: int = 3_000_000
    postroll_us: int = 5_000_000
    cap_us: int = 60_000_000
    fragment_us: int = 1_000_000


@dataclass(slots=True)
class _Clip:
    kind: TriggerKind
    alerted: bool
    ends_us: int
    updates_us: deque[int]
    triggers: list[Trigger] = field(default_factory=list)
    base_us: int | None = None
    shown_until_us: int = 0
    fragments: int = 0
    lost: int = 0


class Recorder:
    """A stage: every call returns the drafts that it caused, in the order in which they must be sealed."""

    def __init__(self, video: VideoFormat, timing: Timing, still: Callable[[], bytes], cover: Cover) -> None:
        """`still` returns the newest picture as a JPEG within a notice's limit, or nothing."""
        self._video = video
        self._timing = timing
        self._still = still
        self._cover = cover
        self._gatherer = Gatherer(timing.fragment_us, MAX_RUN_BYTES)
        self._preroll = Preroll(timing.preroll_us, MAX_PREROLL_BYTES)
        self._clip: _Clip | None = None
        self._moving: MotionKind | None = None
        self._broken = False
        self._shown_us: int | None = None
        self._period_us = 0

    @property
    def recording(self) -> bool:
        """Whether a clip is open."""
        return self._clip is not None

    def press(self, t_us: int) -> list[Draft]:
        """Somebody rang: always a notice, always recorded."""
        opened = [] if self._clip else self._open("button", t_us, alert=True, continues=False)
        clip = self._current()
        clip.kind, clip.alerted = "button", True
        clip.ends_us = max(clip.ends_us, t_us + self._timing.postroll_us)
        self._note(clip, Trigger("button", t_us // 1_000, t_us // 1_000))
        return opened or self._further(clip, t_us, "button")

    def motion(self, t_us: int, *, active: bool, kind: MotionKind = "motion", alert: bool = True) -> list[Draft]:
        """Whether something moves at `t_us`, what noticed it, and whether the owner is to be called for it."""
        begins = kind != self._moving
        self._moving = kind if active else None
        if not active:
            return []
        drafts = [] if self._clip else self._open(kind, t_us, alert=alert, continues=False)
        clip = self._current()
        clip.ends_us = max(clip.ends_us, t_us + self._timing.postroll_us)
        self._extend_motion(clip, kind, t_us // 1_000, begins=begins)
        if alert and not clip.alerted:
            clip.alerted = True
            drafts += self._further(clip, t_us, kind)
        elif self._update_is_due(clip, t_us):
            drafts.append(self._notice(t_us, "update", alert=False))
        return drafts

    def shown(self, t_us: int) -> None:
        """A picture of this time was seen."""
        if self._shown_us is not None and t_us > self._shown_us:
            self._period_us = t_us - self._shown_us
        self._shown_us = t_us

    def packet(self, packet: Packet) -> list[Draft]:
        """Take the next picture."""
        if self._broken and not packet.keyframe:
            self._count_lost(1)
            return self._turn(packet)
        self._broken = False
        try:
            run = self._gatherer.add(packet)
        except ValueError:
            self.gap(1)
            return []
        drafts = self._take(run) if run else []
        return drafts + self._turn(packet)

    def gap(self, packets: int) -> None:
        """Packets were lost before this stage: leave out everything up to the next keyframe."""
        self._count_lost(packets + len(self._gatherer.pending))
        self._gatherer.discard()
        self._broken = True

    def finish(self) -> list[Draft]:
        """The pictures ended: close what is open."""
        run = self._gatherer.flush()
        drafts = self._take(run) if run else []
        return drafts + self._close()

    def _open(self, kind: TriggerKind, t_us: int, *, alert: bool, continues: bool) -> list[Draft]:
        updates_us = deque(t_us + delay_us for delay_us in self._cover.updates_us())
        self._clip = _Clip(kind, alert, t_us + self._timing.postroll_us, updates_us)
        drafts: list[Draft] = [ClipBegins(continues), self._notice(t_us, kind, alert=alert)]
        for run in self._preroll.take(t_us - self._timing.preroll_us):
            drafts += self._take(run)
        return drafts

    def _further(self, clip: _Clip, t_us: int, kind: TriggerKind) -> list[Draft]:
        if clip.updates_us:
            clip.updates_us.popleft()
        return [self._notice(t_us, kind, alert=True)]

    def _update_is_due(self, clip: _Clip, t_us: int) -> bool:
        if not clip.updates_us or clip.updates_us[0] > t_us:
            return False
        late_us = t_us - clip.updates_us.popleft()
        clip.updates_us = deque(due_us + late_us for due_us in clip.updates_us)
        return True

    def _notice(self, t_us: int, kind: NoticeKind, *, alert: bool) -> NoticeDraft:
        wait_us = self._cover.wait_us(self._period_us) if t_us == self._shown_us else 0
        return NoticeDraft(t_us, kind, self._still(), alert, self._shown_us, wait_us)

    def _take(self, run: Run) -> list[Draft]:
        clip = self._clip
        if clip is None:
            self._preroll.add(run)
            return []
        drafts: list[Draft] = []
        if clip.base_us is None:
            if not run.keyframe:
                clip.lost += len(run.packets)
                return []
            clip.base_us = run.start_us
            drafts.append(InitDraft(run.start_us, mp4.header(self._video, run.packets[0].data)))
        clip.fragments += 1
        clip.shown_until_us = run.end_us
        moof_mdat = mp4.fragment(clip.fragments, clip.base_us, run)
        drafts.append(MediaDraft(run.start_us, moof_mdat, run.keyframe, len(run.packets)))
        return drafts

    def _turn(self, packet: Packet) -> list[Draft]:
        # Decided with `packet` pending: everything before it is in the clip that may end now.
        clip = self._clip
        if clip is None:
            return []
        patience_us = 0 if packet.keyframe else KEYFRAME_PATIENCE_US
        if packet.t_us >= clip.ends_us + patience_us:
            return self._close()
        if packet.keyframe and clip.base_us is not None and packet.t_us - clip.base_us >= self._timing.cap_us:
            return self._go_on(clip, packet.t_us)
        return []

    def _go_on(self, clip: _Clip, t_us: int) -> list[Draft]:
        drafts = self._close()
        drafts += self._open(self._moving or clip.kind, t_us, alert=clip.alerted, continues=True)
        following = self._current()
        following.ends_us = clip.ends_us
        if self._moving:
            self._extend_motion(following, self._moving, t_us // 1_000, begins=True)
        return drafts

    def _close(self) -> list[Draft]:
        clip, self._clip = self._clip, None
        if clip is None:
            return []
        if clip.base_us is not None:
            start_us, end_us = clip.base_us, clip.shown_until_us
        else:
            start_us = end_us = clip.ends_us
        return [ClipEnds(start_us, end_us, tuple(clip.triggers), clip.lost)]

    def _current(self) -> _Clip:
        if self._clip is None:
            raise AssertionError("a clip is open here: it was opened in the line before")
        return self._clip

    def _note(self, clip: _Clip, trigger: Trigger) -> None:
        if len(clip.triggers) < MAX_TRIGGERS:
            clip.triggers.append(trigger)

    def _extend_motion(self, clip: _Clip, kind: MotionKind, t_ms: int, *, begins: bool) -> None:
        for i in range(len(clip.triggers) - 1, -1, -1):
            if not begins and clip.triggers[i].kind == kind:
                clip.triggers[i] = Trigger(kind, clip.triggers[i].from_ms, t_ms)
                return
        self._note(clip, Trigger(kind, t_ms, t_ms))

    def _count_lost(self, packets: int) -> None:
        if self._clip:
            self._clip.lost += packets
