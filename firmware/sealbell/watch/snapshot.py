"""The picture in a notice: a JPEG that fits its fixed size."""

import cv2
import numpy as np

from sealbell.items import Picture
from sealbell_wire.content import MAX_SNAPSHOT_BYTES

MAX_WIDTH_PX = 640
WIDTHS_PX = (MAX_WIDTH_PX, MAX_WIDTH_PX // 2, MAX_WIDTH_PX // 4)  # smaller ones for noise that JPEG cannot press
QUALITIES_PERCENT = (85, 70, 50, 30, 10)


def snapshot(picture: Picture | None) -> bytes:
    """Return a BGR picture as a JPEG of at most MAX_SNAPSHOT_BYTES, or nothing if there is none yet."""
    if picture is None:
        return b""
    for width_px in WIDTHS_PX:
        picture = _at_most(width_px, picture)
        for quality in QUALITIES_PERCENT:
            done, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
            if done and jpeg.size <= MAX_SNAPSHOT_BYTES:
                return jpeg.tobytes()
    return b""


def _at_most(width_px: int, picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    if width <= width_px:
        return picture
    size = (width_px, max(1, round(height * width_px / width)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
