"""`sealbell-owner clips`: what a doorbell recorded, newest first, and what does not add up."""

import argparse
from collections.abc import Iterator
from typing import Any

from sealbell_owner import history, show
from sealbell_owner.clip import Clip, Trust
from sealbell_owner.commands import options
from sealbell_owner.errors import NotShownError, OwnerError
from sealbell_owner.history import Review
from sealbell_owner.home import Home, Pin
from sealbell_owner.listing import ClipEntry
from sealbell_owner.lookup import MAX_LISTED_CLIPS, newest_clips
from sealbell_owner.reviewing import reviewed
from sealbell_owner.source import Source, open_source
from sealbell_wire.errors import WireError

DESCRIPTION = (
    "List clips, newest first. Why and how long each was recorded is opened from its notice and its manifest. Below "
    "the table stands what cannot be so if relay and doorbell are honest and whole: clips hidden, cut, gone or changed "
    "since they were seen, and two doorbells with one key. A time with ? is by a clock that nobody had set. Figures of "
    "parts and bytes are the relay's word."
)
DEFAULT_LIMIT = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to `parser`."""
    parser.description = DESCRIPTION
    options.add_home(parser)
    options.add_source(parser)
    parser.add_argument(
        "--limit",
        type=options.positive,
        default=DEFAULT_LIMIT,
        metavar="N",
        help=f"how many of each doorbell ({DEFAULT_LIMIT})",
    )
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """List them."""
    home = Home(arguments.home)
    source = open_source(home, arguments.source)
    limit = min(arguments.limit, MAX_LISTED_CLIPS - 1)
    rows: list[dict[str, Any]] = []
    findings: list[dict[str, str]] = []
    pins = home.choose(arguments.doorbell)
    for pin in pins:
        try:
            # One more than is shown, to tell whether the oldest joins the one before it.
            listed, to_the_first = newest_clips(source, pin, limit + 1)
        except NotShownError as error:
            if len(pins) == 1:
                raise
            findings.append({"clip": "", "doorbell": pin.doorbell, "finding": f"{pin.name}: {error}"})
            show.note(f"hint: {error.hint}")
            continue
        review = reviewed(home, source, pin, listed, to_the_first=to_the_first)
        trust = home.trust(pin)
        for entry in review.clips[:limit]:
            row, faults = _row(source, pin, trust, entry, review)
            rows.append(row)
            findings += [{"clip": entry.clip, "doorbell": pin.doorbell, "finding": fault} for fault in faults]
        findings += [{"clip": f.clip, "doorbell": pin.doorbell, "finding": f.text} for f in review.findings]
        home.remember(pin, map(history.as_seen, review.clips))
    rows.sort(key=lambda row: str(row["clip"]), reverse=True)
    if arguments.json:
        show.json_line({"clips": rows, "findings": findings})
        return 0
    show.table(
        ("clip", "doorbell", "when", "trigger", "lasted", "parts", "size", "joins"), [list(_cells(row)) for row in rows]
    )
    for finding in findings:
        print(f"{finding['clip'][: show.SHORT_ID_CHARS]} {finding['finding']}".lstrip())
    return 0


def _row(source: Source, pin: Pin, trust: Trust, entry: ClipEntry, review: Review) -> tuple[dict[str, Any], list[str]]:
    clip = Clip(entry.clip, trust)
    wanted = [0] if entry.first else []
    for seq in wanted + ([entry.newest.record.seq] if entry.final else []):
        try:
            clip.take(next(iter(source.parts(pin.doorbell, entry.clip, seq)), b""))
        except (OwnerError, WireError) as error:
            clip.faults.append(f"is not opened: {error}")
    began = (entry.first or entry.newest).record
    span = clip.span_ms if clip.manifest else None
    row = {
        "clip": entry.clip,
        "doorbell": pin.doorbell,
        "name": pin.name,
        "wall_ms": began.wall_ms,
        "synced": began.synced,
        "trigger": clip.trigger,
        "alert": clip.alert,
        "continues": clip.notices[0].continues if 0 in clip.notices else None,
        "lasted_ms": span[1] - span[0] if span else None,
        "interrupted": not entry.final,
        "last_moment_ms": None if entry.final else entry.newest.record.wall_ms,
        "parts": entry.parts,
        "dropped": entry.dropped,
        "bytes": entry.size_bytes,
        "joins": review.joins[entry.clip],
    }
    return row, clip.faults


def _cells(row: dict[str, Any]) -> Iterator[str]:
    yield row["clip"][: show.SHORT_ID_CHARS]
    yield row["name"]
    yield show.local_time(row["wall_ms"]) + ("" if row["synced"] else " ?")
    yield show.why(row["trigger"], row["alert"]) + (" (goes on)" if row["continues"] else "")
    if row["interrupted"]:
        yield f"interrupted at {show.local_time(row['last_moment_ms'], day=False)}"
    else:
        yield "unknown" if row["lasted_ms"] is None else show.seconds(row["lasted_ms"])
    yield str(row["parts"]) + (f" (+{row['dropped']} dropped)" if row["dropped"] else "")
    yield show.size(row["bytes"])
    yield {True: "yes", False: "NO", None: "-"}[row["joins"]]
