"""Masks: what nobody shall see, black in every stream of a camera before anything is coded, shown or compared.

A mask is grown outward to even pixels, since colour has half the resolution of luma. A picture that cannot be masked
must not be shown: `burn` raises, and a camera lets nothing out that it has not returned from.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sealbell.items import Area, Picture, VideoFormat

THOUSAND = 1_000
BLACK_LUMA, NO_COLOUR = 16, 128  # black where luma goes from 16 to 235, and all but black where it goes from 0 to 255


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Pixels from `left` and `top` up to but not including `right` and `bottom`, all even."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True)
class Planes:
    """Views into a YUV420 picture: `y` is (height, width), `u` and `v` half of that each way."""

    y: Picture
    u: Picture
    v: Picture


def rectangle(area: Area, video: VideoFormat) -> Rectangle:
    """Return the pixels of `area` in a picture of that size; ValueError for an area that is not inside a picture."""
    if not (
        0 <= area.x < area.x + area.width <= THOUSAND and 0 <= area.y < area.y + area.height <= THOUSAND
    ):  # fmt: skip
        raise ValueError(f"a mask of {area.width}x{area.height} at {area.x},{area.y} is not inside the picture")
    return Rectangle(
        area.x * video.width // THOUSAND // 2 * 2,
        area.y * video.height // THOUSAND // 2 * 2,
        min(video.width, -(-(area.x + area.width) * video.width // THOUSAND // 2) * 2),
        min(video.height, -(-(area.y + area.height) * video.height // THOUSAND // 2) * 2),
    )


def planes(yuv: Picture, video: VideoFormat) -> Planes:
    """Return the planes of a YUV420 picture, (height * 3 / 2, stride), as picamera2 and PyAV lay it out.

    Rows may be padded to the stride, those of colour to half of it. ValueError for any other shape: slices of it
    would lie elsewhere, or be copies that keep a mask from the picture.
    """
    rows, stride = yuv.shape
    if rows != video.height * 3 // 2 or stride < video.width or stride % 2 or not yuv.flags.c_contiguous:
        raise ValueError(f"a picture of {video.width}x{video.height} does not lie in {stride}x{rows} bytes")
    luma_bytes, colour_shape = video.height * stride, (video.height // 2, stride // 2)
    u, v = yuv.reshape(-1)[luma_bytes:].reshape(2, *colour_shape)[:, :, : video.width // 2]
    return Planes(yuv[: video.height, : video.width], u, v)


class Masks:
    """What is to be black, in any stream of the camera."""

    def __init__(self, areas: Sequence[Area] = ()) -> None:
        """Take areas in thousandths of the picture; ValueError for one that is not inside it."""
        self._areas = tuple(areas)
        for area in self._areas:
            rectangle(area, VideoFormat(THOUSAND, THOUSAND))

    def __bool__(self) -> bool:
        """Whether anything is masked."""
        return bool(self._areas)

    def burn(self, yuv: Picture, video: VideoFormat) -> None:
        """Blacken a YUV420 picture, (height * 3 / 2, stride), in place; ValueError if that cannot be done."""
        where = planes(yuv, video)
        for area in self._areas:
            at = rectangle(area, video)
            where.y[at.top : at.bottom, at.left : at.right] = BLACK_LUMA
            for plane in (where.u, where.v):
                plane[at.top // 2 : at.bottom // 2, at.left // 2 : at.right // 2] = NO_COLOUR


NO_MASKS = Masks()
