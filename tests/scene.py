"""What a camera would give: made-up packets that say which picture they are, and real H.264 where a player must agree.

Fragments are read back by a parser of its own here, not by the writer under test.
"""

import functools
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import av
import numpy as np

from sealbell.items import Packet, VideoFormat
from sealbell.watch.camera.h264 import H264Encoder

VIDEO = VideoFormat(64, 48)
SPS, PPS = bytes([0x67, 0x4D, 0x40, 0x1F, 0xAA]), bytes([0x68, 0xEE, 0x3C])
START_CODE = b"\0\0\0\1"
IDR, SLICE = 0x65, 0x41
TIMESCALE_HZ = 90_000


def packet(t_us: int, number: int, *, keyframe: bool, size_bytes: int = 0) -> Packet:
    """An access unit whose only slice holds `number`, filled up to `size_bytes` where that is more."""
    unit = bytes([IDR if keyframe else SLICE]) + b"%d;" % number
    units = [SPS, PPS, unit] if keyframe else [unit]
    data = b"".join(START_CODE + each for each in units)
    return Packet(t_us, data.ljust(size_bytes, b"\xff"), keyframe)


def packets(count: int, *, period_us: int = 100_000, gop: int = 10, first: int = 0, start_us: int = 0) -> list[Packet]:
    """`count` packets, a keyframe every `gop`; numbers go up from `first`."""
    return [packet(start_us + i * period_us, first + i, keyframe=i % gop == 0) for i in range(count)]


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture of a fragment: when and how long in ticks of the clip's own time, and its number."""

    at: int
    ticks: int
    number: int
    keyframe: bool


def shown(fragment: bytes) -> list[Shown]:
    """The pictures of one moof+mdat (ISO 14496-12, 8.8), as a player finds them."""
    (moof_at, moof), (_, mdat) = children(fragment)[b"moof"], children(fragment)[b"mdat"]
    traf = children(moof)[b"traf"][1]
    (at,) = struct.unpack_from(">Q", children(traf)[b"tfdt"][1], 4)
    trun = children(traf)[b"trun"][1]
    flags, count, offset = struct.unpack_from(">IIi", trun)
    assert flags & 0xFFFFFF == 0x701, "the run gives a data offset, and duration, size and flags of each picture"
    pictures, place = [], moof_at - 8 + offset
    for i in range(count):
        ticks, size, sample = struct.unpack_from(">3I", trun, 12 + 12 * i)
        pictures.append(Shown(at, ticks, _number(fragment[place : place + size]), not sample & 0x10000))
        at, place = at + ticks, place + size
    assert place == len(fragment), "the mdat ends with the last picture"
    assert sum(len(data) for data in [mdat]) == place - (moof_at - 8 + offset)
    return pictures


def children(data: bytes) -> dict[bytes, tuple[int, bytes]]:
    """Boxes in `data` by type: (where the content begins, content). A type that comes twice is not expected."""
    found: dict[bytes, tuple[int, bytes]] = {}
    at = 0
    while at < len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        assert name not in found
        assert 8 <= size <= len(data) - at
        found[name] = (at + 8, data[at + 8 : at + size])
        at += size
    return found


def _number(sample: bytes) -> int:
    (length,) = struct.unpack_from(">I", sample)
    assert length == len(sample) - 4, "one slice a picture, its parameter sets left in the header"
    assert sample[4] in (IDR, SLICE)
    return int(sample[5 : sample.index(b";")])


@functools.cache
def filmed(count: int = 40, fps: int = 10, video: VideoFormat = VIDEO) -> tuple[Packet, ...]:
    """Real pictures, really encoded: a bar that moves, one keyframe a second."""
    encoder = H264Encoder(video, fps, None, "ultrafast")
    return tuple(encoder.encode(picture, i * 1_000_000 // fps) for i, picture in enumerate(drawn(count, video)))


def drawn(count: int, video: VideoFormat = VIDEO) -> Iterator[av.VideoFrame]:
    """Pictures of a bar that moves."""
    for i in range(count):
        luma = np.full((video.height * 3 // 2, video.width), 128, np.uint8)
        luma[: video.height, i % video.width : i % video.width + 8] = 235
        yield av.VideoFrame.from_ndarray(luma, format="yuv420p")
