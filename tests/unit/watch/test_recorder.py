import pytest

from recordings import STILL, Door
from scene import VIDEO, packet, packets
from sealbell.items import ClipBegins, ClipEnds, InitDraft, MediaDraft, NoticeDraft
from sealbell.watch import mp4
from sealbell.watch.recorder import KEYFRAME_PATIENCE_US, Timing
from sealbell_wire.content import MAX_TRIGGERS, Trigger

S = 1_000_000


def test_nothing_is_recorded_while_nothing_happens() -> None:
    door = Door()
    door.see(*packets(300))
    assert door.finish() == []


def test_clip_holds_three_seconds_before_the_press_and_five_after() -> None:
    door = Door()
    film = packets(300)
    door.see(*film[:120])
    door.press(12 * S)
    door.see(*film[120:])
    (clip,) = door.finish()
    # Ten pictures a second, a keyframe each second: from the keyframe at 9 s to the one at 17 s.
    assert clip.numbers == list(range(90, 170))
    assert (clip.ended.start_us, clip.ended.end_us, clip.ended.lost) == (9 * S, 17 * S, 0)
    assert clip.ended.triggers == (Trigger("button", 12_000, 12_000),)


def test_preroll_begins_at_the_keyframe_at_or_before_three_seconds() -> None:
    door = Door()
    film = packets(300)
    door.see(*film[:125])
    door.press(12_450_000)
    door.see(*film[125:])
    (clip,) = door.finish()
    assert clip.numbers[0] == 90
    assert clip.numbers[-1] == 179, "the post-roll of 17.45 s ends at the next keyframe"


def test_notice_leaves_before_header_and_preroll() -> None:
    door = Door()
    door.see(*packets(60))
    drafts = door.press(6 * S)
    assert [type(draft) for draft in drafts[:3]] == [ClipBegins, NoticeDraft, InitDraft]
    assert all(isinstance(draft, MediaDraft) for draft in drafts[3:])
    assert len(drafts) > 3, "the pre-roll leaves at the trigger, not when it expires"
    assert drafts[1] == NoticeDraft(6 * S, "button", STILL)


@pytest.mark.parametrize("gop", [4, 10])
def test_fragment_leaves_when_the_next_keyframe_is_taken(gop: int) -> None:
    door = Door()
    door.press(0)
    for picture in packets(31, gop=gop):
        left = [draft for draft in door.see(picture) if isinstance(draft, MediaDraft)]
        assert len(left) == (1 if picture.keyframe and picture.t_us else 0)
        assert all(draft.pictures == gop and draft.keyframe for draft in left)


def test_fragment_leaves_after_its_length_inside_a_gop_while_someone_watches() -> None:
    door = Door(Timing(fragment_us=250_000))
    door.press(0)
    door.see(*packets(31, period_us=50_000, gop=20))
    (clip,) = door.finish()
    assert [draft.pictures for draft in clip.media] == [5, 5, 5, 5, 5, 5, 1]
    assert [draft.keyframe for draft in clip.media] == [True, False, False, False, True, False, False]
    assert clip.numbers == list(range(31))


def test_press_in_a_clip_is_a_notice_in_that_clip_and_extends_it() -> None:
    door = Door()
    film = packets(300)
    door.press(0)
    door.see(*film[:41])
    assert door.press(4 * S) == [NoticeDraft(4 * S, "button", STILL)]
    door.see(*film[41:])
    (clip,) = door.finish()
    assert [notice.t_us for notice in clip.notices] == [0, 4 * S]
    assert clip.ended.end_us == 9 * S
    assert len(clip.ended.triggers) == 2


def test_press_in_a_motion_clip_is_a_notice_too() -> None:
    door = Door()
    door.motion(0, active=True)
    assert door.press(S) == [NoticeDraft(S, "button", STILL)]


def test_press_before_the_first_keyframe_is_a_notice_at_once_and_recorded() -> None:
    door = Door()
    assert [type(draft) for draft in door.press(0)] == [ClipBegins, NoticeDraft]
    assert [type(draft) for draft in door.press(1)] == [NoticeDraft]
    door.see(*packets(80, start_us=S))
    (clip,) = door.finish()
    assert clip.order.startswith("nniv")
    assert clip.numbers[0] == 0


def test_press_with_a_camera_that_never_gives_a_picture_is_a_clip_of_notices() -> None:
    door = Door()
    door.press(7 * S)
    (clip,) = door.finish()
    assert clip.order == "n"
    assert clip.ended.start_us <= clip.ended.end_us


def test_press_while_the_camera_gives_no_keyframe_ends_after_its_patience() -> None:
    door = Door()
    door.press(0)
    late_us = 5 * S + KEYFRAME_PATIENCE_US
    door.see(*[packet(t_us, t_us, keyframe=False) for t_us in range(0, late_us, 100_000)])
    assert door.recorder.recording
    drafts = door.see(packet(late_us, 1, keyframe=False))
    assert isinstance(drafts[-1], ClipEnds)
    assert drafts[-1].lost == 10 * late_us // S, "pictures that no player could begin with"


def test_clip_ends_at_a_keyframe_so_that_the_next_can_begin_there() -> None:
    door = Door()
    film = packets(400)
    door.press(0)
    door.see(*film[:70])
    assert not door.recorder.recording
    door.press(7 * S)
    door.see(*film[70:])
    first, second = door.finish()
    assert first.numbers == list(range(50))
    assert second.numbers == list(range(50, 120)), "what is in a clip is not pre-roll of the next"
    assert not second.continues


def test_clip_without_a_keyframe_at_its_end_ends_after_its_patience() -> None:
    door = Door()
    door.press(0)
    door.see(*packets(200, gop=1_000))
    (clip,) = door.finish()
    assert clip.ended.end_us == 7 * S


def test_clip_ends_after_its_patience_when_a_gap_has_cut_every_keyframe() -> None:
    door = Door()
    door.press(0)
    door.see(*packets(15))
    door.recorder.gap(3)
    door.see(*[packet(t_us, 0, keyframe=False) for t_us in range(1_800_000, 9 * S, 100_000)])
    assert not door.recorder.recording
    (clip,) = door.finish()
    assert clip.numbers == list(range(10))


def test_retrigger_by_motion_extends_the_clip() -> None:
    door = Door()
    film = packets(300)
    for picture in film:
        moving = picture.t_us < 2 * S or 6 * S <= picture.t_us < 8 * S
        door.motion(picture.t_us, active=moving)
        door.see(picture)
    (clip,) = door.finish()
    assert clip.ended.end_us == 13 * S, "five seconds after it was seen last, at the next keyframe"
    assert clip.order.count("n") == 1
    assert clip.ended.triggers == (Trigger("motion", 0, 1_900), Trigger("motion", 6_000, 7_900))


def test_motion_that_was_still_active_when_its_clip_ended_opens_the_next() -> None:
    door = Door()
    door.motion(0, active=True)
    door.see(*packets(60))
    assert not door.recorder.recording, "no frame reached the detector for five seconds"
    door.motion(7 * S, active=True)
    *_, clip = door.finish()
    assert clip.ended.triggers == (Trigger("motion", 7_000, 7_000),)


def test_motion_intervals_stop_at_their_cap_and_the_clip_goes_on() -> None:
    door = Door(Timing(cap_us=10_000 * S))
    for i in range(2 * MAX_TRIGGERS + 10):
        door.motion(i * 1_000, active=i % 2 == 0)
    (clip,) = door.finish()
    assert len(clip.ended.triggers) == MAX_TRIGGERS


def test_capped_clip_goes_on_in_a_next_one_without_a_gap() -> None:
    door = Door()
    for picture in packets(1_500):
        door.motion(picture.t_us, active=picture.t_us < 130 * S)
        door.see(picture)
    first, second, third = door.finish()
    assert [clip.continues for clip in (first, second, third)] == [False, True, True]
    assert first.numbers + second.numbers + third.numbers == list(range(1_350))
    assert [len(clip.numbers) for clip in (first, second)] == [600, 600]
    assert first.ended.end_us == second.ended.start_us == 60 * S
    assert second.ended.triggers == (Trigger("motion", 60_000, 120_000),)
    assert third.ended.end_us == 135 * S
    assert [clip.notices[0].trigger for clip in (first, second, third)] == ["motion"] * 3


def test_footage_of_a_press_stays_so_across_the_cap() -> None:
    door = Door()
    film = packets(700)
    for picture in film:
        door.motion(picture.t_us, active=picture.t_us < 58 * S)
        if picture.t_us == 59 * S:
            door.press(picture.t_us)
        door.see(picture)
    first, second = door.finish()
    assert second.continues
    assert second.notices[0].trigger == "button"
    assert first.numbers + second.numbers == list(range(640))


def test_motion_that_is_only_recorded_calls_nobody_however_often_it_comes() -> None:
    door = Door()
    for picture in packets(300):
        door.motion(picture.t_us, active=picture.t_us // S % 4 < 2, alert=False)
        door.see(picture)
    (clip,) = door.finish()
    assert [notice.alert for notice in clip.notices] == [False]
    assert clip.numbers == list(range(300)), "recorded it is all the same"


def test_press_calls_also_in_a_clip_of_motion_that_calls_nobody() -> None:
    door = Door()
    door.motion(0, active=True, alert=False)
    assert door.press(S) == [NoticeDraft(S, "button", STILL, alert=True)]
    assert door.motion(2 * S, active=True, alert=True) == [], "the owner has been called"


@pytest.mark.parametrize("moved_on", [False, True])
def test_motion_calls_once_when_it_comes_to_concern_the_owner(moved_on: bool) -> None:
    door = Door()
    door.motion(0, active=True, alert=False)
    door.motion(S, active=moved_on, alert=False)
    assert door.motion(2 * S, active=True, alert=True) == [NoticeDraft(2 * S, "motion", STILL, alert=True)]
    assert door.motion(3 * S, active=True, alert=True) == []
    door.motion(4 * S, active=False)
    assert door.motion(5 * S, active=True, alert=True) == []


@pytest.mark.parametrize("alert", [False, True])
def test_clip_that_goes_on_calls_as_the_one_before(alert: bool) -> None:
    door = Door()
    for picture in packets(700):
        door.motion(picture.t_us, active=True, alert=alert)
        door.see(picture)
    first, second = door.finish()
    assert [notice.alert for clip in (first, second) for notice in clip.notices] == [alert, alert]


def test_footage_of_a_press_calls_across_the_cap_whoever_moves() -> None:
    door = Door()
    door.press(0)
    for picture in packets(700):
        door.motion(picture.t_us, active=True, alert=False)
        door.see(picture)
    _, second = door.finish()
    assert (second.notices[0].trigger, second.notices[0].alert) == ("motion", True)


def test_clip_says_whether_the_pir_alone_began_it_and_when_each_saw_something() -> None:
    door = Door()
    (_, notice, *_) = door.motion(0, active=True, kind="pir")
    assert notice == NoticeDraft(0, "pir", STILL)
    door.motion(S, active=True, kind="pir")
    assert door.motion(2 * S, active=True, kind="motion") == [], "the same somebody calls once"
    door.motion(3 * S, active=True, kind="motion")
    door.motion(4 * S, active=True, kind="pir")
    door.motion(5 * S, active=False)
    door.motion(6 * S, active=True, kind="motion")
    (clip,) = door.finish()
    assert clip.ended.triggers == (
        Trigger("pir", 0, 1_000),
        Trigger("motion", 2_000, 3_000),
        Trigger("pir", 4_000, 4_000),
        Trigger("motion", 6_000, 6_000),
    )


def test_clip_that_the_pir_keeps_open_across_the_cap_says_so() -> None:
    door = Door()
    for picture in packets(700):
        door.motion(picture.t_us, active=True, kind="pir")
        door.see(picture)
    first, second = door.finish()
    assert [clip.notices[0].trigger for clip in (first, second)] == ["pir", "pir"]
    assert second.ended.triggers == (Trigger("pir", 60_000, 69_900),)


def test_each_clip_tells_its_own_time_from_zero() -> None:
    door = Door()
    film = packets(300)
    door.see(*film[:200])
    door.press(20 * S)
    door.see(*film[200:])
    (clip,) = door.finish()
    assert [picture.at for picture in clip.pictures] == [9_000 * i for i in range(80)]
    assert {picture.ticks for picture in clip.pictures} == {9_000}


def test_header_is_of_the_clips_own_first_keyframe() -> None:
    door = Door()
    film = packets(40)
    door.see(*film)
    door.press(4 * S)
    (clip,) = door.finish()
    assert clip.inits == [InitDraft(S, mp4.header(VIDEO, film[10].data))]


def test_gap_is_cut_up_to_the_next_keyframe_and_counted() -> None:
    door = Door()
    film = packets(100)
    door.press(0)
    door.see(*film[:25])
    door.recorder.gap(2)  # 25 and 26 never came
    door.see(*film[27:])
    (clip,) = door.finish()
    assert clip.numbers == [*range(20), *range(30, 50)]
    assert clip.ended.lost == 10, "five that waited for their GOP, two that never came, three before the keyframe"


def test_picture_too_large_for_any_message_is_a_gap() -> None:
    door = Door()
    door.press(0)
    film = packets(40)
    film[15] = packet(film[15].t_us, 15, keyframe=False, size_bytes=1_000_000)
    door.see(*film)
    (clip,) = door.finish()
    assert clip.numbers == [*range(10), *range(20, 40)]
    assert clip.ended.lost == 10


def test_gap_while_nothing_is_recorded_leaves_a_preroll_that_begins_at_a_keyframe() -> None:
    door = Door()
    film = packets(100)
    door.see(*film[:25])
    door.recorder.gap(2)
    door.see(*film[27:40])
    door.press(4 * S)
    door.see(*film[40:])
    (clip,) = door.finish()
    assert clip.numbers == [*range(10, 20), *range(30, 90)]
    assert [picture.at for picture in clip.pictures[9:11]] == [81_000, 180_000], "the hole in time stays a hole"


@pytest.mark.parametrize("size_bytes", [30_000, 99_999, 460_000, 500_000, 919_000])
def test_huge_gop_is_cut_into_fragments(size_bytes: int) -> None:
    door = Door()
    door.press(0)
    film = [packet(i * 10_000, i, keyframe=i == 0, size_bytes=size_bytes) for i in range(60)]
    door.see(*film)
    (clip,) = door.finish()
    assert clip.numbers == list(range(60))
    assert max(len(draft.fragment) for draft in clip.media) < 925_000
    assert len(clip.media) > 1
