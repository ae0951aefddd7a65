import io
import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clip_factory import Doorbell, Store, key_of
from sealbell_owner.stored import MAX_STORED_BYTES, StreamCutError, parse_stored, read_stream, split_stored
from sealbell_wire.errors import ContradictionError, FormatError, SignatureError, WireError
from sealbell_wire.limits import MAX_PART_BYTES
from sealbell_wire.receipt import Receipt

BELL, STORE = Doorbell(), Store()
PARTS = BELL.record(media=1)
DROPPED = BELL.record(media=1, drop=[2])[2]
STORED = STORE.stored(PARTS[3])


def framed(*objects: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(stored)) + stored for stored in objects)


def stream(data: bytes, *, keep_alive: bool = False) -> list[bytes]:
    return list(read_stream(io.BytesIO(data).read, keep_alive=keep_alive))


@pytest.mark.parametrize("part", [*PARTS, DROPPED])
def test_a_stored_part_is_its_frame_and_its_receipt(part) -> None:
    parsed, receipt = parse_stored(STORE.stored(part, 77), STORE.verify_key)
    assert parsed == part
    assert receipt.receipt.arrived_ms == 77
    assert receipt.receipt.record == part.hash


def test_a_stored_part_cut_at_any_byte_is_refused() -> None:
    stored = STORE.stored(DROPPED)
    for end in range(len(stored)):
        with pytest.raises(WireError):
            parse_stored(stored[:end], STORE.verify_key)


def test_a_byte_after_the_receipt_is_refused() -> None:
    with pytest.raises(FormatError, match="bytes after the receipt"):
        parse_stored(STORED + b"\0", STORE.verify_key)


def test_a_second_receipt_is_refused() -> None:
    with pytest.raises(FormatError):
        parse_stored(STORED + split_stored(STORED)[1], STORE.verify_key)


def test_a_receipt_of_another_relay_is_refused() -> None:
    with pytest.raises(SignatureError, match="receipt@sealbell"):
        parse_stored(Store(key_of(51)).stored(PARTS[3]), STORE.verify_key)


@pytest.mark.parametrize(
    "change",
    [
        {"record": "0" * 64},
        {"seq": 2},
        {"clip": "0" * 32},
        {"doorbell": "0" * 32},
        {"verdict": "dropped"},
        {"verdict": "refused", "reason": "too-large"},
    ],
)
def test_a_receipt_that_speaks_of_something_else_is_refused(change) -> None:
    frame, _ = split_stored(STORED)
    receipt = parse_stored(STORED, STORE.verify_key)[1].receipt
    other: Receipt = replace(receipt, **change)
    with pytest.raises(ContradictionError, match="another part's"):
        parse_stored(frame + other.sign(STORE.relay_key), STORE.verify_key)


def test_a_dropped_part_cannot_have_a_receipt_that_says_stored() -> None:
    frame, _ = split_stored(STORE.stored(DROPPED))
    receipt = parse_stored(STORE.stored(DROPPED), STORE.verify_key)[1].receipt
    with pytest.raises(ContradictionError):
        parse_stored(frame + replace(receipt, verdict="stored").sign(STORE.relay_key), STORE.verify_key)


def test_a_larger_object_than_any_part_makes_is_refused_unread() -> None:
    with pytest.raises(FormatError, match="more than"):
        parse_stored(bytes(MAX_STORED_BYTES + 1), STORE.verify_key)


@given(st.binary(max_size=400))
def test_garbage_is_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        parse_stored(data, STORE.verify_key)
    with pytest.raises(WireError):
        parse_stored(STORED[:6] + data, STORE.verify_key)


def test_a_stream_comes_whole_and_a_byte_at_a_time() -> None:
    objects = [STORED, b"x", STORE.stored(DROPPED)]
    data = framed(*objects)
    assert stream(data) == objects
    dribble = io.BytesIO(data)
    assert list(read_stream(lambda _: dribble.read(1), keep_alive=False)) == objects
    assert stream(b"") == []


def test_a_stream_cut_at_any_byte_yields_the_whole_objects_before_it_and_says_that_it_was_cut() -> None:
    data = framed(b"one", b"three")
    for end in range(1, len(data)):
        if end == 7:
            assert stream(data[:end]) == [b"one"]
            continue
        got = []
        with pytest.raises(StreamCutError):
            got.extend(read_stream(io.BytesIO(data[:end]).read, keep_alive=False))


def test_a_sign_of_life_is_none_where_nothing_is_awaited() -> None:
    assert stream(framed(b"", b"x", b""), keep_alive=True) == [b"x"]
    with pytest.raises(FormatError, match="empty part"):
        stream(framed(b""))


@pytest.mark.parametrize("length", [MAX_STORED_BYTES + 1, 1 << 30, 0xFFFFFFFF])
def test_a_part_of_a_gibibyte_is_refused_before_a_byte_of_it_is_read(length: int) -> None:
    asked: list[int] = []
    source = io.BytesIO(struct.pack(">I", length) + bytes(64))

    def read(count: int) -> bytes:
        asked.append(count)
        return source.read(count)

    with pytest.raises(FormatError, match=str(length)):
        list(read_stream(read, keep_alive=True))
    assert max(asked) <= 4


def test_the_largest_object_is_taken() -> None:
    largest = bytes(MAX_STORED_BYTES)
    assert stream(framed(largest)) == [largest]
    assert len(STORE.stored(PARTS[0])) < MAX_STORED_BYTES
    assert MAX_STORED_BYTES > MAX_PART_BYTES


@given(st.binary(max_size=200))
def test_any_stream_ends_or_is_refused(data: bytes) -> None:
    try:
        stream(data)
    except FormatError:
        return
