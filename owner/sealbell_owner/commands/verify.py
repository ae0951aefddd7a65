"""`sealbell-owner verify`: what was checked of a clip, in words, and what nobody can conclude from it."""

import argparse
from dataclasses import dataclass
from typing import Any

from sealbell_owner import history, report, show
from sealbell_owner.clip import Clip
from sealbell_owner.commands import options
from sealbell_owner.history import Review
from sealbell_owner.home import Home, Pin
from sealbell_owner.lookup import MAX_LISTED_CLIPS, fetch, find_clip, newest_clips
from sealbell_owner.reviewing import reviewed
from sealbell_owner.source import open_source

DESCRIPTION = (
    "Check a clip and its neighbours in the doorbell's history, and say in words what was found, and what cannot be "
    "concluded. Exits with 0 if all of it holds, with 1 if something does not."
)
CANNOT = (
    "that what was seen is true: whoever has the doorbell can show it anything",
    "who else opened it: each of its readers can, and each can pass it on",
    "that it was not recorded earlier than it arrived: the doorbell's clock {clock}, and arrival is the relay's word",
)
CANNOT_END = (
    "that the end was not cut, nor later clips hidden, by the relay: no later clip is known yet; "
    "`sealbell-owner health` tells what the doorbell says of it"
)
ROOT_UNKNOWN = "it is sealed to a readers document that this owner did not write: others may be able to open it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to `parser`."""
    parser.description = DESCRIPTION
    options.add_home(parser)
    options.add_clip(parser)
    options.add_source(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Verify it."""
    home = Home(arguments.home)
    owner = home.owner()
    source = open_source(home, arguments.source)
    pin, entry = find_clip(source, home.choose(arguments.doorbell), arguments.clip)
    clip = Clip(entry.clip, home.trust(pin))
    with show.Bar("verifying", entry.size_bytes, quiet=arguments.json) as advance:
        fetch(source, pin, entry, clip, lambda opened: advance(opened.part.record.size))
    listed, to_the_first = newest_clips(source, pin, MAX_LISTED_CLIPS, until=lambda e: e.clip < entry.clip)
    review = reviewed(home, source, pin, listed, to_the_first=to_the_first)
    neighbours = _neighbours(entry.clip, review)
    findings = [f.text for f in review.findings if f.clip == entry.clip]
    findings += [f"the clip after it: {f.text}" for f in review.findings if f.clip == neighbours.after]
    if any(readers != owner.readers for readers in clip.readers):
        findings.append(ROOT_UNKNOWN)
    home.remember(pin, filter(None, (clip.as_seen(), history.as_seen(entry))))
    holds = clip.verified and not findings
    if arguments.json:
        show.json_line(_as_json(clip, pin, neighbours, findings))
    else:
        _say(clip, pin, neighbours, findings)
    return 0 if holds else 1


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Whether the clip follows the one before, and which is the next one and whether that follows; None: not known."""

    joins_before: bool | None
    after: str | None
    joins_after: bool | None


def _neighbours(clip: str, review: Review) -> Neighbours:
    newer = [entry.clip for entry in review.clips if entry.clip > clip]
    after = newer[-1] if newer and clip in review.joins else None
    return Neighbours(review.joins.get(clip), after, review.joins[after] if after else None)


def _as_json(clip: Clip, pin: Pin, neighbours: Neighbours, findings: list[str]) -> dict[str, Any]:
    arrived = [held.arrived_ms for held in clip.held.values()]
    return {
        **report.as_json(clip, pin),
        "holds": clip.verified and not findings,
        "findings": findings,
        "arrived_ms": [min(arrived), max(arrived)] if arrived else None,
        "joins_before": neighbours.joins_before,
        "joins_after": neighbours.joins_after,
    }


def _say(clip: Clip, pin: Pin, neighbours: Neighbours, findings: list[str]) -> None:
    rows = [("clip", report.title(clip, pin))]
    if clip.held:
        arrived = sorted(held.arrived_ms for held in clip.held.values())
        first, last = map(show.local_time, (arrived[0], arrived[-1]))
        rows += [
            ("signed", f"{len(clip.held)} parts, by the doorbell {pin.doorbell} and for this clip"),
            ("sealed", "every part that is here opens, and says inside that it belongs there"),
            ("arrived", f"from {first} to {last}, by the relay's signed receipt of each part"),
        ]
    if clip.verified:
        rows.append(("unbroken", f"from part 0 to part {max(clip.held)}, each names the one before it"))
    if clip.manifest:
        rows.append(("manifest", f"lists {len(clip.manifest.parts)} parts, and those here are as it lists them"))
    rows += report.shortcomings(clip)
    rows.append(("before", _JOINS[neighbours.joins_before]))
    rows.append(("after", _FOLLOWED[neighbours.joins_after]))
    rows += [("does not hold", finding) for finding in findings]
    clock = "says that it was set" if clip.first and clip.first.record.synced else "was not set from outside"
    rows += [("cannot be told", text.format(clock=clock)) for text in CANNOT]
    if neighbours.joins_after is None:
        rows.append(("cannot be told", CANNOT_END))
    show.lines(rows)


_JOINS = {
    True: "it follows the clip before it, or is the doorbell's first: none is missing between them",
    False: "it does not follow the clip before it that is listed",
    None: "there is nothing to compare it with",
}
_FOLLOWED = {
    True: "the next clip names this one's last part, so its end is here",
    False: "the next clip does not follow this one",
    None: "no next clip to compare it with",
}
