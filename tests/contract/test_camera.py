"""One contract for every Camera. PiCamera joins it on a Pi; here are those that stand in for it."""

import io
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

import films
from sealbell.clock import FootageClock
from sealbell.items import Frame, Packet, Picture, Seen, VideoFormat
from sealbell.seams import Camera
from sealbell.watch import mp4
from sealbell.watch.camera.footage import Footage
from sealbell.watch.camera.synthetic import Synthetic
from sealbell.watch.gather import Gatherer

BOOT = "b0" * 16
DEADLINE_S = 20.0
PICTURES, PERIOD_MS = 30, 50
LENGTH_US = PICTURES * PERIOD_MS * 1_000
VIDEO = VideoFormat(64, 48)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return films.write(tmp_path_factory.mktemp("films") / "film.mp4", range(0, PICTURES * PERIOD_MS, PERIOD_MS))


def footage(film: Path, *, real: bool) -> Camera:
    return Footage(film, FootageClock(BOOT, real=real))


def drawn(_: Path, *, real: bool) -> Camera:
    return Synthetic(VIDEO, 20, 100_000, FootageClock(BOOT, real=real), LENGTH_US, walk_us=LENGTH_US)


CAMERAS: dict[str, Callable[[Path], Camera]] = {
    "footage, fast": lambda film: footage(film, real=False),
    "footage, real": lambda film: footage(film, real=True),
    "drawn, fast": lambda film: drawn(film, real=False),
    "drawn, real": lambda film: drawn(film, real=True),
}


@pytest.fixture(params=CAMERAS)
def camera(request: pytest.FixtureRequest, film: Path) -> Iterator[Camera]:
    camera = CAMERAS[request.param](film)
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


@pytest.fixture(scope="module", params=CAMERAS)
def show(request: pytest.FixtureRequest, film: Path) -> Show:
    camera = CAMERAS[request.param](film)
    show, done = Show(camera.format), threading.Event()
    show.stills.append(camera.still())

    def look() -> None:
        while not done.wait(0.01):
            show.stills.append(camera.still())

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    camera.run(show.take)
    done.set()
    thread.join(DEADLINE_S)
    assert not thread.is_alive()
    show.stills.append(camera.still())
    return show


def test_every_picture_is_a_frame_and_then_a_packet_of_the_same_time(show: Show) -> None:
    assert [type(item) for item in show.seen] == [Frame, Packet] * PICTURES
    assert [frame.t_us for frame in show.frames] == [packet.t_us for packet in show.packets]


def test_times_begin_at_zero_and_rise(show: Show) -> None:
    assert show.packets[0].t_us == 0
    assert all(sooner.t_us < later.t_us for sooner, later in pairwise(show.packets))
    assert show.packets[-1].t_us == LENGTH_US - PERIOD_MS * 1_000


def test_lores_is_luma_of_320_by_240(show: Show) -> None:
    kinds = {(frame.luma.shape, frame.luma.dtype, frame.luma.flags.c_contiguous) for frame in show.frames}
    assert kinds == {((240, 320), np.dtype(np.uint8), True)}
    assert any((frame.luma != show.frames[0].luma).any() for frame in show.frames), "and something moves in it"


def test_frames_keep_what_they_showed(show: Show) -> None:
    assert [frame.luma.tobytes() for frame in show.frames] == show.lumas, "no buffer is used again"


def test_first_packet_is_a_keyframe_and_one_comes_each_second(show: Show) -> None:
    assert [packet.t_us for packet in show.packets if packet.keyframe] == [0, 1_000_000]


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
        assert len(pictures) == PICTURES - begin
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
