import threading
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scene import packet, packets
from sealbell.items import Frame, Packet, Press, Seen
from sealbell.watch.intake import MAX_FELT_ITEMS, Gap, Intake

DEADLINE_S = 5.0


def frame(t_us: int) -> Frame:
    return Frame(t_us, None)  # type: ignore[arg-type]  # what is in it does not matter here


def taken(intake: Intake) -> list[Seen | Gap]:
    found: list[Seen | Gap] = []
    while item := intake.take(0):
        found.append(item)
    return found


def test_items_come_out_in_the_order_in_which_they_were_offered() -> None:
    intake = Intake(10, patient=False)
    items: list[Seen] = [frame(0), packet(0, 0, keyframe=True), Press(1), frame(2), packet(2, 1, keyframe=False)]
    for item in items:
        intake.offer(item)
    assert taken(intake) == items


def test_live_overflow_leaves_out_up_to_the_next_keyframe_and_tells_the_gap_there() -> None:
    intake, film = Intake(5, patient=False), packets(30)
    for picture in film[:8]:
        intake.offer(picture)
    assert taken(intake) == film[:5]
    for picture in film[8:12]:
        intake.offer(picture)
    assert taken(intake) == [Gap(5), film[10], film[11]], "5, 6, 7, and then 8 and 9, which show nothing without them"


def test_live_overflow_that_lasts_over_a_keyframe_goes_on_to_the_one_after() -> None:
    intake, film = Intake(5, patient=False), packets(30)
    for picture in film[:15]:
        intake.offer(picture)
    taken(intake)
    for picture in film[15:21]:
        intake.offer(picture)
    assert taken(intake) == [Gap(15), film[20]]


def test_press_is_never_lost_when_pictures_overflow() -> None:
    intake = Intake(3, patient=False)
    for picture in packets(10):
        intake.offer(picture)
    for t_us in range(20):
        intake.offer(Press(t_us))
    assert [item for item in taken(intake) if isinstance(item, Press)] == [Press(t_us) for t_us in range(20)]


def test_press_costs_no_picture_its_place() -> None:
    intake, film = Intake(5, patient=False), packets(5)
    for t_us in range(4):
        intake.offer(Press(t_us))
    intake.offer(film[0])
    assert film[0] in taken(intake)


def test_presses_beyond_all_reason_are_a_failure_of_the_stage_behind() -> None:
    intake = Intake(3, patient=False)
    for t_us in range(MAX_FELT_ITEMS):
        intake.offer(Press(t_us))
    with pytest.raises(AssertionError, match="stopped"):
        intake.offer(Press(0))


def test_presses_that_were_taken_make_room_for_any_number_more() -> None:
    intake = Intake(3, patient=False)
    for t_us in range(2 * MAX_FELT_ITEMS):
        intake.offer(Press(t_us))
        assert intake.take(0) == Press(t_us)


def test_press_does_not_wait_where_pictures_do() -> None:
    intake = Intake(1, patient=True)
    intake.offer(packet(0, 0, keyframe=True))
    intake.offer(Press(1))
    assert taken(intake) == [packet(0, 0, keyframe=True), Press(1)]


def test_frames_are_left_out_uncounted_when_live() -> None:
    intake = Intake(2, patient=False)
    for t_us in range(5):
        intake.offer(frame(t_us))
    assert taken(intake) == [frame(0), frame(1)]
    intake.offer(packet(9, 0, keyframe=False))
    assert taken(intake) == [packet(9, 0, keyframe=False)], "no picture was lost"


def in_a_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_patient_camera_is_made_to_wait_and_loses_nothing() -> None:
    intake, film = Intake(4, patient=True), packets(200)

    def offer() -> None:
        for picture in film:
            intake.offer(picture)
        intake.close()

    thread = in_a_thread(offer)
    found: list[Seen | Gap] = []
    while not intake.ended:
        if item := intake.take(DEADLINE_S):
            found.append(item)
    thread.join(DEADLINE_S)
    assert found == film


def test_patient_camera_never_has_more_than_the_limit_waiting() -> None:
    intake, offered = Intake(4, patient=True), threading.Semaphore(0)

    def offer() -> None:
        for picture in packets(20):
            intake.offer(picture)
            offered.release()

    thread = in_a_thread(offer)
    for _ in range(4):
        assert offered.acquire(timeout=DEADLINE_S)
    assert not offered.acquire(timeout=0.05), "the fifth waits"
    for _ in range(16):
        assert intake.take(DEADLINE_S)
        assert offered.acquire(timeout=DEADLINE_S)
    thread.join(DEADLINE_S)


def test_camera_that_waits_is_let_go_when_the_intake_is_closed() -> None:
    intake = Intake(1, patient=True)
    intake.offer(packet(0, 0, keyframe=True))
    thread = in_a_thread(lambda: intake.offer(packet(1, 1, keyframe=False)))
    intake.close()
    thread.join(DEADLINE_S)
    assert not thread.is_alive()


def test_who_takes_is_woken_at_once() -> None:
    intake, found = Intake(4, patient=False), []
    thread = in_a_thread(lambda: found.append(intake.take(DEADLINE_S * 10)))
    intake.offer(Press(3))
    thread.join(DEADLINE_S)
    assert found == [Press(3)]


def test_nothing_in_time_is_none_and_not_the_end() -> None:
    intake = Intake(4, patient=False)
    assert intake.take(0) is None
    assert not intake.ended


def test_what_was_offered_before_the_end_is_still_handed_out() -> None:
    intake = Intake(4, patient=False)
    intake.offer(Press(3))
    intake.close()
    assert not intake.ended
    assert intake.take(0) == Press(3)
    assert intake.ended


@given(
    steps=st.lists(st.sampled_from(["key", "picture", "picture", "frame", "press", "take", "take"]), max_size=80),
    limit=st.integers(1, 6),
)
def test_live_every_picture_is_handed_out_or_counted_and_every_press_handed_out(steps: list[str], limit: int) -> None:
    intake, offered, found = Intake(limit, patient=False), [], []
    for t_us, step in enumerate(steps):
        if step == "take":
            found += [item for item in [intake.take(0)] if item]
            continue
        item: Seen = frame(t_us)
        if step != "frame":
            item = Press(t_us) if step == "press" else packet(t_us, t_us, keyframe=step == "key")
            offered.append(item)
        intake.offer(item)
    intake.close()
    found += taken(intake)
    pictures = [item for item in offered if isinstance(item, Packet)]
    handed = [item for item in found if isinstance(item, Packet)]
    assert [item for item in found if isinstance(item, Press)] == [i for i in offered if isinstance(i, Press)]
    assert handed == [item for item in pictures if item in handed], "in order, none twice"
    told = sum(item.pictures for item in found if isinstance(item, Gap))
    assert told + len(handed) == (pictures.index(handed[-1]) + 1 if handed else 0), "only the end needs no telling"
    for gap, after in pairwise(found):
        assert not isinstance(gap, Gap) or (isinstance(after, Packet) and after.keyframe)
