"""What the owner remembers of a doorbell's health, and what contradicts it."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from clip_factory import WALL_MS, Doorbell
from sealbell.items import Trouble
from sealbell_owner import listing
from sealbell_owner.diagnosis import EVERY_MS, TROUBLES
from sealbell_owner.heard import MAX_BOOTS, Heard, contradictions, encode_heard, parse_heard, remember
from sealbell_wire.errors import FormatError, WireError

BELL = Doorbell()
BELL.record(media=0)
SAID = BELL.say(WALL_MS)
HEARD = remember(None, SAID, BELL.tip)


def test_what_was_heard_is_kept_as_it_is() -> None:
    heard = replace(HEARD, boots=("b0" * 16, "b1" * 16))
    assert parse_heard(encode_heard(BELL.doorbell, heard), BELL.doorbell) == heard


def test_heard_file_cut_at_any_byte_or_with_bytes_after_is_refused() -> None:
    whole = encode_heard(BELL.doorbell, HEARD).strip()
    for data in (*(whole[:at] for at in range(len(whole))), whole + b"x", whole + whole):
        with pytest.raises(FormatError):
            parse_heard(data, BELL.doorbell)


@pytest.mark.parametrize(
    "changes",
    [
        {"v": 2},
        {"doorbell": "ab" * 16},
        {"number": -1},
        {"text": "x"},
        {"boot": 7},
        {"seq": 10_000},
        {"clip": ""},
        {"boots": ["x"]},
        {"boots": [1]},
        {"boots": ["b0" * 16] * (MAX_BOOTS + 1)},
        {"more": 1},
    ],
    ids=str,
)
def test_heard_file_that_a_restored_copy_damaged_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(FormatError):
        parse_heard(json.dumps(json.loads(encode_heard(BELL.doorbell, HEARD)) | changes).encode(), BELL.doorbell)


def test_older_message_changes_no_memory() -> None:
    bell = Doorbell()
    older, newer = bell.say(WALL_MS), bell.say(WALL_MS + 1)
    heard = remember(None, newer, bell.tip)
    assert remember(heard, older, bell.tip) == heard
    assert contradictions(heard, older, bell.tip) != []
    assert contradictions(heard, newer, bell.tip) == []


def test_furthest_end_is_remembered_whatever_came_later() -> None:
    bell = Doorbell()
    bell.record(media=0)
    early = bell.tip
    bell.record(media=0)
    heard = remember(None, bell.say(WALL_MS), bell.tip)
    back = remember(heard, bell.say(WALL_MS + 1), early)
    assert (back.counter, back.clip, back.seq) == (heard.counter, heard.clip, heard.seq)
    assert back.number == heard.number + 1


def test_no_more_boots_are_remembered_than_a_few_and_the_newest_always() -> None:
    bell, heard = Doorbell(), None
    for number in range(MAX_BOOTS + 10):
        bell.boot = f"{number:032x}"
        heard = remember(heard, bell.say(WALL_MS + number), bell.tip)
        assert contradictions(heard, bell.say(WALL_MS + number), bell.tip) == []
    assert isinstance(heard, Heard)
    assert len(heard.boots) == MAX_BOOTS
    assert heard.boots[-1] == f"{MAX_BOOTS + 8:032x}"


def test_every_trouble_that_a_doorbell_knows_has_words_and_advice_here() -> None:
    assert TROUBLES.keys() == {trouble.value for trouble in Trouble}
    assert EVERY_MS == 15 * 60_000


def answers() -> Iterator[bytes]:
    for value in ({}, [], {"health": None}, {"health": "AA", "arrived_ms": None}, {"health": None, "arrived_ms": 1},
                  {"health": "A", "arrived_ms": 1}, {"health": "AAAA", "arrived_ms": -1},
                  {"health": "AAAA", "arrived_ms": 1, "more": 1}, {"health": 7, "arrived_ms": 1}):  # fmt: skip
        yield json.dumps(value).encode()


@pytest.mark.parametrize("data", list(answers()))
def test_answer_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        listing.parse_health_answer(data)


def test_answer_cut_at_any_byte_is_refused() -> None:
    whole = b'{"health":"AAAA","arrived_ms":12}'
    assert listing.parse_health_answer(whole) == listing.Offered(b"\0\0\0", 12)
    for at in range(len(whole)):
        with pytest.raises(WireError):
            listing.parse_health_answer(whole[:at])
