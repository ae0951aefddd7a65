"""Decoded pictures as arrays, where no camera gives them to us."""

import av
import numpy as np

from sealbell.items import Luma, Picture, VideoFormat
from sealbell.watch.camera.masks import Masks

WIDTH_PX, HEIGHT_PX = 320, 240


def lores_luma(picture: av.VideoFrame) -> Luma:
    """Return the luma of a picture at 320x240, as (240, 320)."""
    return np.ascontiguousarray(picture.reformat(WIDTH_PX, HEIGHT_PX, "gray").to_ndarray(), dtype=np.uint8)


def bgr(picture: av.VideoFrame | None) -> Picture | None:
    """Return a picture as BGR (height, width, 3), None for none."""
    return None if picture is None else np.asarray(picture.to_ndarray(format="bgr24"), dtype=np.uint8)


def masked(picture: av.VideoFrame, masks: Masks) -> av.VideoFrame:
    """Return a yuv420p picture with its masks burnt in, a new one if there are any: a decoder may still need the old.

    ValueError if it cannot be masked.
    """
    if not masks:
        return picture
    yuv = np.ascontiguousarray(picture.to_ndarray(), dtype=np.uint8)
    masks.burn(yuv, VideoFormat(picture.width, picture.height))
    return av.VideoFrame.from_ndarray(yuv, format="yuv420p")
