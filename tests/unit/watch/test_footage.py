from itertools import pairwise
from pathlib import Path

import pytest

import films
from sealbell.clock import FootageClock
from sealbell.items import Packet, Seen, VideoFormat
from sealbell.watch.camera.footage import Footage, FootageError
from sealbell.watch.camera.synthetic import Synthetic, parse_drawing

BOOT = "b0" * 16
FOOTAGE = Path(__file__).parents[2] / "footage"


def shown(path: Path) -> list[Packet]:
    seen: list[Seen] = []
    Footage(path, FootageClock(BOOT, real=False)).run(seen.append)
    return [item for item in seen if isinstance(item, Packet)]


def test_film_that_does_not_exist_is_said(tmp_path: Path) -> None:
    with pytest.raises(FootageError, match="no such file"):
        Footage(tmp_path / "none.mp4", FootageClock(BOOT, real=False))


@pytest.mark.parametrize("data", [b"", b"hello", b"\0" * 5_000, b"ftyp" * 500])
def test_file_that_is_no_film_is_said(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(data)
    with pytest.raises(FootageError, match="cannot be read as video"):
        Footage(path, FootageClock(BOOT, real=False))


def test_folder_is_no_film(tmp_path: Path) -> None:
    with pytest.raises(FootageError, match="cannot be read as video"):
        Footage(tmp_path, FootageClock(BOOT, real=False))


def test_sound_alone_is_no_film(tmp_path: Path) -> None:
    path = films.write_sound(tmp_path / "sound.mp4")
    with pytest.raises(FootageError, match="holds no picture"):
        Footage(path, FootageClock(BOOT, real=False))


def test_film_that_is_damaged_ends_there_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = films.write(tmp_path / "film.mp4", range(0, 4_000, 40))
    data = bytearray(path.read_bytes())
    third = len(data) // 3
    data[third : 2 * third] = bytes(third)
    path.write_bytes(data)
    assert 10 < len(shown(path)) < 100
    assert "what follows cannot be read" in caplog.text


def test_film_that_is_cut_ends_where_it_is_cut(tmp_path: Path) -> None:
    path = films.write(tmp_path / "film.mkv", range(0, 5_000, 50))
    whole = len(shown(path))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert 10 < len(shown(path)) < whole


def test_times_are_the_films_own_from_zero(tmp_path: Path) -> None:
    times_ms = (500, 540, 700, 701, 1_900)
    path = films.write(tmp_path / "film.mkv", times_ms)
    assert [packet.t_us for packet in shown(path)] == [(t_ms - 500) * 1_000 for t_ms in times_ms]


@pytest.mark.parametrize("name", ["film.mp4", "film.avi", "film.mkv", "film.mov", "film.ts"])
def test_any_container_will_do(tmp_path: Path, name: str) -> None:
    path = films.write(tmp_path / name, range(0, 2_000, 40))
    packets = shown(path)
    assert len(packets) == 50
    assert all(later.t_us - sooner.t_us == pytest.approx(40_000, abs=1_500) for sooner, later in pairwise(packets))


@pytest.mark.parametrize(
    ("size", "expected"),
    [((64, 48), (64, 48)), ((3_840, 2_160), (1_920, 1_080)), ((1_080, 1_920), (606, 1_080)), ((34, 18), (34, 18))],
)
def test_size_is_even_and_at_most_1080p(tmp_path: Path, size: tuple[int, int], expected: tuple[int, int]) -> None:
    path = films.write(tmp_path / "film.mp4", (0, 40), VideoFormat(*size))
    camera = Footage(path, FootageClock(BOOT, real=False))
    assert camera.format == VideoFormat(*expected)
    seen: list[Seen] = []
    camera.run(seen.append)
    assert len(seen) == 4


@pytest.mark.parametrize("name", ["intel_one-by-one-person-detection.mp4", "opencv_tree.avi"])
def test_real_footage_is_read(name: str) -> None:
    camera = Footage(FOOTAGE / name, FootageClock(BOOT, real=False))
    seen: list[Seen] = []

    def sink(item: Seen) -> None:
        seen.append(item)
        if item.t_us > 1_500_000:
            camera.stop()

    camera.run(sink)
    packets = [item for item in seen if isinstance(item, Packet)]
    assert len(packets) > 3
    assert sum(packet.keyframe for packet in packets) >= 2


@pytest.mark.parametrize("bits_per_s", [150_000, 400_000])
def test_drawn_pictures_really_yield_the_bitrate_asked_for(bits_per_s: int) -> None:
    seen: list[Seen] = []
    Synthetic(VideoFormat(320, 240), 15, bits_per_s, FootageClock(BOOT, real=False), 8_000_000).run(seen.append)
    # The encoder's buffer is empty at first, so the beginning is a little dearer.
    settled = [len(item.data) for item in seen if isinstance(item, Packet) and item.t_us >= 3_000_000]
    assert 8 * sum(settled) / 5 == pytest.approx(bits_per_s, rel=0.05)


def test_drawn_walker_walks_at_the_beginning_of_each_turn() -> None:
    seen: list[Seen] = []
    clock = FootageClock(BOOT, real=False)
    camera = Synthetic(VideoFormat(320, 240), 5, 200_000, clock, 4_000_000, walk_us=1_000_000, every_us=2_000_000)
    camera.run(seen.append)
    bright = [(item.t_us, (item.luma > 190).mean() > 0.03) for item in seen if not isinstance(item, Packet)]  # type: ignore[union-attr]
    assert [t_us for t_us, walks in bright if walks] == [0, 200_000, 400_000, 600_000, 800_000, 2_000_000, 2_200_000,
                                                         2_400_000, 2_600_000, 2_800_000]  # fmt: skip


def test_drawing_is_described_in_one_word() -> None:
    assert parse_drawing("1280x720@30:2000000") == (VideoFormat(1_280, 720), 30, 2_000_000)


@pytest.mark.parametrize(
    "text",
    ["", "1280x720", "1280x720@30", "1281x720@30:2000000", "1280x721@30:2000000", "1280x720@0:2000000",
     "1280x720@61:2000000", "1280x720@30:2000000\n", "x@:", "9x9@9:99999", "1280x720@30:-1",
     "\u0661280x720@30:2000000"],
)  # fmt: skip
def test_drawing_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"WxH@FPS|even width"):
        parse_drawing(text)
