"""What a relay, or whoever holds the store, cannot do to a clip without its being noticed."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbell_wire import chain, ids
from sealbell_wire.errors import ContradictionError
from sealbell_wire.record import Record, record_hash
from unit.wire.samples import CLIP, a_clip, a_record

LATER = "0190f3a1b2ff" + "a5" * 10


def hash_of(record: Record) -> str:
    return record_hash(record.encode())


def check(clip: list[Record]) -> None:
    for before, after in pairwise(clip):
        chain.check_joins(before, hash_of(before), after)
    chain.check_kinds([record.kind for record in clip])


@given(st.integers(0, 12))
def test_a_clip_joins_whole_and_as_far_as_it_came(media: int) -> None:
    clip = a_clip(media)
    for end in range(len(clip) + 1):
        check(clip[:end])


@given(st.integers(1, 8), st.data())
def test_relay_cannot_swap_two_parts(media: int, data: st.DataObject) -> None:
    clip = a_clip(media)
    one, other = data.draw(st.lists(st.integers(0, len(clip) - 1), min_size=2, max_size=2, unique=True))
    clip[one], clip[other] = clip[other], clip[one]
    with pytest.raises(ContradictionError):
        check(clip)


@given(st.integers(1, 8), st.data())
def test_relay_cannot_leave_out_a_part(media: int, data: st.DataObject) -> None:
    clip = a_clip(media)
    del clip[data.draw(st.integers(0, len(clip) - 2))]
    with pytest.raises(ContradictionError):
        check(clip)


@given(st.integers(1, 8), st.data())
def test_relay_cannot_repeat_a_part(media: int, data: st.DataObject) -> None:
    clip = a_clip(media)
    at = data.draw(st.integers(0, len(clip) - 1))
    clip.insert(at, clip[at])
    with pytest.raises(ContradictionError):
        check(clip)


@given(st.integers(1, 8), st.data())
def test_a_part_that_was_signed_twice_contradicts_what_follows(media: int, data: st.DataObject) -> None:
    clip = a_clip(media)
    at = data.draw(st.integers(0, len(clip) - 2))
    clip[at] = replace(clip[at], synced=False)
    with pytest.raises(ContradictionError):
        check(clip)


def test_nothing_comes_after_the_signed_end() -> None:
    clip = a_clip(1)
    clip.append(a_record(len(clip), prev=hash_of(clip[-1])))
    with pytest.raises(ContradictionError, match="signed end"):
        check(clip)


def test_parts_of_two_clips_do_not_mix() -> None:
    clip = a_clip(2)
    clip[2] = replace(clip[2], clip=LATER)
    with pytest.raises(ContradictionError, match="another clip"):
        check(clip)


def history() -> tuple[list[Record], list[Record]]:
    earlier = a_clip(2, counter=5, last="55" * 32)
    return earlier, a_clip(1, counter=6, last=hash_of(earlier[-1]), clip=LATER)


def test_two_clips_follow_each_other() -> None:
    earlier, later = history()
    chain.check_follows(earlier[0], hash_of(earlier[-1]), later[0])


def test_relay_cannot_cut_the_end_of_a_clip_once_the_next_one_is_heard() -> None:
    earlier, later = history()
    for kept in range(1, len(earlier)):
        with pytest.raises(ContradictionError, match="the end of clip number 5 is missing"):
            chain.check_follows(earlier[0], hash_of(earlier[kept - 1]), later[0])


def test_an_end_that_the_doorbells_card_lost_is_told_as_that_and_blames_nobody_else() -> None:
    earlier, later = history()
    for kept in range(1, len(earlier) + 1):
        with pytest.raises(ContradictionError, match="card had lost how clip number 5 ended"):
            chain.check_follows(earlier[0], hash_of(earlier[kept - 1]), replace(later[0], last=ids.ZERO_HASH))


@pytest.mark.parametrize("hidden", [1, 2, 1000])
def test_relay_cannot_hide_a_whole_clip_once_the_next_one_is_heard(hidden: int) -> None:
    earlier, later = history()
    with pytest.raises(ContradictionError, match=f"{hidden} clips before number {6 + hidden} are missing"):
        chain.check_follows(earlier[0], hash_of(earlier[-1]), replace(later[0], counter=6 + hidden))


def test_relay_cannot_replay_an_old_clip_as_the_newest() -> None:
    earlier, later = history()
    for replayed in (earlier[0], replace(earlier[0], clip="0190f3a1b3ff" + "a5" * 10), replace(earlier[0], counter=7)):
        with pytest.raises(ContradictionError, match="out of order"):
            chain.check_follows(later[0], hash_of(later[-1]), replayed)


def test_a_copied_card_shows_as_two_doorbells_on_one_key() -> None:
    earlier, later = history()
    with pytest.raises(ContradictionError, match="two doorbells use one key"):
        chain.check_follows(earlier[0], hash_of(earlier[-1]), replace(later[0], counter=5))


def test_another_doorbells_clip_is_no_answer() -> None:
    earlier, later = history()
    with pytest.raises(ContradictionError, match="another doorbell's"):
        chain.check_follows(earlier[0], hash_of(earlier[-1]), replace(later[0], doorbell="00" * 16))


def test_relay_cannot_cut_the_beginning_of_a_history() -> None:
    chain.check_first_ever(a_clip(1)[0])
    earlier, _ = history()
    with pytest.raises(ContradictionError, match="before the oldest one are missing"):
        chain.check_first_ever(earlier[0])
    with pytest.raises(ContradictionError, match="before the oldest one are missing"):
        chain.check_first_ever(replace(earlier[0], last=ids.ZERO_HASH))


def test_only_first_records_are_compared() -> None:
    first, second = a_clip(1)[:2]
    for one, other in ((first, second), (second, first)):
        with pytest.raises(ValueError, match="first records"):
            chain.check_follows(one, "55" * 32, other)
    assert a_clip(1)[0].clip == CLIP
