import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clip_factory import Doorbell, Store
from relay_double import RelayDouble
from sealbell_owner.history import (
    MAX_SEEN_BYTES,
    MAX_SEEN_CLIPS,
    Finding,
    Seen,
    as_seen,
    encode_memory,
    parse_memory,
    remember,
    review,
)
from sealbell_owner.listing import ClipEntry, parse_clips
from sealbell_wire.errors import FormatError
from sealbell_wire.ids import ZERO_HASH
from sealbell_wire.part import Part

BELL = Doorbell()
CLIPS = [BELL.record(media=1) for _ in range(4)]


def listed(*clips: list[Part]) -> list[ClipEntry]:
    store = Store()
    for parts in clips:
        store.keep(parts)
    page = RelayDouble(store, "0" * 64, []).clips(BELL.doorbell, 50, None)
    return list(parse_clips(json.dumps(page).encode(), 50, None).clips)


def memory_of(*clips: list[Part]) -> dict[str, Seen]:
    return remember({}, map(as_seen, listed(*clips)))


def findings(*clips: list[Part], memory: dict[str, Seen] | None = None, to_the_first: bool = True) -> list[Finding]:
    found = review(listed(*clips), memory or {}, BELL.verify_key, to_the_first=to_the_first)
    return list(found.findings)


def name(clip: list[Part]) -> str:
    return clip[0].record.clip


def test_a_whole_history_has_no_findings_and_every_clip_joins() -> None:
    found = review(listed(*CLIPS), memory_of(*CLIPS), BELL.verify_key, to_the_first=True)
    assert found.findings == ()
    assert set(found.joins.values()) == {True}


def test_the_oldest_that_is_shown_has_nothing_to_join() -> None:
    found = review(listed(*CLIPS[2:]), {}, BELL.verify_key, to_the_first=False)
    assert found.findings == ()
    assert found.joins == {name(CLIPS[3]): True, name(CLIPS[2]): None}


def test_clips_before_the_oldest_are_missed_if_it_is_said_to_be_the_first() -> None:
    assert findings(*CLIPS[1:]) == [Finding(name(CLIPS[1]), "clips before the oldest one are missing")]


def test_a_hidden_clip_shows_between_its_neighbours() -> None:
    assert findings(CLIPS[0], CLIPS[2], CLIPS[3]) == [
        Finding(name(CLIPS[2]), "1 clips before number 3 are missing"),
    ]


def test_a_cut_end_shows_in_the_clip_after() -> None:
    assert findings(CLIPS[0], CLIPS[1][:-1], CLIPS[2]) == [
        Finding(name(CLIPS[2]), "the end of clip number 2 is missing"),
    ]


def test_a_cut_end_of_the_newest_clip_shows_only_in_memory() -> None:
    cut = CLIPS[1][:-1]
    assert findings(CLIPS[0], cut) == []
    (found,) = findings(CLIPS[0], cut, memory=memory_of(*CLIPS[:2]))
    assert re.match(r"went up to part 3 when it was seen before, and now ends at part 2", found.text)


def test_a_hidden_newest_clip_shows_only_in_memory() -> None:
    assert findings(*CLIPS[:2]) == []
    assert findings(*CLIPS[:2], memory=memory_of(*CLIPS[:3])) == [
        Finding(name(CLIPS[2]), "was seen before, and is no longer shown")
    ]


def test_everything_that_was_seen_is_missed_when_nothing_is_shown() -> None:
    assert [found.clip for found in findings(memory=memory_of(*CLIPS))] == [name(clip) for clip in reversed(CLIPS)]


def test_what_was_seen_and_is_older_than_what_is_shown_is_not_missed() -> None:
    assert findings(*CLIPS[2:], memory=memory_of(*CLIPS), to_the_first=False) == []


def test_a_clip_that_begins_or_ends_otherwise_than_it_was_seen_shows() -> None:
    memory = memory_of(CLIPS[0])
    seen = memory[name(CLIPS[0])]
    for change, text in [({"first": "ab" * 32}, "begins with another"), ({"newest": "ab" * 32}, "has another part 3")]:
        (found,) = findings(CLIPS[0], memory={seen.clip: replace(seen, **change)})
        assert text in found.text


def test_a_clip_that_grew_is_fine() -> None:
    assert findings(CLIPS[0], memory=memory_of(CLIPS[0][:2])) == []
    assert findings(CLIPS[0], memory=memory_of(CLIPS[0][1:2])) == []


def test_two_doorbells_with_one_key_show() -> None:
    copied = Doorbell()
    copied.wall_ms += 7
    twin = copied.record(media=1)
    assert name(twin) != name(CLIPS[0])
    assert [found.text for found in findings(CLIPS[0], twin)] == [
        "two clips carry the number 1: two doorbells use one key"
    ]


def test_a_clip_whose_first_part_is_missing_is_compared_with_nothing() -> None:
    found = review(listed(CLIPS[0], CLIPS[1][1:], CLIPS[2]), {}, BELL.verify_key, to_the_first=True)
    assert found.findings == ()
    assert found.joins == {name(CLIPS[2]): None, name(CLIPS[1]): None, name(CLIPS[0]): True}


def test_a_clip_that_the_doorbell_did_not_sign_is_refused_and_the_others_stand() -> None:
    entries = listed(*CLIPS[:2])
    forged = replace(entries[0], newest=replace(entries[0].newest, signature=bytes(64)))
    found = review([forged, entries[1]], {}, BELL.verify_key, to_the_first=True)
    assert [entry.clip for entry in found.clips] == [name(CLIPS[0])]
    assert found.findings[0].clip == name(CLIPS[1])
    assert found.findings[0].text.startswith("is refused: ")


def test_memory_never_gets_shorter() -> None:
    memory = memory_of(CLIPS[0])
    assert remember(memory, memory_of(CLIPS[0][:2]).values()) == memory
    assert remember(memory_of(CLIPS[0][:2]), memory.values()) == memory


def test_memory_learns_how_a_clip_began_later() -> None:
    late = memory_of(CLIPS[0][1:])
    assert late[name(CLIPS[0])].first == ZERO_HASH
    assert remember(late, memory_of(CLIPS[0][:1]).values()) == memory_of(CLIPS[0])


def test_memory_keeps_what_it_saw_first() -> None:
    memory = memory_of(CLIPS[0])
    seen = memory[name(CLIPS[0])]
    assert remember(memory, [replace(seen, first="ab" * 32, newest="cd" * 32)]) == memory


def test_memory_keeps_the_newest_within_its_limit() -> None:
    many = [Seen(f"{number:032x}", number + 1, "ab" * 32, 9_999, "cd" * 32, False) for number in range(5_000)]
    memory = remember({}, many)
    assert list(memory) == [seen.clip for seen in many[-MAX_SEEN_CLIPS:]]
    data = encode_memory("0" * 32, memory)
    assert len(data) < MAX_SEEN_BYTES
    assert parse_memory(data, "0" * 32) == memory


def test_memory_is_read_as_it_was_written() -> None:
    memory = memory_of(*CLIPS)
    assert parse_memory(encode_memory(BELL.doorbell, memory), BELL.doorbell) == memory
    assert parse_memory(encode_memory(BELL.doorbell, {}), BELL.doorbell) == {}


def test_the_memory_of_another_doorbell_is_refused() -> None:
    with pytest.raises(FormatError):
        parse_memory(encode_memory("1" * 32, {}), "2" * 32)


def test_a_memory_cut_at_any_byte_or_with_bytes_after_is_refused() -> None:
    data = encode_memory(BELL.doorbell, memory_of(CLIPS[0]))
    for end in range(len(data) - 2):
        with pytest.raises(FormatError):
            parse_memory(data[:end], BELL.doorbell)
    with pytest.raises(FormatError):
        parse_memory(data + b"x", BELL.doorbell)


@given(st.lists(st.lists(st.integers() | st.text(max_size=64) | st.booleans() | st.none(), max_size=7), max_size=3))
def test_rows_of_garbage_are_refused(rows: list[list[object]]) -> None:
    data = json.dumps({"v": 1, "doorbell": BELL.doorbell, "clips": rows}).encode()
    try:
        parse_memory(data, BELL.doorbell)
    except FormatError:
        return
    assert rows == []
