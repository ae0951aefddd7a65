"""What relays tell each other of stored parts, parsed strictly."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbell_relay.follow import news
from sealbell_relay.follow.hub import Stored
from sealbell_wire.errors import FormatError
from sealbell_wire.limits import MAX_SEQ

RELAY, CLIP = "ab" * 16, "cd" * 16
LINE = news.line(RELAY, Stored(CLIP, 12, False, b"data"))
parts = st.builds(Stored, st.from_regex(r"\A[0-9a-f]{32}\Z"), st.integers(0, MAX_SEQ), st.booleans(), st.just(None))


@given(st.lists(parts, min_size=1, max_size=5))
def test_what_is_told_is_heard_in_order_and_without_data(stored: list[Stored]) -> None:
    message = b"".join(news.line(RELAY, part) for part in stored)
    assert news.parse(message) == [(RELAY, part) for part in stored]


@pytest.mark.parametrize("end", range(len(LINE)))
def test_what_is_cut_is_refused(end: int) -> None:
    with pytest.raises(FormatError):
        news.parse(LINE[:end])


@pytest.mark.parametrize(
    "message",
    [
        LINE + b"\n",
        LINE + b"x",
        LINE.upper(),
        LINE.replace(b" 12 ", b" 012 "),
        LINE.replace(b" 12 ", b" 10000 "),
        LINE.replace(b" 12 ", b" -1 "),
        LINE.replace(b"part", b"whole"),
        LINE.replace(b"\n", b"\r\n"),
        LINE.replace(b" ", b"  "),
        LINE * 10_000,
    ],
)
def test_what_is_not_news_is_refused(message: bytes) -> None:
    with pytest.raises(FormatError):
        news.parse(message)


@given(st.binary(max_size=200))
def test_garbage_raises_our_own_error_alone(message: bytes) -> None:
    with contextlib.suppress(FormatError):
        news.parse(message)
