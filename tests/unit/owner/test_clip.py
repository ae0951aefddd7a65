import itertools
import random
from dataclasses import replace

import pytest

from clip_factory import GOP_MS, IDENTITY, Doorbell, Store, film
from sealbell_owner.clip import Clip, Trust
from sealbell_wire import content, sealing
from sealbell_wire.age.file import Head
from sealbell_wire.content import Manifest, Place, Trigger
from sealbell_wire.errors import ContradictionError, SealError, SignatureError, WireError
from sealbell_wire.part import Part
from sealbell_wire.sealing import Draft, drop_part

BELL, STORE = Doorbell(), Store()
TRUST = Trust(BELL.verify_key, STORE.verify_key, [IDENTITY])
PARTS = BELL.record(media=3, press_before=[2])
NEXT = BELL.record(media=1)


def clip_of(parts: list[Part], name: str | None = None) -> Clip:
    clip = Clip(name or parts[0].record.clip, TRUST)
    for part in parts:
        clip.take(STORE.stored(part))
    return clip


def test_a_whole_clip_is_verified() -> None:
    clip = clip_of(PARTS)
    assert clip.verified
    assert not clip.interrupted
    assert (clip.missing, clip.dropped, clip.faults) == ([], [], [])
    assert clip.trigger == "button"
    assert clip.span_ms == (10_000, 10_000 + 3 * GOP_MS)
    assert clip.triggers == [Trigger("button", 10_000, 10_000), Trigger("button", 12_000, 12_000)]
    assert clip.last_moment_ms is None
    assert clip.readers == {BELL.readers_hash}


def test_the_order_of_arrival_changes_nothing() -> None:
    want = clip_of(PARTS)
    for seed in range(20):
        shuffled = random.Random(seed).sample(PARTS, len(PARTS))
        clip = clip_of(shuffled)
        assert clip.verified
        assert clip.span_ms == want.span_ms
        assert clip.triggers == want.triggers
        assert clip.held.keys() == want.held.keys()
        assert clip.as_seen() == want.as_seen()


def test_a_part_that_comes_again_is_recognised() -> None:
    clip = clip_of(PARTS)
    assert clip.take(STORE.stored(PARTS[2], arrived_ms=1)) is None
    assert clip.verified


def test_an_interrupted_clip_says_how_far_it_arrived() -> None:
    clip = clip_of(PARTS[:4])
    assert clip.interrupted
    assert clip.verified  # as far as it goes
    first = PARTS[0].record
    # Two GOPs of a second came; the end is known by their own clock to within the container's rounding.
    assert clip.span_ms == (first.monotonic_ms, first.monotonic_ms + 2 * GOP_MS)
    assert clip.last_moment_ms == first.wall_ms + 2 * GOP_MS


def test_a_clip_that_is_only_a_notice_is_a_moment() -> None:
    clip = clip_of(PARTS[:1])
    assert clip.span_ms == (10_000, 10_000)
    assert clip.last_moment_ms == PARTS[0].record.wall_ms
    assert clip.triggers == [Trigger("button", 10_000, 10_000)]


def test_a_clip_tells_whether_the_doorbell_called_as_it_began() -> None:
    assert clip_of(PARTS).alert is True
    assert clip_of(PARTS[1:]).alert is None
    assert clip_of(Doorbell().record(media=1, trigger="pir", alert=False, press_before=[0])).alert is False


def test_a_clip_of_which_nothing_is_held_is_nothing() -> None:
    clip = Clip(PARTS[0].record.clip, TRUST)
    assert not clip.verified
    assert clip.span_ms is clip.last_moment_ms is clip.trigger is clip.as_seen() is None
    assert clip.interrupted


def test_a_missing_part_is_named() -> None:
    clip = clip_of([part for part in PARTS if part.record.seq not in (2, 3)])
    assert clip.missing == [2, 3]
    assert not clip.verified


def test_a_part_that_is_known_to_exist_is_missed_at_the_end_too() -> None:
    clip = clip_of(PARTS[:4])
    clip.expect(6)
    assert clip.missing == [4, 5, 6]
    assert not clip.verified


def test_a_dropped_part_is_a_hole_that_the_doorbell_signed() -> None:
    parts = [drop_part(part, BELL.key) if part.record.seq == 3 else part for part in PARTS]
    clip = clip_of(parts)
    assert clip.dropped == [3]
    assert clip.missing == []
    assert clip.verified


def test_a_drop_that_the_doorbell_did_not_sign_is_refused() -> None:
    clip = clip_of(PARTS[:3])
    for forged in (
        replace(PARTS[3], sealed=None, dropped=bytes(64)),
        replace(PARTS[3], sealed=None, dropped=PARTS[3].signature),
        drop_part(PARTS[3], Doorbell(seed=2).key),
    ):
        with pytest.raises(SignatureError, match="dropped@sealbell"):
            clip.take(STORE.stored(forged))
    assert clip.dropped == []


def test_a_forged_twin_of_a_part_that_is_held_is_refused_and_not_overlooked() -> None:
    clip = clip_of(PARTS)
    with pytest.raises(ContradictionError, match="body is not the one that was signed"):
        clip.take(STORE.stored(replace(PARTS[2], sealed=(PARTS[2].sealed or b"")[:-1] + b"x")))


def test_a_clip_whose_kinds_come_in_another_order_is_refused_as_soon_as_no_hole_is_left() -> None:
    early = BELL.sign_again(PARTS[3], seq=1, prev=PARTS[0].hash)
    with pytest.raises(ContradictionError, match="one init part, before all its media"):
        clip_of([PARTS[0], early])


def test_a_dropped_part_whose_record_never_came_is_known_by_the_manifest() -> None:
    parts = Doorbell(seed=1).record(media=3, drop=[3])
    clip = clip_of([part for part in parts if part.record.seq != 3])
    assert clip.dropped == [3]
    assert clip.verified


def test_a_dropped_part_that_came_after_all_is_no_hole() -> None:
    clip = clip_of([drop_part(PARTS[3], BELL.key), *PARTS])
    assert clip.dropped == []
    assert clip.take(STORE.stored(drop_part(PARTS[3], BELL.key))) is None
    assert clip.dropped == []


def test_a_part_of_another_clip_is_refused() -> None:
    with pytest.raises(ContradictionError, match="another clip"):
        clip_of(PARTS).take(STORE.stored(NEXT[1]))


def test_a_part_that_does_not_join_its_neighbours_is_refused_whichever_comes_first() -> None:
    stranger = BELL.sign_again(PARTS[2], prev="ab" * 32)
    for order in itertools.permutations([PARTS[1], stranger]):
        with pytest.raises(ContradictionError, match="was signed after another part"):
            clip_of(list(order), PARTS[0].record.clip)


def test_two_parts_of_one_number_are_refused_though_both_are_signed() -> None:
    with pytest.raises(ContradictionError, match="two parts 2"):
        clip_of([*PARTS, BELL.sign_again(PARTS[2], wall_ms=1)])


def test_nothing_comes_after_a_signed_end_whichever_comes_first() -> None:
    end = PARTS[-1]
    beyond = drop_part(BELL.sign_again(PARTS[3], seq=end.record.seq + 2, prev="cd" * 32), BELL.key)
    for order in itertools.permutations([end, beyond]):
        with pytest.raises(ContradictionError, match="comes after the signed end"):
            clip_of(list(order), PARTS[0].record.clip)


def test_a_clip_has_one_header() -> None:
    place = Place(BELL.verify_key.hex(), PARTS[0].record.clip, 5)
    plaintext = content.encode_init(place, content.Init("1", BELL.readers_hash), film()[0])
    record = replace(PARTS[1].record, seq=5, prev=PARTS[4].hash)
    second = sealing.seal_part(Draft(record, plaintext), Head(BELL.recipients), BELL.key)
    with pytest.raises(ContradictionError, match="has one init part"):
        clip_of([*PARTS[:5], second])


def manifest(**changes: object) -> Part:
    end = PARTS[-1].record
    digests = tuple(held.digest or "" for _, held in sorted(clip_of(PARTS).held.items()))[:-1]
    whole = Manifest(10_000, 13_000, digests, (Trigger("button", 10_000, 10_000),))
    place = Place(BELL.verify_key.hex(), end.clip, end.seq)
    plaintext = content.encode_manifest(place, replace(whole, **changes))  # type: ignore[arg-type]
    return sealing.seal_part(Draft(end, plaintext), Head(BELL.recipients), BELL.key)


def test_a_manifest_that_lists_another_plaintext_is_refused_whichever_comes_first() -> None:
    digests = [held.digest or "" for _, held in sorted(clip_of(PARTS).held.items())][:-1]
    digests[3] = "00" * 32
    lying = manifest(parts=tuple(digests))
    with pytest.raises(ContradictionError, match="another part 3"):
        clip_of([*PARTS[:-1], lying])
    with pytest.raises(ContradictionError, match="another part 3"):
        clip_of([lying, *PARTS[:-1]], PARTS[0].record.clip)


def test_what_is_refused_leaves_the_clip_as_it_was() -> None:
    clip = clip_of(PARTS[:4])
    before = (dict(clip.held), clip.missing, clip.span_ms, clip.notices.copy())
    for bad in (NEXT[1], BELL.sign_again(PARTS[2], wall_ms=1), BELL.sign_again(PARTS[4], prev="00" * 32)):
        with pytest.raises(WireError):
            clip.take(STORE.stored(bad))
    assert (dict(clip.held), clip.missing, clip.span_ms, clip.notices) == before


def test_a_part_sealed_to_others_is_refused() -> None:
    clip = Clip(PARTS[0].record.clip, replace(TRUST, identities=[]))
    with pytest.raises(SealError):
        clip.take(STORE.stored(PARTS[0]))


def test_a_film_that_does_not_say_how_long_it_lasts_is_kept_all_the_same() -> None:
    place = Place(BELL.verify_key.hex(), PARTS[0].record.clip, 2)
    odd = content.encode_media(place, b"\0\0\0\x10moofgarbage!")
    part = sealing.seal_part(Draft(replace(PARTS[2].record), odd), Head(BELL.recipients), BELL.key)
    clip = clip_of([*PARTS[:2], part])
    assert clip.verified
    assert clip.span_ms == (10_000, 10_000)


def test_the_trust_shows_no_secret() -> None:
    assert IDENTITY.encode() not in repr(TRUST)
    assert "identities" not in repr(TRUST)


@pytest.mark.parametrize("end", [False, True])
def test_update_is_no_trigger_and_calls_nobody(end: bool) -> None:
    clip = clip_of(Doorbell().record(media=3, trigger="motion", update_before=[1, 2], end=end))
    assert [notice.trigger for notice in clip.notices.values()] == ["motion", "update", "update"]
    assert [trigger.kind for trigger in clip.triggers] == ["motion"]
