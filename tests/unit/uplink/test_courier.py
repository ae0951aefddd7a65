from collections.abc import Sequence
from dataclasses import replace

import pytest

from crafted import Bell, clip_id, entry_of
from sealbell.spool import Entry
from sealbell.uplink.courier import (
    ASK_US,
    MAX_ASKED_CLIPS,
    MAX_RETRY_US,
    REFUSED_US,
    RETRY_US,
    UNHEARD_US,
    WINDOW_BYTES,
    WINDOW_PARTS,
    Ask,
    Courier,
    Send,
)
from sealbell_wire.part import Part
from sealbell_wire.receipt import Receipt, Verdict

BELL = Bell()
CLIPS = [BELL.spell("nivvf") for _ in range(3)]
ALL = [entry_of(part) for clip in CLIPS for part in clip]
BY_ENTRY = {entry_of(part): part for clip in CLIPS for part in clip}


def hash_of(entry: Entry) -> str | None:
    return BY_ENTRY[entry].hash if entry in BY_ENTRY else None


def receipt(part: Part, verdict: Verdict = "stored", **changes: object) -> Receipt:
    record = part.record
    reason = "contradicts-neighbour" if verdict == "refused" else "-"
    fields = {
        "doorbell": record.doorbell, "clip": record.clip, "seq": record.seq, "record": part.hash,
        "verdict": verdict, "reason": reason, "arrived_ms": 0, **changes,
    }  # fmt: skip
    return Receipt(**fields)  # type: ignore[arg-type]


def courier(entries: Sequence[Entry] = (), jitter: float = 0.0) -> Courier:
    """A courier that is connected and has asked for nothing, since the outbox was empty then."""
    one = Courier(lambda: jitter)
    one.connected([])
    one.present(list(entries))
    return one


def sends(one: Courier, now_us: int = 0) -> list[Entry]:
    return [action.entry for action in one.due(now_us) if isinstance(action, Send)]


def send_all(one: Courier, now_us: int = 0, size_bytes: int = 1_000) -> list[Entry]:
    """Hand over everything that is due and fits, as the uplink does."""
    handed = []
    for entry in sends(one, now_us):
        if not one.has_room(size_bytes):
            break
        one.sent(entry, size_bytes, now_us)
        handed.append(entry)
    return handed


def test_newest_notice_goes_first_then_the_newest_clip_then_the_rest_in_order() -> None:
    third, second, first = CLIPS[2], CLIPS[1], CLIPS[0]
    expected = [third[0], second[0], first[0], *third[1:], *first[1:], *second[1:]]
    assert sends(courier(ALL)) == [entry_of(part) for part in expected]


def test_notice_of_a_press_in_a_clip_overtakes_the_clip() -> None:
    bell = Bell()
    entries = [entry_of(part) for part in bell.spell("nivvvnv")]
    assert [entry.seq for entry in sends(courier(entries))] == [5, 0, 1, 2, 3, 4, 6]


def test_notice_that_was_dropped_tells_nobody_anything_and_waits_its_turn() -> None:
    bell = Bell()
    old, new = bell.spell("nv"), bell.spell("nv")
    entries = [entry_of(part) for part in (bell.drop(old[0]), old[1], *new)]
    assert [(entry.counter, entry.seq) for entry in sends(courier(entries))] == [(2, 0), (2, 1), (1, 0), (1, 1)]


def test_nothing_is_due_without_a_connection() -> None:
    one = Courier(lambda: 0.0)
    one.present(ALL)
    assert one.due(0) == []
    one.connected([])
    assert sends(one)
    one.lost()
    assert one.due(10**12) == []


def test_window_holds_so_many_parts() -> None:
    bell = Bell()
    entries = [entry_of(part) for part in bell.spell("n" + "v" * (WINDOW_PARTS + 10))]
    one = courier(entries)
    assert send_all(one) == entries[:WINDOW_PARTS]
    assert sends(one) == []
    hashes = {entry_of(part): part.hash for part in bell.clip}
    received = one.answered(bell.clip[0].record.clip, [receipt(part) for part in bell.clip[:3]], hashes.get, 0)
    one.present([entry for entry in entries if entry not in received])
    assert sends(one) == entries[WINDOW_PARTS : WINDOW_PARTS + 3]


def test_window_holds_so_many_bytes_and_one_part_in_any_case() -> None:
    one = courier(ALL)
    size_bytes = WINDOW_BYTES // 4
    assert len(send_all(one, size_bytes=size_bytes)) == 4
    assert not one.has_room(1)
    assert courier(ALL).has_room(10 * WINDOW_BYTES)


def test_full_window_whose_receipts_never_come_is_sent_again() -> None:
    # The relay may be gone while the broker stays: then nothing ever tells of a lost connection.
    one = courier(ALL)
    first = send_all(one, size_bytes=WINDOW_BYTES // 4)
    for now_us in (MAX_RETRY_US, 3 * MAX_RETRY_US, 6 * MAX_RETRY_US):
        assert send_all(one, now_us, size_bytes=WINDOW_BYTES // 4) == first


def test_part_under_way_is_not_sent_twice() -> None:
    one = courier(ALL)
    send_all(one)
    assert sends(one, RETRY_US - 1) == []


def test_pauses_grow_up_to_a_limit() -> None:
    one = courier(ALL[:1])
    now_us, pauses_us = 0, []
    for _ in range(9):
        assert send_all(one, now_us) == ALL[:1]
        pause_us = next(us for us in range(RETRY_US, 2 * MAX_RETRY_US, RETRY_US // 4) if sends(one, now_us + us))
        pauses_us.append(pause_us)
        now_us += pause_us
    assert pauses_us == [min(RETRY_US << n, MAX_RETRY_US) for n in range(9)]


@pytest.mark.parametrize("jitter", [0.0, 0.25, 0.999])
def test_jitter_keeps_doorbells_out_of_step(jitter: float) -> None:
    one = courier(ALL[:1], jitter)
    send_all(one)
    due_us = int(RETRY_US * (1 + jitter))
    assert sends(one, due_us - 1) == []
    assert sends(one, due_us) == ALL[:1]


def test_connection_puts_everything_back_and_asks_for_each_clip_first_the_newest_before_all() -> None:
    one = courier(ALL)
    send_all(one)
    one.lost()
    one.connected(ALL)
    one.present(ALL)
    asks = [action for action in one.due(0) if isinstance(action, Ask)]
    assert asks == [Ask(clip_id(3)), Ask(clip_id(2)), Ask(clip_id(1))]
    assert sends(one) == [], "what the relay has already need not be sent again"
    for ask in asks:
        one.answered(ask.clip, [], hash_of, 0)
    assert len(sends(one)) == len(ALL), "what was under way may have been lost"


def test_clip_waits_for_its_answer_alone() -> None:
    one = Courier(lambda: 0.0)
    one.connected(ALL)
    one.present(ALL)
    one.due(0)
    received = one.answered(clip_id(2), [receipt(part) for part in CLIPS[1][:2]], hash_of, 0)
    assert received == [entry_of(part) for part in CLIPS[1][:2]]
    one.present([entry for entry in ALL if entry not in received])
    assert sends(one) == [entry_of(part) for part in CLIPS[1][2:]]


def test_empty_answer_is_an_answer() -> None:
    one = Courier(lambda: 0.0)
    one.connected(ALL[:5])
    one.present(ALL[:5])
    assert sends(one) == []
    assert one.answered(clip_id(1), [], hash_of, 0) == []
    assert sends(one) == ALL[:5]


def test_answer_that_never_comes_is_not_waited_for() -> None:
    one = Courier(lambda: 0.0)
    one.connected(ALL)
    one.present(ALL)
    assert sends(one) == []
    assert sends(one, ASK_US - 1) == []
    assert len(sends(one, ASK_US)) == len(ALL)


def test_clip_that_begins_after_the_connection_waits_for_no_answer() -> None:
    one = Courier(lambda: 0.0)
    one.connected(ALL[:5])
    one.present(ALL)
    assert sends(one)[0] == entry_of(CLIPS[2][0])
    assert {entry.clip for entry in sends(one)} == {clip_id(2), clip_id(3)}


def test_only_so_many_clips_are_asked_for_at_once() -> None:
    bell = Bell()
    entries = [entry_of(part) for _ in range(MAX_ASKED_CLIPS + 3) for part in bell.spell("n")]
    one = Courier(lambda: 0.0)
    one.connected(entries)
    one.present(entries)
    assert len(one.due(0)) == MAX_ASKED_CLIPS
    assert one.due(0) == []
    one.answered(entries[-1].clip, [], hash_of, 0)
    assert [action for action in one.due(0) if isinstance(action, Ask)] == [Ask(entries[2].clip)]
    later = one.due(ASK_US) + one.due(ASK_US)
    assert [action for action in later if isinstance(action, Ask)] == [Ask(entries[1].clip), Ask(entries[0].clip)]


def test_receipt_signs_for_the_entry_whose_record_it_names() -> None:
    one = courier(ALL)
    send_all(one)
    assert one.answered(clip_id(1), [receipt(CLIPS[0][2])], hash_of, 0) == [entry_of(CLIPS[0][2])]


def test_part_of_a_clip_that_its_owner_deleted_is_dropped_as_if_it_were_stored() -> None:
    one, part = courier(ALL), CLIPS[0][2]
    send_all(one)
    assert one.answered(clip_id(1), [receipt(part, "deleted")], hash_of, 0) == [entry_of(part)]
    of_the_tombstone = receipt(CLIPS[0][0], "deleted", record="77" * 32)
    assert one.answered(clip_id(1), [of_the_tombstone], hash_of, 0) == []


def test_receipt_for_a_dropped_part_deletes_only_what_was_dropped() -> None:
    part = CLIPS[0][3]
    whole, gone = entry_of(part), replace(entry_of(part), dropped=True)
    told = receipt(part, "dropped")
    assert courier([whole]).answered(clip_id(1), [told], lambda _: part.hash, 0) == []
    assert courier([gone]).answered(clip_id(1), [told], lambda _: part.hash, 0) == [gone]


@pytest.mark.parametrize(
    "wrong",
    [
        receipt(CLIPS[0][2], record="0" * 64),
        receipt(CLIPS[0][2], record=CLIPS[0][3].hash),
        receipt(CLIPS[0][2], record=CLIPS[1][2].hash),
        receipt(CLIPS[0][2], seq=77),
        receipt(CLIPS[0][2], clip=clip_id(2)),
        receipt(CLIPS[1][2]),
    ],
)
def test_receipt_that_names_another_record_counts_for_nothing(wrong: Receipt) -> None:
    one = courier(ALL)
    send_all(one)
    assert one.answered(clip_id(1), [wrong], hash_of, 0) == []
    assert sends(one, MAX_RETRY_US * 3)[0] == entry_of(CLIPS[2][0]), "everything is still there to be sent"
    assert len(sends(one, MAX_RETRY_US * 3)) == len(ALL)


def test_receipt_under_another_clips_topic_counts_for_nothing() -> None:
    one = courier(ALL)
    assert one.answered(clip_id(2), [receipt(CLIPS[0][2])], hash_of, 0) == []


def test_receipt_for_a_damaged_entry_counts_for_nothing() -> None:
    one = courier(ALL)
    assert one.answered(clip_id(1), [receipt(CLIPS[0][2])], lambda _: None, 0) == []


def test_refused_part_waits_and_stays() -> None:
    one = courier(ALL[:5])
    send_all(one)
    assert one.answered(clip_id(1), [receipt(CLIPS[0][2], "refused")], hash_of, 1_000) == []
    assert ALL[2] not in sends(one, REFUSED_US)
    assert ALL[2] in sends(one, REFUSED_US + 1_000)


def test_refusal_makes_room_in_the_window() -> None:
    one = courier(ALL)
    send_all(one, size_bytes=WINDOW_BYTES)
    assert not one.has_room(1)
    refused = receipt(CLIPS[2][0], "refused")
    one.answered(clip_id(3), [refused], hash_of, 0)
    assert one.has_room(1)


def test_refusal_of_another_record_keeps_nothing_waiting() -> None:
    one = courier(ALL[:5])
    forged = receipt(CLIPS[0][2], "refused", record="0" * 64)
    one.answered(clip_id(1), [forged], hash_of, 0)
    assert ALL[2] in sends(one)


def test_refused_part_is_tried_again_though_the_connection_was_lost_meanwhile() -> None:
    one = courier(ALL[:5])
    one.answered(clip_id(1), [receipt(CLIPS[0][2], "refused")], hash_of, 0)
    one.lost()
    one.connected([])
    assert ALL[2] not in sends(one, 1)
    assert ALL[2] in sends(one, REFUSED_US)


def test_what_is_gone_from_the_outbox_is_forgotten() -> None:
    one = courier(ALL)
    send_all(one, size_bytes=WINDOW_BYTES // len(ALL))
    one.present([])
    assert one.has_room(WINDOW_BYTES)
    one.present(ALL)
    assert len(sends(one)) == len(ALL)


def test_relay_that_answers_nothing_is_noticed_after_a_while_and_not_before() -> None:
    one = courier(ALL)
    assert not one.unheard(UNHEARD_US), "nothing was sent, so nothing is owed"
    send_all(one, 1_000)
    assert not one.unheard(UNHEARD_US)
    assert one.unheard(1_000 + UNHEARD_US)
    send_all(one, UNHEARD_US)
    assert one.unheard(1_000 + UNHEARD_US), "sending again is not being answered"


@pytest.mark.parametrize("verdict", ["stored", "refused"])
def test_relay_that_answers_is_heard_whatever_it_says(verdict: Verdict) -> None:
    one = courier([entry_of(CLIPS[0][0])])
    send_all(one)
    one.answered(CLIPS[0][0].record.clip, [receipt(CLIPS[0][0], verdict)], hash_of, UNHEARD_US)
    assert not one.unheard(10 * UNHEARD_US), "and nothing more is owed"


def test_relay_that_falls_silent_later_is_noticed_as_well() -> None:
    one = courier(ALL)
    first, *_ = send_all(one)
    one.answered(first.clip, [receipt(BY_ENTRY[first])], hash_of, 5_000)
    assert not one.unheard(UNHEARD_US)
    assert one.unheard(5_000 + UNHEARD_US)


def test_question_that_nobody_answers_is_noticed() -> None:
    one = Courier(lambda: 0.0)
    one.connected(ALL)
    one.present(ALL)
    assert any(isinstance(action, Ask) for action in one.due(0))
    assert one.unheard(UNHEARD_US)


def test_new_connection_owes_nothing_yet() -> None:
    one = courier(ALL)
    send_all(one)
    one.lost()
    assert not one.unheard(2 * UNHEARD_US)
    one.connected([])
    assert not one.unheard(2 * UNHEARD_US)
