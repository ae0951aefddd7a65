"""The grammar of texts: what it accepts has one spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbell_wire.errors import FormatError
from sealbell_wire.lines import LineReader, encode_lines

values = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20)


@given(st.lists(values, min_size=1, max_size=5))
def test_what_is_written_is_read(written: list[str]) -> None:
    data = encode_lines("v1", [(f"k{at}", value) for at, value in enumerate(written)])
    reader = LineReader(data, "v1", len(data))
    assert [reader.take(f"k{at}") for at in range(len(written))] == written
    reader.end()


@given(st.text(st.characters(max_codepoint=0x7F), max_size=12))
def test_a_number_has_one_spelling(text: str) -> None:
    reader = LineReader(f"v1\nn {text}\n".encode(), "v1", 99)
    try:
        number = reader.number("n")
        reader.end()
    except FormatError:
        assert not (text.isdigit() and (text == "0" or text[0] != "0"))
    else:
        assert str(number) == text


def test_a_text_over_its_limit_is_refused_before_it_is_split() -> None:
    data = encode_lines("v1", [("k", "v")])
    LineReader(data, "v1", len(data))
    with pytest.raises(FormatError, match="longer than 6 bytes"):
        LineReader(data, "v1", 6)


def test_a_line_that_nobody_asked_for_is_refused() -> None:
    reader = LineReader(encode_lines("v1", [("a", "1"), ("b", "2")]), "v1", 99)
    assert reader.flag("a")
    with pytest.raises(FormatError, match="lines after its last one"):
        reader.end()


def test_a_line_that_is_missing_is_named() -> None:
    reader = LineReader(encode_lines("v1", [("a", "1")]), "v1", 99)
    reader.take("a")
    with pytest.raises(FormatError, match="ends before its b line"):
        reader.take("b")
