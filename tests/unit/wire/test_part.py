"""A part on its way: whole or refused, and nobody's but its doorbell's."""

import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbell_wire import ids, sshsig
from sealbell_wire.errors import ContradictionError, FormatError, SignatureError
from sealbell_wire.limits import MAX_PART_BYTES
from sealbell_wire.part import Part, parse_part, split_sealed, verify_part
from sealbell_wire.sealing import drop_part
from unit.wire.samples import CLIP, DOORBELL, HEAD, OTHER_DOORBELL, RELAY, VERIFY_KEY, a_record, part_of

bodies = st.binary(max_size=300)


@given(bodies)
def test_a_part_arrives_as_it_was_sent(body: bytes) -> None:
    sent = part_of(a_record(), body)
    arrived = parse_part(sent.encode())
    verify_part(arrived, VERIFY_KEY)
    assert arrived == sent
    assert split_sealed(HEAD + body) == (HEAD, body)


@given(bodies)
def test_a_dropped_part_is_still_the_doorbells_word(body: bytes) -> None:
    part = part_of(a_record(), body)
    arrived = parse_part(drop_part(part, DOORBELL).encode())
    verify_part(arrived, VERIFY_KEY)
    assert arrived.sealed is None
    assert (arrived.hash, arrived.record) == (part.hash, part.record)


def test_relay_cannot_declare_a_part_dropped() -> None:
    part = part_of(a_record())
    for signature in (sshsig.sign(RELAY, sshsig.DROPPED, part.record_bytes), part.signature, bytes(64)):
        forged = replace(part, sealed=None, dropped=signature)
        with pytest.raises(SignatureError):
            verify_part(parse_part(forged.encode()), VERIFY_KEY)


def test_relay_cannot_pass_a_dropped_part_off_as_an_empty_one() -> None:
    dropped = drop_part(part_of(a_record()), DOORBELL).encode()
    with pytest.raises(FormatError):
        parse_part(b"SBP1" + dropped[4:])


@given(bodies, st.data())
def test_any_changed_byte_is_refused(body: bytes, data: st.DataObject) -> None:
    frame = bytearray(part_of(a_record(), body).encode())
    at = data.draw(st.integers(0, len(frame) - 1))
    frame[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises((FormatError, SignatureError, ContradictionError)):
        verify_part(parse_part(bytes(frame)), VERIFY_KEY)


def test_another_doorbell_cannot_publish_in_this_ones_name() -> None:
    with pytest.raises(SignatureError):
        verify_part(part_of(a_record(), key=OTHER_DOORBELL), VERIFY_KEY)


def test_another_doorbells_part_is_not_taken_for_this_ones() -> None:
    other_key = sshsig.verify_key_of(OTHER_DOORBELL)
    foreign = part_of(replace(a_record(), doorbell=ids.doorbell_id(other_key)), key=OTHER_DOORBELL)
    verify_part(foreign, other_key)
    with pytest.raises(ContradictionError):
        verify_part(foreign, VERIFY_KEY)


def test_relay_cannot_swap_the_age_files_of_two_parts() -> None:
    one, other = part_of(a_record(2), b"one"), part_of(a_record(3), b"two")
    with pytest.raises(ContradictionError):
        verify_part(replace(one, sealed=other.sealed), VERIFY_KEY)


def test_a_new_head_over_the_signed_body_is_told_from_the_original() -> None:
    part = part_of(a_record(), b"body")
    rewrapped = replace(part, sealed=HEAD.replace(b"Ym9keQ", b"Ym9keg") + b"body")
    with pytest.raises(ContradictionError, match="age header"):
        verify_part(rewrapped, VERIFY_KEY)


def test_a_part_of_one_gibibyte_is_refused_by_its_announcement() -> None:
    frame = bytearray(part_of(a_record()).encode())
    struct.pack_into(">I", frame, len(frame) - len(HEAD) - 4, 2**30)
    with pytest.raises(FormatError, match="age file is cut"):
        parse_part(bytes(frame))


def test_exactly_at_the_limit_is_taken_and_one_byte_over_is_not() -> None:
    room = MAX_PART_BYTES - len(part_of(a_record(), bytes(900_000)).encode()) + 900_000
    part = part_of(a_record(), bytes(room))
    assert len(part.encode()) == MAX_PART_BYTES
    verify_part(parse_part(part.encode()), VERIFY_KEY)
    with pytest.raises(FormatError, match="more than the 1000000"):
        part_of(a_record(), bytes(room + 1)).encode()
    with pytest.raises(FormatError, match="more than the 1000000"):
        parse_part(part.encode() + b"\0")


@given(st.binary(max_size=80))
def test_a_file_without_an_age_header_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        split_sealed(data.replace(b"\n--- ", b""))


def test_a_part_is_named_by_its_record() -> None:
    part = part_of(a_record())
    assert part.hash == part_of(a_record(), head=HEAD).hash
    assert part.hash != part_of(a_record(3)).hash
    assert Part(part.record, part.record_bytes, bytes(64), None).hash == part.hash
    assert part.record.clip == CLIP
