import base64
import contextlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clip_factory import Doorbell, Store
from relay_double import RelayDouble, signed_record
from sealbell_owner.listing import (
    MAX_DOORBELLS,
    MAX_PAGE_CLIPS,
    check_entry,
    parse_clips,
    parse_doorbells,
    parse_signed_record,
)
from sealbell_wire.errors import ContradictionError, FormatError, SignatureError, WireError
from sealbell_wire.limits import MAX_JSON_BYTES

BELL, STORE = Doorbell(), Store()
CLIPS = [BELL.record(media=1) for _ in range(3)]
for _parts in CLIPS:
    STORE.keep(_parts)
DOUBLE = RelayDouble(STORE, "0" * 64, [BELL.card])
PAGE = DOUBLE.clips(BELL.doorbell, 3, None)
NEWEST = CLIPS[-1][0].record.clip


def encode(value) -> bytes:
    return json.dumps(value).encode()


def with_first(**changes) -> bytes:
    return encode({**PAGE, "clips": [{**PAGE["clips"][0], **changes}]})


def test_a_page_lists_clips_newest_first() -> None:
    page = parse_clips(encode(PAGE), 3, None)
    assert [entry.clip for entry in page.clips] == [parts[0].record.clip for parts in reversed(CLIPS)]
    assert page.next is None
    for entry in page.clips:
        check_entry(entry, BELL.verify_key)
        assert entry.final


def test_a_full_page_is_within_the_limit_on_json() -> None:
    longest = replace(CLIPS[0][0].record, wall_ms=2**53 - 1, monotonic_ms=2**53 - 1, counter=2**53 - 1)
    frame = len(base64.b64encode(bytes(2 + len(longest.encode()) + 64)))
    assert MAX_PAGE_CLIPS * (2 * frame + 300) < MAX_JSON_BYTES


@pytest.mark.parametrize(
    "change",
    [
        {"clip": "../../etc/passwd"},
        {"clip": NEWEST.upper()},
        {"parts": -1},
        {"parts": "3"},
        {"parts": True},
        {"bytes": 2**60},
        {"arrived_ms": 1.5},
        {"first": 0},
        {"first": "!"},
        {"first": base64.b64encode(b"\0").decode()},
        {"newest": None},
        {"newest": ""},
        {"newest": "é"},
        {"newest": signed_record(CLIPS[0][0]) + "AAAA"},
        {"extra": 1},
    ],
)
def test_an_entry_that_follows_no_grammar_is_refused(change) -> None:
    with pytest.raises(FormatError):
        parse_clips(with_first(**change), 3, None)


def test_pages_that_lead_nowhere_are_refused() -> None:
    newest, *older = PAGE["clips"]
    for clips, following, before in [
        ([*older, newest], None, None),  # oldest first
        ([newest, newest], None, None),  # twice
        ([newest], None, newest["clip"]),  # not older than asked
        ([newest], older[0]["clip"], None),  # goes on past what it shows
        ([], newest["clip"], None),  # goes on though there is nothing
    ]:
        with pytest.raises(FormatError):
            parse_clips(encode({"clips": clips, "next": following}), 3, before)


def test_more_clips_than_asked_for_are_refused() -> None:
    with pytest.raises(FormatError, match="more than the 2"):
        parse_clips(encode(PAGE), 2, None)


def test_a_longer_answer_than_any_page_is_refused() -> None:
    with pytest.raises(FormatError, match="longer than"):
        parse_clips(b" " * (MAX_JSON_BYTES + 1), 3, None)


def test_a_listing_cut_at_any_byte_or_with_bytes_after_is_refused() -> None:
    data = encode(PAGE)
    for end in range(0, len(data), 7):
        with pytest.raises(FormatError):
            parse_clips(data[:end], 3, None)
    with pytest.raises(FormatError):
        parse_clips(data + b"{}", 3, None)


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
)
ANSWERS = st.dictionaries(st.sampled_from(["clips", "next", "doorbells"]), JSON).map(encode)


@given(st.binary(max_size=300) | ANSWERS)
def test_only_our_own_errors_come_out_of_garbage(data: bytes) -> None:
    for parse in (lambda: parse_clips(data, 3, None), lambda: parse_doorbells(data), lambda: parse_signed_record(data)):
        with contextlib.suppress(WireError):
            parse()


def test_a_signed_record_cut_at_any_byte_or_with_bytes_after_is_refused() -> None:
    frame = base64.b64decode(signed_record(CLIPS[0][0]))
    assert parse_signed_record(frame).encode() == frame
    for end in range(len(frame)):
        with pytest.raises(FormatError):
            parse_signed_record(frame[:end])
    with pytest.raises(FormatError):
        parse_signed_record(frame + b"\0")


def entry(**changes):
    return parse_clips(with_first(**changes), 3, None).clips[0]


def test_a_relay_cannot_list_what_the_doorbell_did_not_sign() -> None:
    forger = Doorbell(seed=2).record()[0]
    with pytest.raises(SignatureError):
        check_entry(entry(first=signed_record(forger)), BELL.verify_key)
    with pytest.raises(SignatureError):
        check_entry(entry(), Doorbell(seed=2).verify_key)


def test_a_relay_cannot_list_an_old_clip_under_a_new_name() -> None:
    with pytest.raises(ContradictionError, match="another clip under"):
        check_entry(entry(clip="f" * 32), BELL.verify_key)


def test_a_relay_cannot_list_a_later_part_as_the_first() -> None:
    with pytest.raises(ContradictionError, match="later part as"):
        check_entry(entry(first=signed_record(CLIPS[-1][1])), BELL.verify_key)


def test_a_relay_cannot_list_two_first_parts() -> None:
    again = BELL.sign_again(CLIPS[-1][0], wall_ms=1)
    with pytest.raises(ContradictionError, match="two first parts"):
        check_entry(entry(newest=signed_record(again)), BELL.verify_key)


def test_doorbells_are_listed_by_their_cards() -> None:
    assert parse_doorbells(encode(DOUBLE.doorbells())) == (BELL.card,)


def test_doorbells_with_anothers_card_or_too_many_are_refused() -> None:
    card = DOUBLE.doorbells()["doorbells"][0]
    small = {**card["card"], "key": "00" * 32}
    for doorbells in (
        [{**card, "doorbell": "0" * 32}],
        [{**card, "card": {**card["card"], "what": "owner"}}],
        [{**card, "card": small}],
        ["x"],
        [card] * (MAX_DOORBELLS + 1),
    ):
        with pytest.raises(WireError):
            parse_doorbells(encode({"doorbells": doorbells}))
