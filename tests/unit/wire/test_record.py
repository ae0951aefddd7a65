"""A record has one spelling, fits its limit, and means what it says."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbell_wire import record as wire_record
from sealbell_wire.errors import FormatError
from sealbell_wire.limits import MAX_INTEGER, MAX_PART_BYTES, MAX_RECORD_BYTES, MAX_SEQ
from unit.wire.samples import a_record, records


@given(records())
def test_what_a_doorbell_writes_everyone_reads(record: wire_record.Record) -> None:
    assert wire_record.parse_record(record.encode()) == record


@given(records(), st.data())
def test_a_record_has_one_spelling(record: wire_record.Record, data: st.DataObject) -> None:
    text = record.encode()
    at = data.draw(st.integers(0, len(text)))
    changed = text[:at] + data.draw(st.binary(max_size=2)) + text[at + data.draw(st.integers(0, 2)) :]
    try:
        parsed = wire_record.parse_record(changed)
    except FormatError:
        return
    assert parsed.encode() == changed
    assert (parsed == record) == (changed == text)


@given(records(), st.data())
def test_a_cut_record_is_never_taken_for_another(record: wire_record.Record, data: st.DataObject) -> None:
    text = record.encode()
    with pytest.raises(FormatError):
        wire_record.parse_record(text[: data.draw(st.integers(0, len(text) - 1))])


def test_the_largest_record_fits() -> None:
    largest = replace(
        a_record(MAX_SEQ), size=MAX_PART_BYTES, monotonic_ms=MAX_INTEGER, wall_ms=MAX_INTEGER, keyframe=True
    )
    first = replace(a_record(0, "notice"), counter=MAX_INTEGER, monotonic_ms=MAX_INTEGER, wall_ms=MAX_INTEGER)
    assert max(len(largest.encode()), len(first.encode())) < MAX_RECORD_BYTES


def test_a_record_says_nothing_of_why_the_doorbell_called() -> None:
    shown = {line.split()[0] for line in a_record(0, "notice").encode().decode().splitlines()[1:]}
    assert shown & {"trigger", "readers", "firmware", "name"} == set()
