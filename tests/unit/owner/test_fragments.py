import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clip_factory import GOP_MS, film
from sealbell_owner.fragments import MAX_SAMPLES, duration_ticks, timescale_hz
from sealbell_wire.errors import FormatError

HEADER, FRAGMENTS = film()


def box(name: bytes, *parts: bytes) -> bytes:
    return struct.pack(">I4s", 8 + sum(map(len, parts)), name) + b"".join(parts)


def trun(flags: int, count: int, *words: int) -> bytes:
    return box(b"trun", struct.pack(f">{2 + len(words)}I", flags, count, *words))


def moof(trun_box: bytes, tfhd_flags: int = 0, *words: int) -> bytes:
    tfhd = box(b"tfhd", struct.pack(f">{2 + len(words)}I", tfhd_flags, 1, *words))
    return box(b"moof", box(b"mfhd", bytes(8)), box(b"traf", tfhd, trun_box))


def test_a_real_fragment_lasts_as_long_as_its_pictures() -> None:
    scale = timescale_hz(HEADER)
    for fragment in FRAGMENTS:
        assert duration_ticks(fragment) * 1_000 // scale == GOP_MS


def test_several_fragments_in_one_part_add_up() -> None:
    assert duration_ticks(FRAGMENTS[0] + FRAGMENTS[1]) == 2 * duration_ticks(FRAGMENTS[0])


@pytest.mark.parametrize(
    ("fragment", "ticks"),
    [
        (moof(trun(0x701, 2, 99, 30, 7, 0, 40, 7, 0)), 70),  # offset, then duration, size, flags a sample
        (moof(trun(0x105, 2, 99, 98, 30, 40)), 70),  # offset and first flags
        (moof(trun(0x200, 3, 7, 7, 7), 0x8, 25), 75),  # the track's default
        (moof(trun(0, 3), 0xB, 0, 0, 0, 25), 75),  # behind a base offset and a description
        (moof(trun(0, 3)), 0),  # only the header would say
        (box(b"free", bytes(8)) + box(b"mdat"), 0),
    ],
)
def test_every_way_to_write_a_duration_is_read(fragment: bytes, ticks: int) -> None:
    assert duration_ticks(fragment) == ticks


def test_a_long_header_form_is_read() -> None:
    mdhd = box(b"mdhd", b"\1\0\0\0", bytes(16), struct.pack(">I", 90_000), bytes(12))
    assert timescale_hz(box(b"moov", box(b"trak", box(b"mdia", mdhd)))) == 90_000


@pytest.mark.parametrize("cut", [b"", b"\0\0\0\x09moov!", b"\0\0\0\x04moov", b"\xff\xff\xff\xffmoov", bytes(64)])
def test_a_header_that_does_not_say_is_refused(cut: bytes) -> None:
    with pytest.raises(FormatError):
        timescale_hz(cut)


def test_a_header_with_no_time_at_all_is_refused() -> None:
    mdhd = box(b"mdhd", bytes(24))
    with pytest.raises(FormatError, match="zero"):
        timescale_hz(box(b"moov", box(b"trak", box(b"mdia", mdhd))))


def test_more_samples_than_any_fragment_has_are_refused_unread() -> None:
    with pytest.raises(FormatError, match="samples"):
        duration_ticks(moof(trun(0x100, MAX_SAMPLES + 1)))


def test_a_fragment_cut_at_any_byte_raises_nothing_else() -> None:
    whole = FRAGMENTS[0]
    for end in range(len(whole)):
        try:
            assert duration_ticks(whole[:end]) >= 0
        except FormatError:
            continue


@given(st.binary(max_size=200), st.integers(0, 200))
def test_garbage_raises_nothing_else(data: bytes, at: int) -> None:
    for mp4 in (data, FRAGMENTS[0][:at] + data, HEADER[: 3 * at] + data):
        for parse in (timescale_hz, duration_ticks):
            try:
                parse(mp4)
            except FormatError:
                continue
