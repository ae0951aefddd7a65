"""Packs: what went in comes out, and nothing that is not exactly a pack is taken for one."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbell_wire.errors import FormatError
from sealbell_wire.limits import MAX_SEQ
from sealbell_wire.pack import (
    MAX_INDEX_BYTES,
    MAX_PACK_OBJECTS,
    Packed,
    encode_pack,
    pack_name,
    parse_index,
    parse_pack_name,
)

OBJECTS = [(0, False, b"zero"), (1, False, b"one"), (1, True, b""), (7, False, b"seven")]
PACK = encode_pack(OBJECTS)


def test_what_was_packed_lies_where_the_index_says() -> None:
    found = parse_index(PACK, len(PACK))
    assert [(one.seq, one.dropped, PACK[one.start : one.start + one.size]) for one in found] == OBJECTS


def test_the_first_bytes_are_enough_for_the_index_however_many_objects() -> None:
    pack = encode_pack([(seq, False, b"x" * 100) for seq in range(MAX_PACK_OBJECTS)])
    assert len(parse_index(pack[:MAX_INDEX_BYTES], len(pack))) == MAX_PACK_OBJECTS


def test_a_pack_has_these_bytes() -> None:
    index = "53424b31 00000004  00000000 00000004  00000002 00000003  00000003 00000000  0000000e 00000005"
    assert bytes.fromhex(index) + b"zeroone" + b"seven" == PACK


@pytest.mark.parametrize("end", range(len(PACK)))
def test_a_pack_that_was_cut_is_none(end: int) -> None:
    with pytest.raises(FormatError):
        parse_index(PACK[:end], end)


def test_bytes_behind_a_pack_are_refused() -> None:
    with pytest.raises(FormatError, match="and its index speaks of"):
        parse_index(PACK + b"x", len(PACK) + 1)


@pytest.mark.parametrize(
    ("index", "says"),
    [
        (struct.pack(">4sI", b"SBK2", 1) + struct.pack(">II", 0, 0), "magic"),
        (struct.pack(">4sI", b"SBK1", 0), "holds 0 objects"),
        (struct.pack(">4sI", b"SBK1", MAX_PACK_OBJECTS + 1), "holds 1025 objects"),
        (struct.pack(">4sI", b"SBK1", 2) + struct.pack(">IIII", 2, 0, 2, 0), "not in order"),
        (struct.pack(">4sI", b"SBK1", 2) + struct.pack(">IIII", 4, 0, 2, 0), "not in order"),
        (struct.pack(">4sI", b"SBK1", 1) + struct.pack(">II", 2 * MAX_SEQ + 2, 0), "not in order"),
    ],
)
def test_an_index_that_is_none_is_refused(index: bytes, says: str) -> None:
    with pytest.raises(FormatError, match=says):
        parse_index(index, len(index))


@given(st.binary(max_size=200), st.integers(0, 300))
def test_garbage_is_never_taken_for_a_pack_or_raises_anything_else(data: bytes, size: int) -> None:
    try:
        found = parse_index(data, size)
    except FormatError:
        return
    assert found[-1].start + found[-1].size == size


def test_names_say_which_parts() -> None:
    assert pack_name(0, 17) == "000000-000017.pack"
    assert parse_pack_name("000000-000017.pack") == (0, 17)
    for name in ("000017-000000.pack", "0-1.pack", "000000-000017.part", "000000-010000.pack", "000000-000017.pack\n"):
        assert parse_pack_name(name) is None
    assert parse_index(PACK, len(PACK))[0] == Packed(0, False, 40, 4)
