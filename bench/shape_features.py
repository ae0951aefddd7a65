"""A clip in numbers, of what a relay sees: sizes, kinds, counts, orders, times in records, times of arrival."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from shape_record import Arrived, Clip
from shape_street import FPS

Vector = NDArray[np.float64]
BEAT_MS = 1_000 / FPS  # a relay reads it off the times of media parts
NEVER_S = -5.0
MOST_NOTICES, ENDS = 4, 4


def of_clips(clips: list[Clip]) -> NDArray[np.float64]:
    """Return a row a clip: itself, and what came before and after it in its scene."""
    own = [_of_clip(clip.parts) for clip in clips]
    rows = []
    for number, clip in enumerate(clips):
        around: list[float] = []
        for other in (number - 1, number + 1):
            if 0 <= other < len(clips) and clips[other].scene == clip.scene:
                first, second = sorted((number, other))
                gap_ms = clips[second].parts[0].record.monotonic_ms - clips[first].parts[-1].record.monotonic_ms
                around += [gap_ms / 1e3, *own[other][:4]]
            else:
                around += [NEVER_S] * 5
        rows.append(np.concatenate([own[number], around]))
    return np.array(rows)


def of_street(clips: list[Clip]) -> Vector:
    """Return one row of a scene: how many clips, how long, how large, how far apart."""
    begins = [clip.parts[0].record.monotonic_ms / 1e3 for clip in clips]
    lengths = [_length_s(clip.parts) for clip in clips]
    sizes = [float(part.record.size) for clip in clips for part in clip.parts if part.record.kind == "media"]
    gaps = [after - before for before, after in pairwise(begins)] or [NEVER_S]
    return np.array([len(clips), *_spread(lengths), *_spread(sizes), *_spread(gaps), sum(lengths), sum(sizes)])


def _of_clip(parts: list[Arrived]) -> Vector:
    media = [part for part in parts if part.record.kind == "media"]
    notices = [part for part in parts if part.record.kind == "notice"]
    sizes = [float(part.record.size) for part in media]
    times = [part.record.monotonic_ms / 1e3 for part in media]
    told = [_length_s(parts), len(parts), len(notices), sum(sizes)]
    told += [*_spread(sizes), *_spread(np.diff(sizes).tolist()), *_ends(sizes)]
    told += [*_spread(np.diff(times).tolist()), *_ends([float(part.record.keyframe or 0) for part in media])]
    told += [float(part.record.size) for part in parts if part.record.kind in ("init", "manifest")][:2]
    told += _notices(parts, notices)
    return np.array([*told, *_beats(media, notices)])


def _notices(parts: list[Arrived], notices: list[Arrived]) -> list[float]:
    """Where the notices stand, from the beginning and from the end, in seconds and in parts."""
    begin_ms, end_ms = parts[0].record.monotonic_ms, parts[-1].record.monotonic_ms
    further = [(part.record.monotonic_ms - begin_ms) / 1e3 for part in notices[1:]]
    told: list[float] = [part.record.size for part in notices[:1]]
    told += (further + [NEVER_S] * MOST_NOTICES)[:MOST_NOTICES]
    told += (np.diff(further).tolist() + [NEVER_S] * MOST_NOTICES)[: MOST_NOTICES - 1]
    told += [(end_ms - begin_ms) / 1e3 - further[-1] if further else NEVER_S]
    told += [further[-1] / max(1.0, (end_ms - begin_ms) / 1e3) if further else NEVER_S]
    told += [float(notices[-1].record.seq), float(sum(at_s < 5 for at_s in further))]
    return told


def _beats(media: list[Arrived], notices: list[Arrived]) -> list[float]:
    """How notices lie to the beat of the pictures: by their records, by their arrival, and between the two."""
    grid_ms = media[0].record.monotonic_ms if media else 0
    beat_at_ms = media[-1].at_us / 1e3 if media else 0.0
    off = [_off(part.record.monotonic_ms - grid_ms) for part in notices]
    late = [part.at_us / 1e3 - part.record.monotonic_ms for part in notices]
    phase = [((part.at_us / 1e3 - beat_at_ms) % BEAT_MS) for part in notices]
    wall = [part.record.wall_ms - part.record.monotonic_ms for part in notices]
    return [
        off[0], max(off), late[0], max(late), min(late), max(late[1:], default=NEVER_S), min(late[1:], default=NEVER_S),
        phase[0], max(phase), min(phase), float(max(wall) - min(wall)),
    ]  # fmt: skip


def _off(ms: float) -> float:
    return min(ms % BEAT_MS, -ms % BEAT_MS)


def _length_s(parts: list[Arrived]) -> float:
    return (parts[-1].record.monotonic_ms - parts[0].record.monotonic_ms) / 1e3


def _spread(values: list[float]) -> list[float]:
    if not values:
        return [NEVER_S] * 7
    return [float(np.mean(values)), float(np.std(values)), *np.percentile(values, [0, 25, 50, 75, 100]).tolist()]


def _ends(values: list[float]) -> list[float]:
    return (values + [NEVER_S] * ENDS)[:ENDS] + ([NEVER_S] * ENDS + values)[-ENDS:]
