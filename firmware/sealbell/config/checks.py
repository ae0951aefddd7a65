"""What no single key can tell: keys that must fit each other. Each check names the keys that it compares."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from itertools import combinations

from sealbell.config.errors import Problem
from sealbell.config.settings import Region, Settings

PICTURE_THOUSANDTHS = 1_000
BITS_PER_BYTE = 8
SEALING_PERCENT = 110  # what padding, boxes and headers add to video, generously


def row(table: str, number: int) -> str:
    """Return how a message names the `number`th (from 1) of a table that there are several of."""
    return f"[[{table}]] {number}"


def cross_check(settings: Settings) -> Iterator[Problem]:
    """Yield what does not fit together."""
    for check in _CHECKS:
        yield from check(settings)


def _night(settings: Settings) -> Iterator[Problem]:
    night = settings.night
    if night.dark_lux >= night.light_lux:
        says = f"are {night.dark_lux:g} and {night.light_lux:g}: the first must be below the second, or it flickers"
        yield Problem(("[night] dark_lux", "[night] light_lux"), says)
    if night.infrared and settings.pins.infrared is None:
        says = 'the light is wanted, and no pin has one; set infrared = false, or "[pins] infrared" to its pin'
        yield Problem(("[night] infrared", "[pins] infrared"), says)


def _regions(settings: Settings) -> Iterator[Problem]:
    tables: tuple[tuple[str, Sequence[Region]], ...] = (("mask", settings.masks), ("zone", settings.zones))
    for table, regions in tables:
        for number, region in enumerate(regions, 1):
            yield from _inside(row(table, number), region)
        for (i, one), (j, other) in combinations(enumerate(regions, 1), 2):
            if one.name == other.name:
                at = (f"{row(table, i)} name", f"{row(table, j)} name")
                yield Problem(at, "are the same; each needs a name of its own")
    for number, zone in enumerate(settings.zones, 1):
        for mask in settings.masks:
            if _covers(mask, zone):
                says = f"{zone.name} lies wholly under the mask {mask.name}, where nothing can be seen to move"
                yield Problem((row("zone", number),), says)


def _inside(at: str, region: Region) -> Iterator[Problem]:
    for start_key, start, size_key, size in (
        ("x", region.x, "width", region.width),
        ("y", region.y, "height", region.height),
    ):
        if start + size > PICTURE_THOUSANDTHS:
            says = f"are {start} and {size}: together beyond the picture, which ends at {PICTURE_THOUSANDTHS}"
            yield Problem((f"{at} {start_key}", f"{at} {size_key}"), says)


def _covers(mask: Region, zone: Region) -> bool:
    across = mask.x <= zone.x and zone.x + zone.width <= mask.x + mask.width
    return across and mask.y <= zone.y and zone.y + zone.height <= mask.y + mask.height


def _recording(settings: Settings) -> Iterator[Problem]:
    recording, outbox = settings.recording, settings.outbox
    around_s = recording.pre_roll_s + recording.post_roll_s
    if around_s >= recording.max_clip_s:
        at = ("[recording] pre_roll_s", "[recording] post_roll_s", "[recording] max_clip_s")
        says = f"the first two come to {around_s} s, and a clip ends after {recording.max_clip_s} s; it must be longer"
        yield Problem(at, says)
    clip_bytes = recording.max_clip_s * settings.camera.bits_per_s // BITS_PER_BYTE * SEALING_PERCENT // 100
    if clip_bytes > outbox.max_bytes:
        at = ("[outbox] max_bytes", "[recording] max_clip_s", "[camera] bits_per_s")
        yield Problem(at, f"a clip may take {clip_bytes} bytes, more than the outbox's {outbox.max_bytes}")


def _pins(settings: Settings) -> Iterator[Problem]:
    fitted = [(each.name, getattr(settings.pins, each.name)) for each in fields(settings.pins)]
    for (one, pin), (other, other_pin) in combinations(fitted, 2):
        if pin is not None and pin == other_pin:
            yield Problem((f"[pins] {one}", f"[pins] {other}"), f"are both {pin}; a pin can serve one part")
    if settings.pins.pir is None and settings.motion.source != "picture":
        says = f'no pin has a PIR, and source = "{settings.motion.source}" needs one; set "picture", or the pin'
        yield Problem(("[motion] source", "[pins] pir"), says)


_CHECKS: Sequence[Callable[[Settings], Iterator[Problem]]] = (_night, _regions, _recording, _pins)
