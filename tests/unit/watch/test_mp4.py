import io
import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings import Door
from scene import PPS, SPS, START_CODE, VIDEO, children, drawn, filmed, packet, shown
from sealbell.items import Packet, Run, VideoFormat
from sealbell.watch import mp4
from sealbell.watch.camera.h264 import H264Encoder
from sealbell.watch.gather import Gatherer

S = 1_000_000


def runs_of(film: Sequence[Packet], fragment_us: int = S) -> list[Run]:
    gatherer = Gatherer(fragment_us, 900_000)
    found = [gatherer.add(picture) for picture in film]
    return [run for run in [*found, gatherer.flush()] if run]


def written(runs: Sequence[Run], base_us: int = 0, video: VideoFormat = VIDEO) -> bytes:
    header = mp4.header(video, runs[0].packets[0].data)
    return header + b"".join(mp4.fragment(i + 1, base_us, run) for i, run in enumerate(runs))


def played(data: bytes) -> list[tuple[Fraction, int, int]]:
    """(seconds, width, height) of each picture that a player shows; fails on any error of the decoder."""
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        stream.codec_context.options = {"err_detect": "explode"}
        return [
            (picture.pts * picture.time_base, picture.width, picture.height) for picture in container.decode(stream)
        ]


def test_header_and_fragments_play() -> None:
    film = filmed(40)
    assert played(written(runs_of(film))) == [(Fraction(i, 10), 64, 48) for i in range(40)]


@pytest.mark.parametrize(("begin", "end"), [(0, 1), (0, 2), (1, 4), (3, 4)])
def test_header_and_any_run_of_fragments_that_begins_at_a_keyframe_play(begin: int, end: int) -> None:
    some = runs_of(filmed(40))[begin:end]
    expected = [Fraction(picture.t_us, S) for run in some for picture in run.packets]
    assert [at for at, _, _ in played(written(some))] == expected


def test_fragments_inside_a_gop_play() -> None:
    runs = runs_of(filmed(40), fragment_us=250_000)
    assert len(runs) > 12
    assert len(played(written(runs))) == 40


def test_clip_that_begins_late_begins_at_its_own_zero() -> None:
    runs = runs_of(filmed(40))[2:]
    assert played(written(runs, base_us=2 * S))[0][0] == 0


@pytest.mark.parametrize("times_ms", [(0, 33, 66, 100, 133), (0, 40, 80, 1_080, 1_090, 9_000), (0, 1, 2, 3), (0,)])
def test_every_picture_is_shown_at_its_own_time(times_ms: tuple[int, ...]) -> None:
    encoder = H264Encoder(VIDEO, 10, None, "ultrafast")
    film = [encoder.encode(picture, t * 1_000) for picture, t in zip(drawn(len(times_ms)), times_ms, strict=True)]
    at = [round(float(at), 5) for at, _, _ in played(written(runs_of(film)))]
    assert at == [round(t / 1_000, 5) for t in times_ms]


def test_pictures_are_shown_in_the_order_in_which_they_come() -> None:
    with av.open(io.BytesIO(written(runs_of(filmed(40))))) as container:
        times = [(each.pts, each.dts) for each in container.demux(video=0) if each.size]
    assert all(pts == dts for pts, dts in times)
    assert times == sorted(times)


def test_size_is_the_cameras() -> None:
    video = VideoFormat(130, 94)
    assert {(w, h) for _, w, h in played(written(runs_of(filmed(5, video=video)), video=video))} == {(130, 94)}


def test_header_says_the_size_before_anything_is_decoded() -> None:
    video = VideoFormat(130, 94)
    moov = children(mp4.header(video, packet(0, 0, keyframe=True).data))[b"moov"][1]
    trak = children(children(moov)[b"trak"][1])
    assert struct.unpack(">II", trak[b"tkhd"][1][-8:]) == (130 << 16, 94 << 16)
    stbl = children(children(children(trak[b"mdia"][1])[b"minf"][1])[b"stbl"][1])
    assert struct.unpack_from(">HH", stbl[b"stsd"][1], 8 + 8 + 24) == (130, 94)


def test_tick_is_fine_enough_for_any_rate_of_pictures() -> None:
    assert [mp4.ticks(t_us) for t_us in (0, 33_333, 40_000, 1_000_000)] == [0, 2_999, 3_600, 90_000]


def test_avcc_holds_the_streams_own_parameter_sets() -> None:
    film = filmed(5)
    with av.open(io.BytesIO(written(runs_of(film)))) as container:
        avcc = container.streams.video[0].codec_context.extradata
    sps, pps = mp4.parameter_sets(film[0].data)
    assert avcc is not None
    assert avcc[:6] == bytes([1, sps[1], sps[2], sps[3], 0xFF, 0xE1]), "the profile and level of the stream itself"
    assert avcc[6:] == len(sps).to_bytes(2, "big") + sps + b"\1" + len(pps).to_bytes(2, "big") + pps


def test_same_pictures_as_a_librarys_muxer_writes() -> None:
    film, theirs = filmed(40), io.BytesIO()
    with av.open(theirs, "w", format="mp4") as container:
        stream = container.add_stream("libx264")
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = VIDEO.width, VIDEO.height, "yuv420p"
        stream.codec_context.time_base = Fraction(1, S)
        for picture in film:
            each = av.Packet(picture.data)
            each.stream, each.time_base = stream, Fraction(1, S)
            each.pts = each.dts = picture.t_us
            each.is_keyframe = picture.keyframe
            container.mux(each)
    ours = io.BytesIO(written(runs_of(film)))
    assert colours(ours) == colours(theirs)


def colours(file: io.BytesIO) -> list[bytes]:
    file.seek(0)
    with av.open(file) as container:
        return [picture.to_ndarray(format="gray").tobytes() for picture in container.decode(video=0)]


def test_a_clip_costs_next_to_nothing_over_its_pictures() -> None:
    # 720p at 30 pictures a second and 2 Mbit/s, a keyframe of 40 kB each second.
    film = [
        packet(i * 33_333, i, keyframe=i % 30 == 0, size_bytes=40_000 if i % 30 == 0 else 7_240) for i in range(300)
    ]
    door = Door()
    door.press(0)
    door.see(*film)
    (clip,) = door.finish()
    carried = len(clip.inits[0].header) + sum(len(draft.fragment) for draft in clip.media)
    held = sum(len(picture.data) for picture in film[: len(clip.numbers)])
    assert carried < 1.01 * held


def test_keyframe_without_parameter_sets_is_refused() -> None:
    cut, huge = START_CODE + SPS[:3] + START_CODE + PPS, START_CODE + SPS + START_CODE + PPS + b"\xff" * 65_536
    for data in (START_CODE + b"\x65abc", START_CODE + SPS + START_CODE + b"\x65abc", cut, huge, b"", b"garbage"):
        with pytest.raises(ValueError, match="parameter sets"):
            mp4.header(VIDEO, data)


@given(
    units=st.lists(st.binary(min_size=1, max_size=20).map(lambda raw: raw.replace(b"\0", b"\1")), max_size=6),
    codes=st.lists(st.sampled_from([b"\0\0\1", b"\0\0\0\1", b"\0\0\0\0\0\1"]), min_size=6, max_size=6),
    before=st.sampled_from([b"", b"\0", b"noise"]),
    after=st.sampled_from([b"", b"\0\0\0"]),
)
def test_nal_units_are_what_stands_between_start_codes(
    units: list[bytes], codes: list[bytes], before: bytes, after: bytes
) -> None:
    annex_b = before + b"".join(code + unit for code, unit in zip(codes, units, strict=False)) + after
    assert mp4.nal_units(annex_b) == units


@given(data=st.binary(max_size=200))
def test_nal_units_of_garbage_hold_no_start_code(data: bytes) -> None:
    units = mp4.nal_units(data)
    assert all(unit and b"\0\0\1" not in unit for unit in units)
    assert sum(map(len, units)) <= len(data)


@given(
    steps_us=st.lists(st.integers(1, 2 * S), min_size=1, max_size=40),
    cuts=st.lists(st.booleans(), min_size=40, max_size=40),
)
def test_fragments_join_without_a_tick_between_them(steps_us: list[int], cuts: list[bool]) -> None:
    times = [sum(steps_us[:i]) for i in range(len(steps_us) + 1)]
    film = [packet(t_us, i, keyframe=i == 0 or cuts[i]) for i, t_us in enumerate(times[:-1])]
    runs, begin = [], 0
    for i in range(1, len(film) + 1):
        if i == len(film) or film[i].keyframe:
            runs.append(Run(tuple(film[begin:i]), times[i]))
            begin = i
    pictures = [picture for n, run in enumerate(runs) for picture in shown(mp4.fragment(n + 1, 0, run))]
    assert [picture.number for picture in pictures] == list(range(len(film)))
    assert [picture.at for picture in pictures] == [mp4.ticks(t_us) for t_us in times[:-1]]
    assert [picture.at + picture.ticks for picture in pictures] == [mp4.ticks(t_us) for t_us in times[1:]]
    assert [picture.keyframe for picture in pictures] == [each.keyframe for each in film]


def test_parameter_sets_stand_in_the_header_alone() -> None:
    (picture,) = shown(mp4.fragment(1, 0, Run((packet(0, 7, keyframe=True),), S)))
    assert picture.number == 7
    assert SPS not in mp4.fragment(1, 0, Run((packet(0, 7, keyframe=True),), S))
    assert PPS in mp4.header(VIDEO, packet(0, 7, keyframe=True).data)


def test_file_on_disk_plays_as_one(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(written(runs_of(filmed(40))))
    with av.open(str(path)) as container:
        assert container.format.name.startswith("mov,mp4")
        assert len(list(container.decode(video=0))) == 40
