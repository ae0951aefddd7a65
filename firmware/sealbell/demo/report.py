"""What the demo found, for programs (report.json) and for people (tables)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

from rich.console import Console
from rich.table import Table

INTERVALS = "intervals.json"
TOLERANCE_S = 0.3  # the true intervals were read by eye
RELEASE_S = 1.0  # who has just left may still be seen leaving


@dataclass(frozen=True, slots=True)
class ClipReport:
    """One clip; seconds on the footage's own time, `opened` relative to the demo's folder."""

    clip: str
    footage: str
    trigger: str
    motion_s: list[list[float]]
    start_s: float
    end_s: float
    parts: int
    bytes: int
    interrupted: bool
    verified: bool
    opened: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """Everything in report.json."""

    clips: list[ClipReport]
    wiretap: dict[str, int]
    latency_ms: dict[str, Any]

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @property
    def good(self) -> bool:
        """Whether every clip was opened and verified and no plaintext was found outside."""
        return all(clip.verified and clip.opened for clip in self.clips) and self.wiretap["hits"] == 0


def clip_report(opened: Mapping[str, Any], footage: str, out: Path) -> ClipReport:
    """Return the report of one clip from what `sealbell-owner open --json` said."""
    motion_s = [[start / 1e3, end / 1e3] for kind, start, end in opened["triggers"] if kind == "motion"]
    pressed = any(kind == "button" for kind, _, _ in opened["triggers"]) or opened["trigger"] == "button"
    path = opened["opened"]
    return ClipReport(
        clip=opened["clip"],
        footage=footage,
        trigger="button" if pressed else "motion",
        motion_s=motion_s,
        start_s=opened["start_ms"] / 1e3,
        end_s=opened["end_ms"] / 1e3,
        parts=opened["parts"],
        bytes=opened["bytes"],
        interrupted=opened["interrupted"],
        verified=opened["verified"],
        opened=str(Path(path).resolve().relative_to(out.resolve())) if path else None,
    )


def spread(samples_ms: Sequence[float]) -> dict[str, float] | None:
    """Return median, 95th percentile and count, None if there is nothing to count."""
    if not samples_ms:
        return None
    cuts = quantiles(samples_ms, n=20, method="inclusive") if len(samples_ms) > 1 else [samples_ms[0]] * 19
    return {"p50": round(cuts[9], 1), "p95": round(cuts[18], 1), "n": len(samples_ms)}


def true_intervals(footage: Path) -> list[list[float]] | None:
    """Return when something really moved, if a file beside the footage says so."""
    try:
        known = json.loads((footage.parent / INTERVALS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    intervals = known.get(footage.name)
    return None if intervals is None else [[float(start), float(end)] for start, end in intervals]


def show_clips(console: Console, report: Report, footage: Sequence[Path]) -> None:
    """Print the clips of each file against what really happened in it."""
    for path in footage:
        clips = [clip for clip in report.clips if clip.footage == str(path)]
        table = Table(title=f"{path.name}: {len(clips)} clip{'s' * (len(clips) != 1)}", title_justify="left")
        for heading in ("clip", "why", "seconds", "moving", "parts", "MB", "checked"):
            moving = heading == "moving"
            table.add_column(heading, no_wrap=not moving, min_width=len("123.4-136.0,") if moving else None)
        for clip in clips:
            table.add_row(
                clip.clip[:12],
                clip.trigger,
                f"{clip.start_s:.1f} - {clip.end_s:.1f}",
                ", ".join(f"{start:.1f}-{end:.1f}" for start, end in clip.motion_s) or "-",
                str(clip.parts),
                f"{clip.bytes / 1e6:.2f}",
                ("yes" if clip.verified else "NO") + (", interrupted" if clip.interrupted else ""),
            )
        console.print(table if clips else f"{path.name}: no clip")
        for clip in clips:
            console.print(f"  opened as {clip.opened or 'nothing: it FAILED'}", soft_wrap=True, highlight=False)
        if (truth := true_intervals(path)) is not None:
            console.print(compare(clips, truth), soft_wrap=True)


def compare(clips: Sequence[ClipReport], truth: Sequence[Sequence[float]]) -> str:
    """Say how the detector did against the true intervals, in a line or two."""
    active = [interval for clip in clips for interval in clip.motion_s]
    delays = []
    for start, end in truth:
        seen = [s for s, e in active if e >= start - TOLERANCE_S and s <= end + TOLERANCE_S]
        if seen:
            delays.append(max(0.0, min(seen) - start))
    false = [
        began for began, _ in active if not any(start - TOLERANCE_S <= began <= end + RELEASE_S for start, end in truth)
    ]
    if not truth:
        return f"  truly nothing moves here; false triggers: {len(false)}"
    worst = f", noticed at most {max(delays):.2f} s after they come into view" if delays else ""
    return f"  truly moving: {len(truth)} times; caught: {len(delays)}{worst}; false triggers: {len(false)}"
