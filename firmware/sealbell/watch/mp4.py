"""Fragmented MP4 (ISO 14496-12, -15) by hand: a header once, then one moof+mdat a run, at the moment we choose.

A library's muxer holds the last picture back until the next one comes and its header differs by version
(docs/decisions/0005-own-mp4-writer.md). Nothing here keeps state, so a fragment depends on nothing but its packets.
"""

import struct

from sealbell.items import Run, VideoFormat

TIMESCALE_HZ = 90_000
_US_PER_S = 1_000_000
_IDENTITY_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_SAMPLE_SYNC = 0x02000000  # depends on no other (ISO 14496-12, 8.8.3.1)
_SAMPLE_NOT_SYNC = 0x01010000
_NAL_SPS, _NAL_PPS, _NAL_AUD = 7, 8, 9
_MIN_SPS_BYTES, _MAX_SET_BYTES = 4, 0xFFFF  # type, profile, constraints, level; and what avcC can count


def ticks(t_us: int) -> int:
    """Return microseconds as ticks of the timescale, rounded down."""
    return t_us * TIMESCALE_HZ // _US_PER_S


def nal_units(annex_b: bytes) -> list[bytes]:
    """Split an Annex B access unit at its start codes (H.264, annex B) into NAL units without them."""
    units: list[bytes] = []
    start = annex_b.find(b"\0\0\1")
    while start >= 0:
        begin = start + 3
        start = annex_b.find(b"\0\0\1", begin)
        unit = annex_b[begin : start if start >= 0 else len(annex_b)].rstrip(b"\0")
        if unit:
            units.append(unit)
    return units


def parameter_sets(keyframe: bytes) -> tuple[bytes, bytes]:
    """Return the SPS and PPS that stand before a keyframe; ValueError if the encoder repeated none that are whole."""
    by_type = {unit[0] & 0x1F: unit for unit in nal_units(keyframe)}
    sps, pps = by_type.get(_NAL_SPS, b""), by_type.get(_NAL_PPS, b"")
    if not (_MIN_SPS_BYTES <= len(sps) <= _MAX_SET_BYTES and 1 <= len(pps) <= _MAX_SET_BYTES):
        raise ValueError("the encoder gave a keyframe without its parameter sets")
    return sps, pps


def _box(name: bytes, *parts: bytes) -> bytes:
    size = 8 + sum(map(len, parts))
    return struct.pack(">I4s", size, name) + b"".join(parts)


def _full(name: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    return _box(name, struct.pack(">I", version << 24 | flags), *parts)


def header(video: VideoFormat, keyframe: bytes) -> bytes:
    """Return ftyp and moov for a clip whose first picture is the Annex B access unit `keyframe`."""
    sps, pps = parameter_sets(keyframe)
    ftyp = _box(b"ftyp", b"iso5", struct.pack(">I", 512), b"iso5iso6mp41avc1")
    mvhd = _full(
        b"mvhd", 0, 0, struct.pack(">4I", 0, 0, 1_000, 0), struct.pack(">IH10x", 0x10000, 0x100), _IDENTITY_MATRIX,
        bytes(24), struct.pack(">I", 2),
    )  # fmt: skip
    trex = _full(b"trex", 0, 0, struct.pack(">5I", 1, 1, 0, 0, 0))
    return ftyp + _box(b"moov", mvhd, _track(video, sps, pps), _box(b"mvex", trex))


def _track(video: VideoFormat, sps: bytes, pps: bytes) -> bytes:
    tkhd = _full(
        b"tkhd", 0, 3, struct.pack(">5I8x4H", 0, 0, 1, 0, 0, 0, 0, 0, 0), _IDENTITY_MATRIX,
        struct.pack(">2I", video.width << 16, video.height << 16),
    )  # fmt: skip
    mdhd = _full(b"mdhd", 0, 0, struct.pack(">4I2H", 0, 0, TIMESCALE_HZ, 0, 0x55C4, 0))
    hdlr = _full(b"hdlr", 0, 0, struct.pack(">I4s12x", 0, b"vide"), b"video\0")
    dinf = _box(b"dinf", _full(b"dref", 0, 0, struct.pack(">I", 1), _full(b"url ", 0, 1)))
    empty = [_full(name, 0, 0, bytes(4)) for name in (b"stts", b"stsc", b"stco")]
    stsd = _full(b"stsd", 0, 0, struct.pack(">I", 1), _sample_entry(video, sps, pps))
    stbl = _box(b"stbl", stsd, *empty, _full(b"stsz", 0, 0, bytes(8)))
    minf = _box(b"minf", _full(b"vmhd", 0, 1, bytes(8)), dinf, stbl)
    return _box(b"trak", tkhd, _box(b"mdia", mdhd, hdlr, minf))


def _sample_entry(video: VideoFormat, sps: bytes, pps: bytes) -> bytes:
    avcc = _box(
        b"avcC", bytes([1, sps[1], sps[2], sps[3], 0xFF, 0xE1]), struct.pack(">H", len(sps)), sps, b"\1",
        struct.pack(">H", len(pps)), pps,
    )  # fmt: skip
    fixed = struct.pack(
        ">6xH16x2H2I4xH32xHh", 1, video.width, video.height, 0x480000, 0x480000, 1, 24, -1
    )  # fmt: skip
    return _box(b"avc1", fixed, avcc)


def fragment(number: int, base_us: int, run: Run) -> bytes:
    """Return moof and mdat of one run; `number` counts a clip's fragments from 1, `base_us` is the clip's time 0."""
    samples = [_sample(packet.data) for packet in run.packets]
    starts = [ticks(packet.t_us - base_us) for packet in run.packets] + [ticks(run.end_us - base_us)]
    entries = b"".join(
        struct.pack(
            ">3I", starts[i + 1] - starts[i], len(samples[i]), _SAMPLE_SYNC if packet.keyframe else _SAMPLE_NOT_SYNC
        )
        for i, packet in enumerate(run.packets)
    )
    mfhd = _full(b"mfhd", 0, 0, struct.pack(">I", number))
    tfhd = _full(b"tfhd", 0, 0x20000, struct.pack(">I", 1))  # offsets count from the moof
    tfdt = _full(b"tfdt", 1, 0, struct.pack(">Q", starts[0]))

    def moof(data_offset: int) -> bytes:
        trun = _full(b"trun", 0, 0x701, struct.pack(">Ii", len(samples), data_offset), entries)
        return _box(b"moof", mfhd, _box(b"traf", tfhd, tfdt, trun))

    return moof(len(moof(0)) + 8) + _box(b"mdat", *samples)


def _sample(annex_b: bytes) -> bytes:
    units = [unit for unit in nal_units(annex_b) if unit[0] & 0x1F not in (_NAL_SPS, _NAL_PPS, _NAL_AUD)]
    return b"".join(part for unit in units for part in (struct.pack(">I", len(unit)), unit))
