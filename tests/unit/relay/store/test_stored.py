"""The head of a stored object, fed whole, cut at each byte, and with garbage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parts_factory import Doorbell
from sealbell_relay.store.stored import HEAD_BYTES, parse_head
from sealbell_wire.errors import FormatError

BELL = Doorbell(1)
PART = BELL.clip(2)[1]
STORED = PART.encode() + b"receipt"


def test_the_head_tells_the_record_and_where_the_receipt_begins() -> None:
    for data in (STORED, STORED[:HEAD_BYTES]):
        head = parse_head(data)
        assert (head.link.record, head.link.hash, head.link.dropped) == (PART.record, PART.hash, False)
        assert STORED[head.message_bytes :] == b"receipt"
        assert head.signed == STORED[4 : 4 + len(head.signed)]


def test_the_head_of_a_mark_says_dropped() -> None:
    mark = BELL.dropped(PART).encode()
    head = parse_head(mark)
    assert head.link.dropped
    assert head.message_bytes == len(mark)


def test_a_cut_head_is_refused_at_each_byte() -> None:
    whole = 6 + len(PART.record_bytes) + 64 + 4
    for end in range(whole):
        with pytest.raises(FormatError):
            parse_head(STORED[:end])
    parse_head(STORED[:whole])


@given(st.binary(max_size=2_000))
def test_garbage_is_refused_with_our_own_error(data: bytes) -> None:
    for prefix in (b"", b"SBP1\x01\x80"):
        with pytest.raises(FormatError):
            parse_head(prefix + data)
