"""JSON that every implementation reads alike."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbell_wire import strictjson
from sealbell_wire.errors import FormatError
from sealbell_wire.limits import MAX_INTEGER

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
keys = st.text(st.characters(max_codepoint=0x7F), max_size=6)
leaves = st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | text
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=6
)
objects = st.dictionaries(keys, values, max_size=4)


def depth_of(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth_of, inner), default=0)


@given(objects)
def test_what_is_written_is_read(value: dict[str, object]) -> None:
    if depth_of(value) <= 8:
        assert strictjson.load(strictjson.dump(value), "test") == value


@given(objects)
def test_what_is_written_has_one_spelling(value: dict[str, object]) -> None:
    reordered = dict(reversed(value.items()))
    assert strictjson.dump(value) == strictjson.dump(reordered)


@given(objects, st.binary(min_size=1, max_size=3))
def test_bytes_after_the_object_are_refused(value: dict[str, object], after: bytes) -> None:
    if after.strip(b" \t\r\n"):
        with pytest.raises(FormatError):
            strictjson.load(strictjson.dump(value) + after, "test")


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_depth_never_reaches_the_parser(opening: str) -> None:
    with pytest.raises(FormatError, match="nested deeper"):
        strictjson.load(('{"a":' + opening * 40_000).encode(), "test")


@pytest.mark.parametrize("hidden", ["]" * 90_000, '\\"]' * 30_000, "\\\\" * 45_000])
def test_no_string_hides_depth(hidden: str) -> None:
    deep = f'{{"a":"{hidden}","b":{"[" * 40_000}'
    with pytest.raises(FormatError, match="nested deeper"):
        strictjson.load(deep.encode(), "test")


@pytest.mark.parametrize("hostile", [b'"' * 262_000, b'\\"' * 131_000, b'{"a":"' + b'\\"' * 130_000])
def test_an_open_string_costs_no_more_than_a_closed_one(hostile: bytes) -> None:
    with pytest.raises(FormatError):  # the suite's time limit is the check: a quadratic scan takes hours here
        strictjson.load(hostile, "test")


@pytest.mark.parametrize(
    "value", [{}, {"a": 1}, {"a": 1, "b": "x", "c": 2}, {"a": "1", "b": "x"}, {"a": True, "b": "x"}]
)
def test_an_object_has_exactly_its_keys(value: dict[str, object]) -> None:
    with pytest.raises(FormatError):
        strictjson.exact_keys(value, {"a": int, "b": str}, "test")
    strictjson.exact_keys({"a": 1, "b": "x"}, {"a": int, "b": str}, "test")


@given(objects)
def test_it_is_json(value: dict[str, object]) -> None:
    assert json.loads(strictjson.dump(value)) == value
