import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbell.items import Area, Picture, VideoFormat
from sealbell.watch.camera.masks import BLACK_LUMA, NO_COLOUR, NO_MASKS, Masks, planes, rectangle

VIDEO = VideoFormat(64, 48)
SHOWN = 200


def blank(video: VideoFormat, stride: int) -> Picture:
    return np.full((video.height * 3 // 2, stride), SHOWN, np.uint8)


def areas() -> st.SearchStrategy[Area]:
    def inside(x: int, y: int) -> st.SearchStrategy[Area]:
        return st.builds(Area, st.just(x), st.just(y), st.integers(1, 1_000 - x), st.integers(1, 1_000 - y))

    return st.tuples(st.integers(0, 999), st.integers(0, 999)).flatmap(lambda at: inside(*at))


def sizes() -> st.SearchStrategy[VideoFormat]:
    even = st.integers(1, 80).map(lambda n: 2 * n)
    return st.builds(VideoFormat, even, even)


@given(area=areas(), video=sizes())
def test_a_mask_covers_all_that_it_names_and_is_even(area: Area, video: VideoFormat) -> None:
    at = rectangle(area, video)
    assert at.left * 1_000 <= area.x * video.width
    assert at.top * 1_000 <= area.y * video.height
    assert at.right * 1_000 >= (area.x + area.width) * video.width
    assert at.bottom * 1_000 >= (area.y + area.height) * video.height
    assert all(edge % 2 == 0 for edge in (at.left, at.top, at.right, at.bottom))
    assert 0 <= at.left < at.right <= video.width
    assert 0 <= at.top < at.bottom <= video.height


@given(area=areas(), video=sizes())
def test_a_mask_is_grown_by_less_than_two_pixels_a_side(area: Area, video: VideoFormat) -> None:
    at = rectangle(area, video)
    assert area.x * video.width / 1_000 - at.left < 2
    assert at.right - (area.x + area.width) * video.width / 1_000 < 2
    assert area.y * video.height / 1_000 - at.top < 2
    assert at.bottom - (area.y + area.height) * video.height / 1_000 < 2


@given(area=areas(), video=sizes(), padding=st.sampled_from([0, 2, 64]))
def test_inside_is_black_without_colour_and_outside_is_untouched(area: Area, video: VideoFormat, padding: int) -> None:
    yuv = blank(video, video.width + padding)
    Masks([area]).burn(yuv, video)
    where, at = planes(yuv, video), rectangle(area, video)
    inside = np.zeros((video.height, video.width), bool)
    inside[at.top : at.bottom, at.left : at.right] = True
    assert (where.y[inside] == BLACK_LUMA).all()
    assert (where.y[~inside] == SHOWN).all()
    for plane in (where.u, where.v):
        assert (plane[inside[::2, ::2]] == NO_COLOUR).all()
        assert (plane[~inside[::2, ::2]] == SHOWN).all()
    assert np.count_nonzero(yuv != SHOWN) == inside.sum() * 3 // 2, "and nothing in the padding"


def test_planes_are_views_in_the_order_y_u_v() -> None:
    yuv = blank(VIDEO, 96)
    where = planes(yuv, VIDEO)
    assert (where.y.shape, where.u.shape, where.v.shape) == ((48, 64), (24, 32), (24, 32))
    where.u[0, 0], where.v[0, 0] = 1, 2
    flat = yuv.reshape(-1)
    assert (flat[48 * 96], flat[48 * 96 + 24 * 48]) == (1, 2)


def test_masks_may_overlap_and_all_are_burnt() -> None:
    yuv = blank(VIDEO, 64)
    Masks([Area(0, 0, 500, 500), Area(250, 250, 750, 750)]).burn(yuv, VIDEO)
    luma = planes(yuv, VIDEO).y
    assert (luma[0, 0], luma[47, 63], luma[0, 63], luma[20, 25]) == (BLACK_LUMA, BLACK_LUMA, SHOWN, BLACK_LUMA)


def test_no_masks_change_nothing() -> None:
    yuv = blank(VIDEO, 64)
    NO_MASKS.burn(yuv, VIDEO)
    assert (yuv == SHOWN).all()
    assert not NO_MASKS
    assert Masks([Area(0, 0, 1, 1)])


@pytest.mark.parametrize(
    "area", [Area(-1, 0, 10, 10), Area(0, -1, 10, 10), Area(0, 0, 0, 10), Area(0, 0, 10, 0), Area(991, 0, 10, 10)]
)
def test_a_mask_that_is_not_inside_the_picture_is_refused_before_anything_is_filmed(area: Area) -> None:
    with pytest.raises(ValueError, match="is not inside the picture"):
        Masks([area])


def test_a_picture_that_lies_otherwise_cannot_be_masked() -> None:
    whole = blank(VIDEO, 128)
    for yuv in (
        blank(VIDEO, 62),
        blank(VIDEO, 65),
        whole[:, :64],  # a slice: reshaping it would mask a copy
        blank(VideoFormat(64, 50), 64),
        np.asfortranarray(blank(VIDEO, 64)),
    ):
        with pytest.raises(ValueError, match="does not lie in"):
            Masks([Area(0, 0, 10, 10)]).burn(yuv, VIDEO)


def test_a_picture_that_cannot_be_written_raises() -> None:
    yuv = blank(VIDEO, 64)
    yuv.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        Masks([Area(0, 0, 10, 10)]).burn(yuv, VIDEO)
