"""The rules of what is kept, without a store, a socket or a key of the relay's."""

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parts_factory import Doorbell, frame, topic_of
from sealbell_relay.intake.ingest import Around, Refuse, Resend, Store, admit, judge, prove
from sealbell_relay.store.stored import Link
from sealbell_wire.ids import ZERO_ID, doorbell_id
from sealbell_wire.limits import MAX_PART_BYTES
from sealbell_wire.part import Part
from sealbell_wire.topics import UpTopic, parse_up

BELL = Doorbell(1)
OTHER = Doorbell(2)
CLIP = BELL.clip(5)


def link(part: Part, *, dropped: bool = False) -> Link:
    return Link(part.record, part.hash, dropped)


def admitted(message: bytes, part: Part) -> Part | Refuse:
    return admit(parse_up(topic_of(part)), message)


def reason(verdict: object) -> str:
    assert isinstance(verdict, Refuse), verdict
    return verdict.reason


def test_a_part_is_admitted_whole_and_not_otherwise() -> None:
    part = CLIP[2]
    message = part.encode()
    assert admitted(message, part) == part
    for end in range(len(message)):
        assert reason(admitted(message[:end], part)) == "malformed"
    assert reason(admitted(message + b"\0", part)) == "malformed"


@given(st.binary(max_size=4_000))
def test_garbage_is_malformed(data: bytes) -> None:
    assert reason(admitted(data, CLIP[0])) == "malformed"


@given(st.integers(0, len(CLIP[2].encode()) - 1), st.integers(1, 255))
def test_a_part_with_any_byte_changed_is_never_proven(at: int, change: int) -> None:
    message = bytearray(CLIP[2].encode())
    message[at] ^= change
    part = admitted(bytes(message), CLIP[2])
    if isinstance(part, Part):
        refuse = prove(part, BELL.verify_key)
        assert refuse is not None
        assert not refuse.proven


def test_the_largest_part_is_admitted_and_a_byte_more_is_not() -> None:
    topic = UpTopic(BELL.id, "part", BELL.clip_id(), 0)
    assert isinstance(admit(topic, BELL.notice_of(MAX_PART_BYTES)), Part)
    assert reason(admit(topic, BELL.notice_of(MAX_PART_BYTES + 1))) == "too-large"


def test_a_part_of_a_gigabyte_is_only_announced() -> None:
    message = bytearray(CLIP[1].encode())
    at = 6 + len(CLIP[1].record_bytes) + 64
    message[at : at + 4] = (2**30).to_bytes(4)
    assert reason(admitted(bytes(message), CLIP[1])) == "malformed"


@pytest.mark.parametrize("change", [{"doorbell": OTHER.id}, {"clip": OTHER.clip_id()}, {"seq": 4}])
def test_a_part_counts_only_on_its_own_topic(change: dict[str, object]) -> None:
    topic = replace(parse_up(topic_of(CLIP[2])), **change)
    assert reason(admit(topic, CLIP[2].encode())) == "wrong-topic"


def test_what_another_doorbell_signed_is_forged() -> None:
    stolen = OTHER.sign(CLIP[2].record, CLIP[2].sealed or b"")
    assert reason(prove(stolen, BELL.verify_key)) == "forged-signature"
    assert reason(prove(OTHER.clip(3)[2], BELL.verify_key)) == "forged-content"


def test_other_bytes_under_a_signed_record_are_forged() -> None:
    sealed = CLIP[2].sealed or b""
    for changed in (sealed[:-1] + b"!", b"!" + sealed[1:], b"no header at all"):
        refuse = prove(replace(CLIP[2], sealed=changed), BELL.verify_key)
        assert refuse is not None
        assert (refuse.reason, refuse.proven) == ("forged-content", False)


def test_a_mark_that_the_doorbell_did_not_sign_is_forged() -> None:
    mark = BELL.dropped(CLIP[2])
    assert prove(mark, BELL.verify_key) is None
    for forged in (CLIP[2].signature, OTHER.dropped(CLIP[2]).dropped):
        assert reason(prove(replace(mark, dropped=forged), BELL.verify_key)) == "forged-signature"


def test_parts_join_in_any_order() -> None:
    for order in permutations(CLIP):
        stored: dict[int, Link] = {}
        for part in order:
            assert judge(part, around(stored, part.record.seq)) == Store()
            stored[part.record.seq] = link(part)


def test_a_part_that_contradicts_its_neighbour_is_refused_in_either_order() -> None:
    lie = BELL.changed(CLIP[2], prev="ab" * 32)
    assert reason(judge(lie, Around(before=link(CLIP[1])))) == "contradicts-neighbour"
    assert reason(judge(CLIP[1], Around(after=link(lie)))) == "contradicts-neighbour"
    assert reason(judge(BELL.changed(CLIP[2], wall_ms=1), Around(after=link(CLIP[3])))) == "contradicts-neighbour"


def test_nothing_comes_after_the_end_and_no_end_before_something() -> None:
    end = CLIP[4]
    late = replace(CLIP[3].record, seq=7, prev="ab" * 32)
    assert reason(judge(BELL.sign(late, CLIP[3].sealed or b""), Around(highest=link(end)))) == "after-end"
    follower = BELL.sign(replace(CLIP[3].record, seq=5, prev=end.hash), CLIP[3].sealed or b"")
    assert reason(judge(follower, Around(before=link(end), highest=link(end)))) == "after-end"
    early = BELL.part(BELL.clip_id(), 3, "manifest", CLIP[2].hash, CLIP[3].sealed or b"")
    assert reason(judge(early, Around(highest=link(end)))) == "end-before-stored"
    assert reason(judge(early, Around(after=link(end), highest=link(end)))) == "end-before-stored"


def test_the_same_part_again_is_receipted_again_and_another_one_refused() -> None:
    kept = link(CLIP[2])
    assert judge(CLIP[2], Around(same=kept)) == Resend(kept)
    assert reason(judge(BELL.changed(CLIP[2], wall_ms=1), Around(same=kept))) == "differs-from-stored"


def test_a_dropped_part_that_arrives_after_all_is_kept_and_a_mark_after_the_part_is_not() -> None:
    mark, part = link(CLIP[2], dropped=True), link(CLIP[2])
    assert judge(CLIP[2], Around(same=mark)) == Store()
    assert judge(BELL.dropped(CLIP[2]), Around(same=part)) == Resend(part)
    assert judge(BELL.dropped(CLIP[2]), Around(same=mark)) == Resend(mark)
    other = BELL.changed(CLIP[2], wall_ms=1)
    assert reason(judge(other, Around(same=mark))) == "differs-from-stored"


def test_only_what_the_doorbell_proved_is_refused_by_name() -> None:
    lie = BELL.changed(CLIP[2], prev="ab" * 32)
    proven = judge(lie, Around(before=link(CLIP[1])))
    assert isinstance(proven, Refuse)
    assert proven.proven
    for refuse in (
        admitted(b"", CLIP[0]),
        admit(UpTopic(BELL.id, "part", ZERO_ID, 0), CLIP[0].encode()),
        admitted(bytes(MAX_PART_BYTES + 1), CLIP[0]),
        prove(CLIP[0], OTHER.verify_key),
    ):
        assert isinstance(refuse, Refuse)
        assert not refuse.proven


def test_a_small_order_key_proves_nothing() -> None:
    small = bytes.fromhex("01" + "00" * 31)
    signature = small + bytes(32)  # fits any message under this key, without the check
    record = replace(CLIP[0].record, doorbell=doorbell_id(small))
    part = replace(BELL.sign(record, CLIP[0].sealed or b""), signature=signature)
    assert reason(prove(part, small)) == "forged-signature"


def around(stored: dict[int, Link], seq: int) -> Around:
    highest = stored[max(stored)] if stored else None
    return Around(stored.get(seq), stored.get(seq - 1), stored.get(seq + 1), highest)


def test_frames_of_the_factory_are_those_of_the_wire() -> None:
    assert frame(CLIP[2]) == CLIP[2].encode()
    assert frame(BELL.dropped(CLIP[2])) == BELL.dropped(CLIP[2]).encode()
