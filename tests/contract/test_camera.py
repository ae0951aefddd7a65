"""One contract for every Camera: a film's, a drawing's, one that could stall, the Pi's on a stand-in for its library.

`SEALBELL_REAL_CAMERA=1` on a Pi lets its real camera join (`make test-pi`).
"""

import io
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

import films
from fakes import picamera2
from sealbell.clock import FootageClock, SystemClock
from sealbell.items import Area, Frame, Packet, Picture, Seen, VideoFormat
from sealbell.seams import Camera
from sealbell.watch import mp4
from sealbell.watch.camera.footage import Footage
from sealbell.watch.camera.masks import NO_MASKS, Masks, rectangle
from sealbell.watch.camera.pi import PiCamera, PiSettings
from sealbell.watch.camera.synthetic import Synthetic
from sealbell.watch.gather import Gatherer
from sealbell_testing.camera import StallingCamera
from sealbell_testing.clock import HandClock

BOOT = "b0" * 16
DEADLINE_S = 20.0
PICTURES, PERIOD_MS = 30, 50
LENGTH_US = PICTURES * PERIOD_MS * 1_000
VIDEO = VideoFormat(64, 48)
MASK = Area(250, 250, 500, 500)
SAFE_PX = 4  # coding blurs the edge of a mask: facts of the first measurements, and this test
BLACK = range(23)  # 16 in limited range, and what coding makes of it


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return films.write(tmp_path_factory.mktemp("films") / "film.mp4", range(0, PICTURES * PERIOD_MS, PERIOD_MS))


def footage(film: Path, masks: Masks, *, real: bool) -> Camera:
    return Footage(film, FootageClock(BOOT, real=real), masks=masks)


def drawn(_: Path, masks: Masks, *, real: bool) -> Camera:
    return Synthetic(VIDEO, 20, 100_000, FootageClock(BOOT, real=real), LENGTH_US, walk_us=LENGTH_US, masks=masks)


def could_stall(film: Path, masks: Masks, *, real: bool) -> Camera:
    return StallingCamera(drawn(film, masks, real=real), lambda: None)


class OnStandIn(PiCamera):
    """The Pi's camera, before whose sensor pictures pass by themselves as long as anyone looks."""

    def __init__(self, masks: Masks, *, pi5: bool, align: int) -> None:
        clock = HandClock()
        self.sensor = picamera2.Sensor(clock, fps=20, align=align)
        settings = PiSettings(VIDEO, fps=20, bits_per_s=400_000, masks=masks)
        super().__init__(settings, clock, picamera2.library(self.sensor, pi5=pi5))
        threading.Thread(target=self._pass_by, daemon=True).start()

    def _pass_by(self) -> None:
        for _ in range(PICTURES + 10):
            self.sensor.show()

    def stop(self) -> None:
        super().stop()
        self.sensor.end()


FILMS: dict[str, Callable[[Path, Masks], Camera]] = {
    "footage, fast": lambda film, masks: footage(film, masks, real=False),
    "footage, real": lambda film, masks: footage(film, masks, real=True),
    "drawn, fast": lambda film, masks: drawn(film, masks, real=False),
    "drawn, real": lambda film, masks: drawn(film, masks, real=True),
    "drawn, could stall": lambda film, masks: could_stall(film, masks, real=False),
}
LIVE: dict[str, Callable[[Path, Masks], Camera]] = {
    "picamera2, stand-in": lambda _, masks: OnStandIn(masks, pi5=False, align=64),
    "picamera2, stand-in with wide strides": lambda _, masks: OnStandIn(masks, pi5=False, align=384),
    "picamera2, stand-in of a Pi 5": lambda _, masks: OnStandIn(masks, pi5=True, align=64),
}
if os.environ.get("SEALBELL_REAL_CAMERA"):
    LIVE["picamera2, real"] = lambda _, masks: PiCamera(
        PiSettings(VideoFormat(1280, 720), masks=masks), SystemClock(BOOT)
    )
CAMERAS = FILMS | LIVE


@pytest.fixture(params=CAMERAS)
def camera(request: pytest.FixtureRequest, film: Path) -> Iterator[Camera]:
    camera = CAMERAS[request.param](film, NO_MASKS)
    yield camera
    camera.stop()


@dataclass
class Show:
    """Everything that a camera showed in one whole run, and what was found on the way."""

    video: VideoFormat
    seen: list[Seen] = field(default_factory=list)
    lumas: list[bytes] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)
    stills: list[Picture | None] = field(default_factory=list)

    @property
    def frames(self) -> list[Frame]:
        return [item for item in self.seen if isinstance(item, Frame)]

    @property
    def packets(self) -> list[Packet]:
        return [item for item in self.seen if isinstance(item, Packet)]

    def take(self, item: Seen) -> None:
        self.seen.append(item)
        self.threads.add(threading.get_ident())
        if isinstance(item, Frame):
            self.lumas.append(item.luma.tobytes())


def shown_by(name: str, film: Path, masks: Masks = NO_MASKS) -> Show:
    """A whole film, or so many pictures of a camera that has no end, and what it said of stills meanwhile."""
    camera = CAMERAS[name](film, masks)
    show, done = Show(camera.format), threading.Event()
    show.stills.append(camera.still())

    def look() -> None:
        while not done.wait(0.01):
            show.stills.append(camera.still())

    def take(item: Seen) -> None:
        show.take(item)
        if name in LIVE and len(show.packets) == PICTURES:
            camera.stop()

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    camera.run(take)
    done.set()
    thread.join(DEADLINE_S)
    assert not thread.is_alive()
    show.stills.append(camera.still())
    return show


@pytest.fixture(scope="module", params=CAMERAS)
def show(request: pytest.FixtureRequest, film: Path) -> Show:
    return shown_by(request.param, film)


@pytest.fixture(scope="module", params=CAMERAS)
def masked(request: pytest.FixtureRequest, film: Path) -> Show:
    return shown_by(request.param, film, Masks([MASK]))


def test_every_picture_is_a_frame_and_then_a_packet_of_the_same_time(show: Show) -> None:
    assert len(show.packets) == PICTURES
    order = [item for item in show.seen if isinstance(item, Frame | Packet)]
    at = {(type(item), item.t_us): i for i, item in enumerate(order)}
    assert len(at) == len(order), "nothing comes twice"
    assert [frame.t_us for frame in show.frames][:PICTURES] == [packet.t_us for packet in show.packets]
    assert all(at[Frame, packet.t_us] < at[Packet, packet.t_us] for packet in show.packets)


def test_times_rise(show: Show) -> None:
    assert all(sooner.t_us < later.t_us for sooner, later in pairwise(show.packets))
    assert show.packets[0].t_us >= 0


@pytest.mark.parametrize("show", FILMS, indirect=True)
def test_a_films_times_begin_at_zero_and_reach_its_end(show: Show) -> None:
    assert [type(item) for item in show.seen] == [Frame, Packet] * PICTURES
    assert show.packets[0].t_us == 0
    assert show.packets[-1].t_us == LENGTH_US - PERIOD_MS * 1_000


def test_lores_is_luma_of_320_by_240(show: Show) -> None:
    kinds = {(frame.luma.shape, frame.luma.dtype, frame.luma.flags.c_contiguous) for frame in show.frames}
    assert kinds == {((240, 320), np.dtype(np.uint8), True)}
    assert any((frame.luma != show.frames[0].luma).any() for frame in show.frames), "and something moves in it"


def test_frames_keep_what_they_showed(show: Show) -> None:
    assert [frame.luma.tobytes() for frame in show.frames] == show.lumas, "no buffer is used again"


def test_first_packet_is_a_keyframe_and_one_comes_each_second(show: Show) -> None:
    assert show.packets[0].keyframe
    keyframes = [packet.t_us for packet in show.packets if packet.keyframe]
    assert len(keyframes) == 2
    assert keyframes[1] - keyframes[0] == pytest.approx(1_000_000, rel=0.1)


def test_parameter_sets_stand_before_every_keyframe(show: Show) -> None:
    for packet in show.packets:
        types = [unit[0] & 0x1F for unit in mp4.nal_units(packet.data)]
        assert (5 in types) == packet.keyframe
        assert not packet.keyframe or types.index(7) < types.index(8) < types.index(5)


def test_packets_from_any_keyframe_on_play_picture_by_picture(show: Show) -> None:
    for begin in [i for i, packet in enumerate(show.packets) if packet.keyframe]:
        gatherer = Gatherer(1_000_000, 900_000)
        runs = [run for run in [*map(gatherer.add, show.packets[begin:]), gatherer.flush()] if run]
        data = mp4.header(show.video, show.packets[begin].data)
        data += b"".join(mp4.fragment(n + 1, runs[0].start_us, run) for n, run in enumerate(runs))
        with av.open(io.BytesIO(data)) as container:
            pictures = list(container.decode(video=0))
        assert len(pictures) == len(show.packets) - begin
        assert {(picture.width, picture.height) for picture in pictures} == {(show.video.width, show.video.height)}


def test_everything_comes_from_one_thread(show: Show) -> None:
    assert len(show.threads) == 1


def test_still_is_nothing_at_first_and_then_the_newest_picture_for_any_thread(show: Show) -> None:
    assert show.stills[0] is None
    stills = [still for still in show.stills if still is not None]
    assert stills
    size = (show.video.height, show.video.width, 3)
    assert {(still.shape, still.dtype) for still in stills} == {(size, np.dtype(np.uint8))}
    assert stills[-1].std() > 1


def test_a_mask_is_black_in_what_is_coded(masked: Show) -> None:
    decoder = av.CodecContext.create("h264", "r")
    pictures = [
        picture for packet in [*masked.packets, None] for picture in decoder.decode(packet and av.Packet(packet.data))
    ]
    assert len(pictures) == PICTURES
    for picture in pictures:
        inside_is_black(picture.to_ndarray(format="yuv420p")[: masked.video.height, : masked.video.width], SAFE_PX)


def test_a_mask_is_black_in_lores(masked: Show) -> None:
    for frame in masked.frames:
        inside_is_black(frame.luma, SAFE_PX * 320 // min(320, masked.video.width))


def test_a_mask_is_black_in_stills(masked: Show) -> None:
    stills = [still for still in masked.stills if still is not None]
    assert stills
    for still in stills:
        inside_is_black(still.max(axis=2), SAFE_PX, range(6))


def inside_is_black(picture: Picture, safe_px: int, black: range = BLACK) -> None:
    height, width = picture.shape
    at = rectangle(MASK, VideoFormat(width, height))
    inside = picture[at.top + safe_px : at.bottom - safe_px, at.left + safe_px : at.right - safe_px]
    assert inside.size
    assert inside.min() in black
    assert inside.max() in black
    around = np.concatenate([picture[: at.top - safe_px].reshape(-1), picture[at.bottom + safe_px :].reshape(-1)])
    assert around.max() not in black, "and not all is black"


class TearingMasks(Masks):
    """Masks that can be burnt a few times only."""

    def __init__(self, pictures: int) -> None:
        super().__init__([MASK])
        self.burns = 2 * pictures  # a Pi burns main and lores, the others main alone

    def burn(self, yuv: Picture, video: VideoFormat) -> None:
        self.burns -= 1
        if self.burns < 0:
            raise RuntimeError("torn")
        super().burn(yuv, video)


@pytest.mark.parametrize("name", CAMERAS)
def test_where_a_mask_fails_nothing_more_is_shown(name: str, film: Path) -> None:
    camera = CAMERAS[name](film, TearingMasks(3))
    seen: list[Seen] = []
    with pytest.raises(Exception, match="torn"):
        camera.run(seen.append)
    camera.stop()
    shown = [item for item in seen if isinstance(item, Frame | Packet)]
    assert len(shown) <= 2 * 6
    for item in shown:
        if isinstance(item, Frame):
            inside_is_black(item.luma, 20)
    still = camera.still()
    if still is not None:
        inside_is_black(still.max(axis=2), SAFE_PX, range(6))


def test_stop_from_another_thread_ends_it_soon(camera: Camera) -> None:
    begun, go_on, seen = threading.Event(), threading.Event(), []

    def sink(item: Seen) -> None:
        seen.append(item)
        begun.set()
        go_on.wait(DEADLINE_S)

    thread = threading.Thread(target=camera.run, args=(sink,), daemon=True)
    thread.start()
    assert begun.wait(DEADLINE_S)
    camera.stop()
    go_on.set()
    thread.join(DEADLINE_S)
    assert not thread.is_alive()
    assert len(seen) <= 3


def test_stop_before_it_runs_is_heard_too(camera: Camera) -> None:
    camera.stop()
    seen: list[Seen] = []
    camera.run(seen.append)
    assert len(seen) <= 2


def test_what_the_sink_raises_is_not_swallowed(camera: Camera) -> None:
    def sink(_: Seen) -> None:
        raise RuntimeError("no room")

    with pytest.raises(RuntimeError, match="no room"):
        camera.run(sink)


def test_real_pace_shows_no_picture_before_its_time(tmp_path: Path) -> None:
    early_us: list[int] = []
    clock = FootageClock(BOOT, real=True)
    Synthetic(VIDEO, 20, 100_000, clock, 200_000).run(lambda item: early_us.append(item.t_us - clock.now_us()))
    film = films.write(tmp_path / "short.mp4", (0, 50, 200))
    Footage(film, clock).run(lambda item: early_us.append(item.t_us - clock.now_us()))
    assert len(early_us) == 2 * (4 + 3)
    assert max(early_us) <= 0


def test_fast_clock_stands_at_the_picture_that_is_shown(film: Path) -> None:
    times: list[tuple[int, int]] = []
    clock = FootageClock(BOOT, real=False)
    Footage(film, clock).run(lambda item: times.append((item.t_us, clock.now_us())))
    assert times
    assert all(shown_us == now_us for shown_us, now_us in times)
