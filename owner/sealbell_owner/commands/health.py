"""`sealbell-owner health`: how the doorbells are, by their own sealed word, and whether the relay shows all of it."""

import argparse
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sealbell_owner import show
from sealbell_owner.commands import options
from sealbell_owner.diagnosis import EVERY_MS, Diagnosis, Shown, diagnose, spoke_ms
from sealbell_owner.errors import NotShownError
from sealbell_owner.gone import Gone
from sealbell_owner.heard import Heard, remember
from sealbell_owner.home import Home, Pin
from sealbell_owner.listing import ClipEntry, check_entry
from sealbell_owner.lookup import MAX_LISTED_CLIPS, newest_clips
from sealbell_owner.reviewing import rightly_gone
from sealbell_owner.source import Source, open_source
from sealbell_wire.errors import WireError
from sealbell_wire.health import Health, parse_health
from sealbell_wire.report import Report, open_health

WELL, WRONG = 0, 3
DESCRIPTION = (
    "Show what each doorbell said of itself last: every 15 minutes, and at every change, it sends a sealed, signed "
    "message. Its word on its newest clip is held against what the relay lists, and against what was heard before. "
    "Exits with 0 if every doorbell was heard lately and nothing is wrong, with 3 if something is, with 1 if that "
    "could not be found out."
)
MODES = {"": "none", "home": "home", "away": "away", "quiet": "quiet"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to `parser`."""
    parser.description = DESCRIPTION
    options.add_home(parser)
    parser.add_argument("only", nargs="?", metavar="DOORBELL", help="its name or the beginning of its id; else all")
    parser.add_argument(
        "--from", dest="source", type=Path, metavar="FOLDER", help="a relay's folder, in the place of the relay"
    )
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show it."""
    home = Home(arguments.home)
    owner = home.owner()
    source = open_source(home, arguments.source)
    pins = home.choose(arguments.only)
    visits = []
    for pin in pins:
        try:
            visits.append(_visit(home, source, pin, owner.readers))
        except NotShownError as error:
            if len(pins) == 1:
                raise
            wrong = str(error), error.hint or ""
            visits.append(Visit(pin, Diagnosis([wrong]), time.time_ns() // 1_000_000))
    well = not any(visit.diagnosis.wrong for visit in visits)
    if arguments.json:
        show.json_line({"well": well, "doorbells": [_as_json(visit) for visit in visits]})
    else:
        for visit in visits:
            show.lines(_rows(visit))
    return WELL if well else WRONG


@dataclass(frozen=True, slots=True)
class Visit:
    """What was found of one doorbell; without a message that can be believed, `diagnosis` alone says why."""

    pin: Pin
    diagnosis: Diagnosis
    now_ms: int
    health: Health | None = None
    report: Report | None = None
    arrived_ms: int = 0


def _visit(home: Home, source: Source, pin: Pin, readers: str) -> Visit:
    now_ms = time.time_ns() // 1_000_000
    heard = home.heard(pin)
    offered = source.health(pin.doorbell)
    if offered is None:
        return Visit(pin, _silence(heard), now_ms)
    trust = home.trust(pin)
    try:
        health = parse_health(offered.message)
        report = open_health(health, trust.doorbell_key, trust.identities)
    except WireError as error:
        text = f"the relay shows as its word what cannot be believed: {error}"
        return Visit(pin, Diagnosis([(text, "ask whoever runs the relay, and trust it no further")]), now_ms)
    listed = _listed(source, pin, report.tip.clip)
    hidden = report.tip.counter and report.tip.clip not in {entry.clip for entry in listed}
    gone = rightly_gone(home, source, pin, report.tip.clip) if hidden else Gone()
    shown = Shown(listed, home.memory(pin), gone)
    diagnosis = diagnose(health, report, offered.arrived_ms, now_ms, heard, shown, readers)
    home.keep_heard(pin, lambda old: remember(old, health, report.tip))
    return Visit(pin, diagnosis, now_ms, health, report, offered.arrived_ms)


def _silence(heard: Heard | None) -> Diagnosis:
    if heard:
        text = "the relay shows no word of the doorbell any more, and did before"
        return Diagnosis([(text, "ask whoever runs the relay, and trust it no further")])
    text = f"it was never heard; a doorbell speaks when it starts and every {EVERY_MS // 60_000} minutes"
    return Diagnosis([(text, "see whether it has power and Wi-Fi, and is enrolled: `sealbell-relay allow`")])


def _listed(source: Source, pin: Pin, clip: str) -> list[ClipEntry]:
    entries, _ = newest_clips(source, pin, MAX_LISTED_CLIPS, until=lambda entry: entry.clip <= clip)
    believed = []
    for entry in entries:
        try:
            check_entry(entry, bytes.fromhex(pin.key))
        except WireError:
            continue  # as if it were not shown; `clips` says what is wrong with it
        believed.append(entry)
    return believed


def _as_json(visit: Visit) -> dict[str, Any]:
    told: dict[str, Any] | None = None
    if visit.health and visit.report:
        beat = visit.health.beat
        told = {
            "number": beat.number,
            "boot": beat.boot,
            "monotonic_ms": beat.monotonic_ms,
            "wall_ms": beat.wall_ms,
            "synced": beat.synced,
            "arrived_ms": visit.arrived_ms,
            **asdict(visit.report),
        }
    return {
        "doorbell": visit.pin.doorbell,
        "name": visit.pin.name,
        "well": not visit.diagnosis.wrong,
        "heard": told,
        "wrong": [{"what": what, "do": do} for what, do in visit.diagnosis.wrong],
        "notes": visit.diagnosis.notes,
    }


def _rows(visit: Visit) -> list[tuple[str, str]]:
    rows = [("doorbell", f"{visit.pin.name} ({visit.pin.doorbell})")]
    if visit.health and visit.report:
        rows.append(("heard", _heard(visit.health, visit.arrived_ms, visit.now_ms)))
    for what, do in visit.diagnosis.wrong:
        rows += [("wrong", what), ("do", do)]
    if not visit.diagnosis.wrong:
        whole = "" if visit.diagnosis.notes else ", and the relay shows all that it recorded"
        rows.append(("well", f"nothing is wrong{whole}"))
    rows += [("note", note) for note in visit.diagnosis.notes]
    return rows + (_facts(visit.report) if visit.report else [])


def _heard(health: Health, arrived_ms: int, now_ms: int) -> str:
    beat = health.beat
    spoke = spoke_ms(beat, arrived_ms)
    whose = "by its clock, which is set" if beat.synced else "by the relay's word; the doorbell's clock is not set"
    return f"{_ago(now_ms - spoke)}, at {show.local_time(spoke)} {whose}"


def _ago(age_ms: int) -> str:
    minutes = max(0, age_ms) // 60_000
    if minutes < 2:
        return "just now"
    return f"{minutes} minutes ago" if minutes < 120 else f"{minutes // 60} hours ago"


def _facts(report: Report) -> list[tuple[str, str]]:
    tip = report.tip
    # The newest part waits until the next one is recorded, whether it has arrived or not.
    waiting = f"{report.waiting} parts, {show.size(report.waiting_bytes)}" if report.waiting > 1 else "nothing"
    rows = [
        ("clips", f"{tip.counter} recorded" + (f", the newest {tip.clip}" if tip.counter else "")),
        ("waiting", waiting),
        ("dropped", f"{report.dropped} parts, since it started"),
        ("mode", MODES.get(report.mode, f"{report.mode} (these tools do not know it)")),
        ("version", report.firmware),
    ]
    if report.free_bytes is not None:
        rows.append(("card", f"{show.size(report.free_bytes)} free"))
    if report.celsius is not None:
        rows.append(("heat", f"{report.celsius} degrees Celsius"))
    if report.link and report.link.dbm is not None:
        rows.append(("wi-fi", f"{report.link.dbm} dBm"))
    return rows
