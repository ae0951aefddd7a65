"""Inside the seals: nothing that was made for one place is taken at another, and the outside tells little."""

import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbell_wire import boxes, content
from sealbell_wire.content import Init, Manifest, Notice, Place, Trigger
from sealbell_wire.errors import ContradictionError, FormatError
from sealbell_wire.limits import MAX_PART_BYTES, MAX_SEQ, NOTICE_BYTES
from unit.wire.samples import CLIP, VERIFY_KEY, hashes, names

PLACE = Place(VERIFY_KEY.hex(), CLIP, 3)
ELSEWHERE = [
    replace(PLACE, doorbell_key="00" * 32),
    replace(PLACE, clip="00" * 16),
    replace(PLACE, seq=4),
]
READERS = "88" * 32
HEADER = struct.pack(">I4s4sI4s", 20, b"ftyp", b"iso5", 512, b"iso6") + struct.pack(">I4s", 16, b"moov") + bytes(8)
FRAGMENT = struct.pack(">I4s", 16, b"moof") + bytes(8) + struct.pack(">I4s", 8, b"mdat")

kinds = st.sampled_from(["button", "motion", "pir"])
times = st.integers(0, 2**53 - 1)
pictures = st.just(b"") | st.binary(max_size=500).map(b"\xff\xd8\xff".__add__)
whys = st.tuples(kinds, st.booleans()).filter(lambda why: why != ("button", False))
notices = st.builds(
    lambda why, *rest: Notice(why[0], *rest, alert=why[1]), whys, times, times, hashes, pictures, st.none() | names
)
spans = st.tuples(times, times).map(sorted)
triggers = st.builds(lambda kind, span: Trigger(kind, *span), kinds, spans)


@given(notices)
def test_a_notice_says_why_the_doorbell_called(notice: Notice) -> None:
    assert content.read_notice(content.encode_notice(PLACE, notice), PLACE) == notice


@given(notices)
def test_no_trigger_and_no_picture_tells_itself_by_its_size(notice: Notice) -> None:
    assert len(content.encode_notice(PLACE, notice)) == NOTICE_BYTES


@given(notices)
def test_a_stock_viewer_shows_the_picture_of_an_opened_notice(notice: Notice) -> None:
    assert content.encode_notice(PLACE, notice).startswith(notice.snapshot)


def test_the_largest_picture_fits_and_a_larger_one_is_never_written() -> None:
    picture = b"\xff\xd8\xff".ljust(content.MAX_SNAPSHOT_BYTES, b"\1")
    notice = Notice("button", 2**53 - 1, 2**53 - 1, READERS, picture, CLIP)
    assert content.read_notice(content.encode_notice(PLACE, notice), PLACE) == notice
    with pytest.raises(FormatError, match="snapshot"):
        content.encode_notice(PLACE, replace(notice, snapshot=picture + b"\1"))


def test_a_press_that_would_call_nobody_is_neither_written_nor_read() -> None:
    silent = Notice("button", 1, 1, READERS, b"", alert=False)
    with pytest.raises(FormatError, match="call nobody"):
        content.encode_notice(PLACE, silent)
    written = content.encode_notice(PLACE, replace(silent, trigger="motion"))
    assert not content.read_notice(written, PLACE).alert
    with pytest.raises(FormatError, match="call nobody"):
        content.read_notice(written.replace(b'"motion"', b'"button"'), PLACE)


def test_an_init_part_says_what_made_the_clip() -> None:
    plaintext = content.encode_init(PLACE, Init("0.1.0", READERS), HEADER)
    assert content.read_init(plaintext, PLACE) == Init("0.1.0", READERS)
    assert plaintext.startswith(HEADER)


def walk(film: bytes) -> list[str]:
    names, at = [], 0
    while at < len(film):
        size, name = struct.unpack_from(">I4s", film, at)
        assert size >= 8
        names.append(name.decode())
        at += size
    assert at == len(film)
    return names


def test_opened_parts_one_after_the_other_are_a_plain_mp4() -> None:
    film = content.encode_init(PLACE, Init("0.1.0", READERS), HEADER)
    for seq in (4, 5):
        film += content.encode_media(replace(PLACE, seq=seq), FRAGMENT * 2)
    fragment = ["uuid", "moof", "mdat", "moof", "mdat", "free"]
    assert walk(film) == ["ftyp", "moov", "uuid", "free", *fragment, *fragment]


@given(st.integers(0, 5000))
def test_the_recorder_knows_what_a_fragment_grows_by(size: int) -> None:
    fragment = bytes(size)
    plaintext = content.encode_media(PLACE, fragment)
    assert plaintext == boxes.pad(plaintext[: content.media_overhead_bytes(PLACE) - 8] + fragment)


@given(st.integers(0, 12), st.data())
def test_a_manifest_says_what_the_clip_was(parts: int, data: st.DataObject) -> None:
    manifest = Manifest(
        *data.draw(spans),
        tuple(data.draw(st.lists(hashes, min_size=parts, max_size=parts))),
        tuple(data.draw(st.lists(triggers, max_size=4))),
        tuple(data.draw(st.lists(st.integers(0, parts - 1), max_size=3))) if parts else (),
        data.draw(times),
    )
    place = replace(PLACE, seq=parts)
    assert content.read_manifest(content.encode_manifest(place, manifest), place) == manifest


def test_the_largest_manifest_fits_into_a_part() -> None:
    triggers = (Trigger("button", 2**53 - 1, 2**53 - 1),) * content.MAX_TRIGGERS
    place = replace(PLACE, seq=MAX_SEQ)
    manifest = Manifest(0, 2**53 - 1, ("11" * 32,) * MAX_SEQ, triggers, tuple(range(MAX_SEQ)), 2**53 - 1)
    plaintext = content.encode_manifest(place, manifest)
    assert content.read_manifest(plaintext, place) == manifest
    assert len(plaintext) < MAX_PART_BYTES - 100_000  # room for head, record and tags


@pytest.mark.parametrize("place", ELSEWHERE, ids=["another doorbell", "another clip", "another part"])
def test_nothing_sealed_is_taken_at_another_place(place: Place) -> None:
    notice = content.encode_notice(PLACE, Notice("button", 1, 1, READERS, b""))
    init = content.encode_init(PLACE, Init("0.1.0", READERS), HEADER)
    media = content.encode_media(PLACE, FRAGMENT)
    manifest = content.encode_manifest(PLACE, Manifest(0, 1, ("11" * 32,) * 3, ()))
    for read, plaintext in (
        (content.read_notice, notice),
        (content.read_init, init),
        (content.check_media, media),
        (content.read_manifest, manifest),
    ):
        read(plaintext, PLACE)
        with pytest.raises(ContradictionError, match="sealed for another"):
            read(plaintext, place)
