import cv2
import numpy as np
import pytest

from sealbell.watch.snapshot import MAX_WIDTH_PX, snapshot
from sealbell_wire.content import MAX_SNAPSHOT_BYTES


def opened(jpeg: bytes) -> tuple[int, int]:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture.shape[1], picture.shape[0]


@pytest.mark.parametrize("size", [(1920, 1080), (1280, 720), (640, 480), (640, 640), (1080, 1920), (1600, 1200)])
@pytest.mark.parametrize("levels", [2, 256])
def test_noise_of_any_size_still_fits_a_notice(size: tuple[int, int], levels: int) -> None:
    noise = np.random.default_rng(3).integers(0, levels, (size[1], size[0], 3)) * (255 // (levels - 1))
    jpeg = snapshot(noise.astype(np.uint8))
    assert 0 < len(jpeg) <= MAX_SNAPSHOT_BYTES
    width, height = opened(jpeg)
    assert width <= MAX_WIDTH_PX
    assert abs(width * size[1] - height * size[0]) < max(size), "the shape of the picture"


def test_ordinary_picture_is_640_wide_and_clear() -> None:
    slope = np.fromfunction(lambda y, x, c: (x // 8 + y // 8 + c * 40) % 256, (720, 1280, 3)).astype(np.uint8)
    jpeg = snapshot(slope)
    assert opened(jpeg) == (640, 360)
    assert jpeg.startswith(b"\xff\xd8\xff")


def test_small_picture_is_left_as_large_as_it_is() -> None:
    assert opened(snapshot(np.full((48, 64, 3), 90, np.uint8))) == (64, 48)


def test_very_wide_picture_keeps_a_line() -> None:
    assert opened(snapshot(np.full((2, 4_000, 3), 90, np.uint8))) == (640, 1)


def test_colours_are_not_swapped() -> None:
    blue = np.zeros((48, 64, 3), np.uint8)
    blue[:, :, 0] = 255
    picture = cv2.imdecode(np.frombuffer(snapshot(blue), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture[20, 20, 0] > 240
    assert picture[20, 20, 2] < 15


def test_no_picture_yet_is_no_snapshot() -> None:
    assert snapshot(None) == b""
