"""Zones: which cells of the motion detector count.

A cell counts if any part of it lies in a zone. So a zone reaches up to a cell further than it was drawn. Were a cell to
count only by its centre, a narrow zone could hold none, and be blind without saying so.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from sealbell.config.settings import Region
from sealbell.items import Area
from sealbell.watch.motion.scene import CELLS_HIGH, CELLS_WIDE

PICTURE_THOUSANDTHS = 1_000


def areas(regions: Iterable[Region]) -> tuple[Area, ...]:
    """Return masks or zones of the settings without their names."""
    return tuple(Area(region.x, region.y, region.width, region.height) for region in regions)


def cells(zones: Sequence[Area]) -> NDArray[np.bool_] | None:
    """Return what MotionDetector takes as its zone, (30, 40); None, everywhere, if there are no zones."""
    if not zones:
        return None
    counts = np.zeros((CELLS_HIGH, CELLS_WIDE), np.bool_)
    for zone in zones:
        counts[_touched(zone.y, zone.height, CELLS_HIGH), _touched(zone.x, zone.width, CELLS_WIDE)] = True
    return counts


def _touched(start: int, size: int, among: int) -> slice:
    """Return which of `among` cells, that divide the picture evenly, a span of thousandths has a part in."""
    return slice(start * among // PICTURE_THOUSANDTHS, -(-(start + size) * among // PICTURE_THOUSANDTHS))
