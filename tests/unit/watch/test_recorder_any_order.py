"""Whatever comes in whatever order: what a recorder's clips hold.

Times are scaled down (a cap of five seconds, pictures two to four a second), so that a script of a hundred steps passes
several caps.
"""

from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from recordings import Clip, Door
from scene import packet
from sealbell.items import Packet
from sealbell.watch.recorder import Timing

TIMING = Timing(preroll_us=900_000, postroll_us=1_500_000, cap_us=5_000_000, fragment_us=600_000)
MAX_GOP_PICTURES = 4
MAX_STEP_US = 400_000

Step = tuple[str, int, int]
PERIODS_US = (1, 90_000, 250_000, MAX_STEP_US)
steps = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(["quiet", "quiet", "moving", "moving"]), st.integers(1, 12), st.sampled_from(PERIODS_US)
        ),
        st.tuples(st.just("keyframe"), st.just(1), st.sampled_from(PERIODS_US)),
        st.tuples(st.just("press"), st.just(1), st.just(0)),
        st.tuples(st.just("gap"), st.integers(1, 3), st.just(0)),
    ),
    min_size=8,
    max_size=30,
)


@dataclass
class Story:
    """What happened: pictures by number, who was seen when, and which pictures a gap may have cost."""

    door: Door = field(default_factory=lambda: Door(TIMING))
    now_us: int = 0
    pictures: list[Packet] = field(default_factory=list)
    presses_us: list[int] = field(default_factory=list)
    triggers_us: list[int] = field(default_factory=list)
    gop: list[int] = field(default_factory=list)
    torn: set[int] = field(default_factory=set)
    lost_in_clips: int = 0
    waiting_at_gaps: int = 0
    since_keyframe: int = 0

    def tell(self, script: list[Step]) -> list[Clip]:
        self.picture(keyframe=True)
        for what, count, period_us in script:
            if what == "gap":
                self.gap(count)
                continue
            for _ in range(count):
                match what:
                    case "press":
                        self.press()
                    case "keyframe":
                        self.picture(period_us, keyframe=True)
                    case _:
                        self.frame(moving=what == "moving")
                        self.picture(period_us)
        return self.door.finish()

    def frame(self, *, moving: bool) -> None:
        self.triggers_us += [self.now_us] if moving else []
        self.door.motion(self.now_us, active=moving)

    def picture(self, step_us: int = 0, *, keyframe: bool = False) -> None:
        self.now_us += step_us
        keyframe = keyframe or self.since_keyframe == MAX_GOP_PICTURES - 1
        self.since_keyframe = 0 if keyframe else self.since_keyframe + 1
        self.gop = [] if keyframe else self.gop
        number = len(self.pictures)
        self.gop.append(number)
        self.pictures.append(packet(self.now_us, number, keyframe=keyframe))
        if not keyframe and self.torn & set(self.gop):
            self.torn.add(number)
            self.lost_in_clips += self.door.recorder.recording
        self.door.see(self.pictures[-1])

    def press(self) -> None:
        self.presses_us.append(self.now_us)
        self.triggers_us.append(self.now_us)
        drafts = self.door.press(self.now_us)
        notices = [draft for draft in drafts if type(draft).__name__ == "NoticeDraft"]
        assert [notice.t_us for notice in notices] == [self.now_us]  # type: ignore[union-attr]

    def gap(self, count: int) -> None:
        self.lost_in_clips += count if self.door.recorder.recording else 0
        self.waiting_at_gaps += len(self.gop)
        self.torn |= set(self.gop)
        self.door.recorder.gap(count)


@settings(max_examples=200, deadline=None)
@given(script=steps)
def test_clips_hold_what_they_promise(script: list[Step]) -> None:
    story = Story()
    clips = story.tell(script)
    held = [number for clip in clips for number in clip.numbers]
    assert held == sorted(set(held)), "in order, none in two clips, none twice"
    assert_everything_near_a_trigger_is_held(story, set(held))
    assert_only_what_is_near_a_trigger_is_held(story, clips)
    for before, clip in zip([None, *clips], clips, strict=False):
        assert_clip_is_whole(story, clip)
        if clip.continues:
            assert before is not None
            assert_neighbours(story, before, clip)
    assert sum(len(clip.notices) for clip in clips) >= len(story.presses_us)
    lost = sum(clip.ended.lost for clip in clips)
    assert story.lost_in_clips <= lost <= story.lost_in_clips + story.waiting_at_gaps


def assert_everything_near_a_trigger_is_held(story: Story, held: set[int]) -> None:
    for number, picture in enumerate(story.pictures):
        near = any(t_us - TIMING.preroll_us <= picture.t_us < t_us + TIMING.postroll_us for t_us in story.triggers_us)
        assert number in held or number in story.torn or not near, f"picture {number} is in no clip"


def assert_only_what_is_near_a_trigger_is_held(story: Story, clips: list[Clip]) -> None:
    slack_us = longest_gop_us(story)
    for number in (number for clip in clips for number in clip.numbers):
        t_us = story.pictures[number].t_us
        assert any(
            at_us - TIMING.preroll_us - slack_us <= t_us <= at_us + TIMING.postroll_us + slack_us
            for at_us in story.triggers_us
        ), f"picture {number} is in a clip without anybody there"


def assert_clip_is_whole(story: Story, clip: Clip) -> None:
    if not clip.media:
        return
    assert clip.inits
    assert clip.media[0].keyframe, "a player can begin at the first fragment"
    assert clip.ended.end_us - clip.ended.start_us < TIMING.cap_us + longest_gop_us(story)
    assert clip.ended.start_us == story.pictures[clip.numbers[0]].t_us
    missing = set(range(clip.numbers[0], clip.numbers[-1] + 1)) - set(clip.numbers)
    assert missing <= story.torn


def assert_neighbours(story: Story, before: Clip, clip: Clip) -> None:
    assert before.end is not None
    if before.numbers and clip.numbers:
        between = set(range(before.numbers[-1] + 1, clip.numbers[0]))
        assert between <= story.torn, "the cap cuts nothing out"


def longest_gop_us(story: Story) -> int:
    # A keyframe whose pictures were torn is none to begin with.
    begins = [n for n, picture in enumerate(story.pictures) if picture.keyframe and n not in story.torn]
    times = [0, *(story.pictures[n].t_us for n in begins), story.now_us]
    return max(later - sooner for sooner, later in pairwise(times)) + MAX_STEP_US
