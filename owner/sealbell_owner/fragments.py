"""As much of MP4 (ISO 14496-12) as says how long a fragment lasts: for clips whose manifest never arrived."""

import struct
from collections.abc import Iterator

from sealbell_wire.boxes import BOX_HEADER_BYTES
from sealbell_wire.errors import FormatError

MAX_SAMPLES = 100_000
_TFHD_BASE_OFFSET, _TFHD_DESCRIPTION, _TFHD_DURATION = 0x1, 0x2, 0x8
_TRUN_OFFSET, _TRUN_FIRST_FLAGS, _TRUN_DURATION = 0x1, 0x4, 0x100
_TRUN_PER_SAMPLE = (0x100, 0x200, 0x400, 0x800)


def timescale_hz(init: bytes) -> int:
    """Return how many ticks of the first track make a second; FormatError if the header does not say."""
    mdhd = _find(init, b"moov", b"trak", b"mdia", b"mdhd")
    scale = _u32(mdhd, 20 if mdhd[:1] == b"\x01" else 12)
    if scale == 0:
        raise FormatError("mp4: the header's timescale is zero")
    return scale


def duration_ticks(media: bytes) -> int:
    """Return how long the runs of a media part last, in ticks; FormatError if it does not say.

    Counts the first track of every moof. A duration that only the header gives (trex) counts as zero.
    """
    total = 0
    for name, moof in _boxes(media):
        if name == b"moof":
            traf = _find(moof, b"traf")
            default = _default_duration(_find(traf, b"tfhd"))
            total += sum(_run_ticks(box, default) for name, box in _boxes(traf) if name == b"trun")
    return total


def _default_duration(tfhd: bytes) -> int:
    flags = _u32(tfhd, 0) & 0xFFFFFF
    if not flags & _TFHD_DURATION:
        return 0
    return _u32(tfhd, 8 + (8 if flags & _TFHD_BASE_OFFSET else 0) + (4 if flags & _TFHD_DESCRIPTION else 0))


def _run_ticks(trun: bytes, default: int) -> int:
    flags, count = _u32(trun, 0) & 0xFFFFFF, _u32(trun, 4)
    if count > MAX_SAMPLES:
        raise FormatError(f"mp4: a run of more than {MAX_SAMPLES} samples")
    if not flags & _TRUN_DURATION:
        return count * default
    at = 8 + (4 if flags & _TRUN_OFFSET else 0) + (4 if flags & _TRUN_FIRST_FLAGS else 0)
    step = 4 * sum(1 for flag in _TRUN_PER_SAMPLE if flags & flag)
    return sum(_u32(trun, at + step * sample) for sample in range(count))


def _find(data: bytes, *path: bytes) -> bytes:
    for wanted in path:
        found = next((body for name, body in _boxes(data) if name == wanted), None)
        if found is None:
            raise FormatError("mp4: a box that tells the time is missing")
        data = found
    return data


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(data):
        size = _u32(data, at)
        if not BOX_HEADER_BYTES <= size <= len(data) - at:
            raise FormatError("mp4: a box does not fit")
        yield data[at + 4 : at + 8], data[at + BOX_HEADER_BYTES : at + size]
        at += size


def _u32(data: bytes, at: int) -> int:
    if at + 4 > len(data):
        raise FormatError("mp4: cut")
    return int(struct.unpack_from(">I", data, at)[0])
