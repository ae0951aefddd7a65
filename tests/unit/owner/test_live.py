import random

import pytest

from clip_factory import IDENTITY, Doorbell, Store, film
from sealbell_owner.clip import Trust
from sealbell_owner.live import MAX_OPEN_CLIPS, Live, Over, just_before
from sealbell_wire.errors import ContradictionError, SignatureError, WireError
from sealbell_wire.part import Part

BELL, STORE = Doorbell(), Store()
TRUST = Trust(BELL.verify_key, STORE.verify_key, [IDENTITY])
CLIPS = [BELL.record(media=2) for _ in range(3)]
CUT = BELL.record(media=2, end=False)
AFTER = BELL.record(media=2)


def take(live: Live, parts: list[Part]) -> tuple[list[bytes], list[Over]]:
    pieces: list[bytes] = []
    over: list[Over] = []
    for part in parts:
        taking = live.take(STORE.stored(part))
        if taking:
            pieces += taking.pieces
            over += taking.over
    return pieces, over


def name(clip: list[Part]) -> str:
    return clip[0].record.clip


def test_a_clip_is_played_while_it_grows_and_is_over_with_its_end() -> None:
    live = Live(TRUST)
    pieces, over = take(live, CLIPS[0][:-1])
    assert len(pieces) == 3
    assert pieces[0].startswith(film()[0])
    assert over == []
    _, (ended,) = take(live, CLIPS[0][-1:])
    assert ended.clip.verified
    assert ended.pieces == []
    assert live.after == name(CLIPS[0])


def test_an_end_that_comes_early_waits_for_what_is_missing() -> None:
    live = Live(TRUST)
    shuffled = random.Random(1).sample(CLIPS[0], len(CLIPS[0]))
    pieces, over = take(live, shuffled)
    assert len(pieces) == 3
    assert [ended.clip.verified for ended in over] == [True]


def test_following_again_from_after_misses_nothing() -> None:
    live = Live(TRUST)
    take(live, CLIPS[0])
    take(live, CLIPS[1][:2])
    assert name(CLIPS[0]) < live.after < name(CLIPS[1])
    pieces, over = take(live, CLIPS[1])  # all of it comes again
    assert len(pieces) == 2
    assert [ended.clip.clip for ended in over] == [name(CLIPS[1])]


def test_a_clip_that_was_cut_is_given_up_when_a_later_one_is_whole() -> None:
    live = Live(TRUST)
    take(live, CUT)
    _, over = take(live, AFTER)
    assert [(ended.clip.clip, ended.clip.interrupted) for ended in over] == [(name(CUT), True), (name(AFTER), False)]


def test_at_the_end_what_waits_behind_a_hole_is_played() -> None:
    live = Live(TRUST)
    pieces, _ = take(live, [part for part in CUT if part.record.seq != 2])
    assert len(pieces) == 1
    (ended,) = live.finish()
    assert len(ended.pieces) == 1
    assert live.finish() == []


def test_an_old_clip_is_not_taken_for_one_that_is_being_recorded() -> None:
    live = Live(TRUST, name(CLIPS[1]))
    for clip in CLIPS[:2]:
        with pytest.raises(ContradictionError, match="is over"):
            live.take(STORE.stored(clip[0]))
    take(live, CLIPS[2])
    with pytest.raises(ContradictionError):
        live.take(STORE.stored(CLIPS[2][0]))


def test_what_is_refused_opens_no_clip() -> None:
    live = Live(TRUST)
    for bad in (b"", b"SBP1", STORE.stored(Doorbell(seed=2).record()[0])):
        with pytest.raises(WireError):
            live.take(bad)
    with pytest.raises(SignatureError):
        live.take(Store(Doorbell(seed=3).key).stored(CLIPS[0][0]))
    assert live.finish() == []


def test_only_so_many_clips_are_open_at_once() -> None:
    bell = Doorbell()
    live, over = Live(TRUST), 0
    for _ in range(MAX_OPEN_CLIPS + 3):
        over += len(take(live, bell.record(media=1, end=False))[1])
    assert over == 3
    assert len(live.finish()) == MAX_OPEN_CLIPS


def test_just_before_is_a_place_in_the_order() -> None:
    clip = name(CLIPS[0])
    assert just_before(clip) < clip
    assert just_before("0" * 32) == "0" * 32
    assert just_before("1" + "0" * 31) == "0" + "f" * 31
