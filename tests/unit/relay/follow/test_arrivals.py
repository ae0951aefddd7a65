"""What a follower was given, and where it looks for what nobody told it."""

from sealbell_relay.follow.arrivals import MAX_CLIPS_SEEN, NEWEST_LOOKED_AT, Arrivals


def clip(number: int) -> str:
    return f"{number:032x}"


def test_each_part_is_new_once_in_each_of_its_forms() -> None:
    arrivals = Arrivals(clip(5))
    assert arrivals.is_new(clip(6), 3, dropped=True)
    assert not arrivals.is_new(clip(6), 3, dropped=True)
    assert arrivals.is_new(clip(6), 3, dropped=False)
    assert not arrivals.is_new(clip(6), 3, dropped=False)
    assert arrivals.is_new(clip(6), 0, dropped=False)


def test_older_clips_are_not_asked_for() -> None:
    arrivals = Arrivals(clip(5))
    assert not arrivals.is_new(clip(5), 0, dropped=False)
    assert arrivals.to_look_at([clip(4), clip(5), clip(6)]) == [clip(6)]


def test_a_whole_clip_is_not_looked_at_again_and_one_with_a_hole_is() -> None:
    arrivals = Arrivals("")
    for seq in (0, 2, 3):
        arrivals.is_new(clip(1), seq, dropped=False)
    arrivals.ends(clip(1), 3)
    assert arrivals.to_look_at([clip(1)]) == [clip(1)]
    arrivals.is_new(clip(1), 1, dropped=True)
    assert arrivals.to_look_at([clip(1)]) == [clip(1)], "the part itself may still come"
    arrivals.is_new(clip(1), 1, dropped=False)
    assert arrivals.to_look_at([clip(1)]) == []


def test_clips_that_were_cut_short_take_turns() -> None:
    arrivals = Arrivals("")
    clips = [clip(number) for number in range(1, 50)]
    assert arrivals.to_look_at(clips) == clips
    for name in clips:
        arrivals.is_new(name, 0, dropped=False)
    looks = [arrivals.to_look_at(clips) for _ in range(len(clips))]
    assert {len(look) for look in looks} == {NEWEST_LOOKED_AT + 1}
    assert all(set(look) >= set(clips[-NEWEST_LOOKED_AT:]) for look in looks)
    assert {name for look in looks for name in look} == set(clips)


def test_a_follower_of_too_many_clips_has_to_come_again() -> None:
    arrivals = Arrivals("")
    for number in range(MAX_CLIPS_SEEN):
        arrivals.is_new(clip(number), 0, dropped=False)
    assert not arrivals.full
    arrivals.is_new(clip(MAX_CLIPS_SEEN), 0, dropped=False)
    assert arrivals.full
