"""The Pi carries PyAV 14.2, our lock the newest: what stands on PyAV is tested on both, and so is what led us off it.

14.2 goes into a folder beside the environment, by its hash, and into a process of its own.
"""

import io
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import pytest

from scene import VIDEO, drawn
from sealbell.items import Packet, Run
from sealbell.watch import mp4
from sealbell.watch.camera.h264 import H264Encoder

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PI_VERSION = "14.2.0"
UNREACHABLE = ("No matching distribution found", "ConnectTimeout", "NewConnectionError", "Max retries exceeded")
INSTALL_S, RUN_S = 240, 240
TESTED = (
    "tests/contract/test_camera.py",
    "tests/unit/watch/test_mp4.py",
    "tests/unit/watch/test_footage.py",
    "tests/interop/test_pyav.py",
)
MAIN = 77  # H.264, A.2.2
INSIDE = "SEALBELL_TEST_INSIDE_AV"


def filmed(profile: str) -> list[Packet]:
    """Pictures as an encoder of that profile gives them."""
    codec = av.CodecContext.create("libx264", "w")
    assert isinstance(codec, av.VideoCodecContext)
    codec.width, codec.height, codec.pix_fmt, codec.time_base = VIDEO.width, VIDEO.height, "yuv420p", Fraction(1, 25)
    codec.options = {"preset": "superfast", "tune": "zerolatency", "x264-params": "repeat-headers=1"}
    codec.profile = profile
    found = []
    for number, picture in enumerate(drawn(10)):
        picture.pts = number
        found += [Packet(number * 40_000, bytes(each), each.is_keyframe) for each in codec.encode(picture)]
    return found


def avcc(file: bytes) -> bytes:
    """The content of the one avcC box, which says what decoder a player needs."""
    at = file.index(b"avcC")
    assert file.count(b"avcC") == 1
    return file[at + 4 : at - 4 + int.from_bytes(file[at - 4 : at], "big")]


def by_pyav(film: list[Packet], *, opaque: bool = True) -> bytes:
    """The film in an MP4 of PyAV's; an opaque template is the one way that is right in both versions."""
    theirs, stream = io.BytesIO(), b"".join(packet.data for packet in film)
    with av.open(io.BytesIO(stream), format="h264") as source, av.open(theirs, "w", format="mp4") as target:
        template = source.streams.video[0]
        out = target.add_stream_from_template(template, opaque=opaque)
        for number, packet in enumerate(packet for packet in source.demux(template) if packet.size):
            packet.pts, packet.dts, packet.duration = number, number, 1
            packet.time_base, packet.stream = Fraction(1, 25), out
            target.mux(packet)
    return theirs.getvalue()


@pytest.mark.parametrize("profile", ["Baseline", "Main", "High"])
def test_our_header_says_the_profile_of_the_stream_itself_and_so_does_pyav_from_an_opaque_template(
    profile: str,
) -> None:
    film = filmed(profile)
    sps, _ = mp4.parameter_sets(film[0].data)
    ours = avcc(mp4.header(VIDEO, film[0].data))
    assert ours[1:4] == sps[1:4]
    assert ours[:6] + ours[6:][: 2 + len(sps)] == avcc(by_pyav(film))[: 8 + len(sps)]


@pytest.mark.parametrize("profile", ["Baseline", "Main", "High"])
def test_what_we_write_plays(profile: str) -> None:
    film = filmed(profile)
    data = mp4.header(VIDEO, film[0].data) + mp4.fragment(1, 0, Run(tuple(film), 400_000))
    with av.open(io.BytesIO(data)) as container:
        container.streams.video[0].codec_context.options = {"err_detect": "explode"}
        assert len(list(container.decode(video=0))) == len(film)


def test_our_encoder_makes_the_profile_that_a_pis_makes() -> None:
    (picture,) = drawn(1)
    sps, _ = mp4.parameter_sets(H264Encoder(VIDEO, 25, None).encode(picture, 0).data)
    assert sps[1] == MAIN


@pytest.fixture(scope="session")
def pyav_of_the_pi() -> Path:
    folder = Path(sys.prefix) / f"av-{PI_VERSION}"
    if not (folder / f"av-{PI_VERSION}.dist-info" / "RECORD").exists():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--target"]
        done = subprocess.run(
            [*command, str(folder), "-r", str(HERE / "av14" / "requirements.txt")],
            capture_output=True, text=True, timeout=INSTALL_S, check=False,
        )  # fmt: skip
        if done.returncode and any(said in done.stderr for said in UNREACHABLE):
            pytest.skip(f"PyAV {PI_VERSION} cannot be had: pip has no network here, or no wheel for this Python")
        assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.skipif(bool(os.environ.get(INSIDE)), reason="this is the inside")
def test_all_that_stands_on_pyav_passes_on_the_version_of_the_pi(pyav_of_the_pi: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *TESTED],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(pyav_of_the_pi), INSIDE: PI_VERSION},
        capture_output=True, text=True, timeout=RUN_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4_000:]


@pytest.mark.skipif(not os.environ.get(INSIDE), reason="only on the version of the Pi")
def test_inside_it_is_that_version() -> None:
    assert av.__version__ == os.environ[INSIDE]


@pytest.mark.skipif(not os.environ.get(INSIDE), reason="only on the version of the Pi")
def test_a_bare_template_says_another_profile_there() -> None:
    film = filmed("Baseline")
    sps, _ = mp4.parameter_sets(film[0].data)
    assert avcc(by_pyav(film, opaque=False))[1:4] != sps[1:4]
