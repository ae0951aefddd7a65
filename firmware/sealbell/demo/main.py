"""The whole way on one machine: real footage, real processes, and what is left where.

It stands for everyone in turn: the operator who starts a relay, the owner who draws keys, the maker who sets doorbells
up, an eavesdropper at the broker, and whoever comes with a warrant.
"""

import json
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

from sealbell.clock import FootageClock
from sealbell.demo import latency, processes, warrant, wiretap
from sealbell.demo.processes import ProcessError, Running
from sealbell.demo.report import ClipReport, Report, clip_report, show_clips
from sealbell.demo.street import Doorbell, Street
from sealbell.demo.tap import Tap
from sealbell.uplink.outbox import OutboxReader
from sealbell.watch.camera.footage import Footage, FootageError
from sealbell_wire.part import frame_lengths, parse_part

OK, FAILED = 0, 1


class DemoUsageError(Exception):
    """The demo cannot begin: unreadable footage, or a folder that is in use."""


def run(footage: Sequence[Path], presses_s: Sequence[float], pace: str, out: Path) -> int:
    """Run the demo; return 0, or 1 if a clip failed. DemoUsageError before anything was written."""
    lengths_s = [_length_s(path) for path in footage]
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DemoUsageError(f"{out} is in use\nhint: --out takes a folder that is absent or empty")
    out.mkdir(parents=True, exist_ok=True)
    console, bars = Console(), Console(stderr=True)
    columns = (TextColumn("{task.description:<34}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    try:
        with ExitStack() as stack, Progress(*columns, console=bars) as progress:
            demo = _Demo(out, presses_s, pace, progress, stack)
            report, seizure, searched_bytes = demo.run(list(zip(footage, lengths_s, strict=True)))
    except ProcessError as error:
        print(f"sealbell: {error}", file=sys.stderr)
        return FAILED
    report.write(out / "report.json")
    (out / "warrant.json").write_text(json.dumps(seizure.knows, indent=2) + "\n", encoding="utf-8")
    show_clips(console, report, list(dict.fromkeys(footage)))
    console.print(f"the opened clips lie in {out / 'opened'}, everything else in {out}", soft_wrap=True)
    warrant.show(console, seizure, report.wiretap["hits"], searched_bytes)
    return OK if report.good else FAILED


def _length_s(path: Path) -> float:
    try:
        return Footage(path, FootageClock("0" * 32, real=False)).length_us / 1e6
    except FootageError as error:
        raise DemoUsageError(str(error)) from None


@dataclass(frozen=True, slots=True)
class _Door:
    bell: Doorbell
    footage: Path
    length_s: float


class _Demo:
    def __init__(self, out: Path, presses_s: Sequence[float], pace: str, progress: Progress, stack: ExitStack) -> None:
        self._out = out
        self._presses_s = presses_s
        self._pace = pace
        self._progress = progress
        self._street = Street(out, stack)
        self._parts, self._opened = out / "parts", out / "opened"
        for folder in (self._parts, self._opened):
            folder.mkdir()

    def run(self, footage: list[tuple[Path, float]]) -> tuple[Report, warrant.Seizure, int]:
        """Do it all, in the order in which it would happen."""
        bar = self._progress.add_task("setting up relay, owner, doorbells", total=2 + len(footage))
        _, card = self._street.start_relay()
        self._progress.advance(bar)
        self._street.set_up_owner()
        self._progress.advance(bar)
        doors = []
        for number, (path, length_s) in enumerate(footage, 1):
            doors.append(_Door(self._street.set_up_doorbell(str(number), path.stem[:40]), path, length_s))
            self._progress.advance(bar)
        tap = self._start_tap(card["mqtt"])
        uplinks = [self._street.start("sealbell", "uplink", door.bell.home) for door in doors]
        followers = self._follow(doors) if self._pace == "real" else None
        self._watch(doors)
        self._drain(doors, uplinks)
        latency_ms = latency.measure(None if followers is None else [follower.finish() for follower in followers])
        tap.stop()
        reports = [self._open(door, clip) for door in doors for clip in self._street.clips(door.bell)]
        hits, searched_bytes = self._search()
        seizure = warrant.seize(self._street.relay, self._some_fragment(), self._parts)
        return Report(reports, {"bytes": searched_bytes, "hits": hits}, latency_ms), seizure, searched_bytes

    def _start_tap(self, url: str) -> Tap:
        with tempfile.TemporaryDirectory() as folder:  # its bell, which nobody rings, stays open without a name
            wake = OutboxReader(Path(folder))
            wake.open_bell()
        credential = (self._street.relay / "broker.credential").read_text(encoding="ascii").strip()
        tap = Tap(url, credential, self._out / "wiretap", wake)
        if not tap.start():
            raise ProcessError("the broker lets nobody listen in")
        return tap

    def _follow(self, doors: "list[_Door]") -> list[latency.Follower]:
        owner = self._street.owner
        followers = [
            latency.Follower(
                self._street.start("sealbell-owner", "follow", owner, "--doorbell", door.bell.id, "--json")
            )
            for door in doors
        ]
        for follower in followers:
            if not follower.wait_ready(processes.READY_S):
                raise ProcessError("a follower was not let in by the relay in time")
        return followers

    def _watch(self, doors: "list[_Door]") -> None:
        # At real pace all doors at once, as in life; fast, one after the other, since each takes all the processor.
        watches = []
        presses = [argument for press_s in self._presses_s for argument in ("--press", str(press_s))]
        for door in doors:
            pictures = ("--footage", door.footage, "--pace", self._pace)
            watch = self._street.start("sealbell", "watch", door.bell.home, *pictures, *presses, "--json")
            bar = self._progress.add_task(f"watching {door.footage.name[:24]}", total=door.length_s or None)
            reader = watch.each_line(partial(self._show, bar))
            watches.append((watch, reader, bar, door.length_s))
            if self._pace == "fast":
                self._finish_watch(*watches.pop())
        for entry in watches:
            self._finish_watch(*entry)

    def _show(self, bar: TaskID, line: str) -> None:
        self._progress.update(bar, completed=json.loads(line)["at_s"])

    def _finish_watch(self, watch: Running, reader: threading.Thread, bar: TaskID, length_s: float) -> None:
        reader.join()
        watch.wait()
        self._progress.update(bar, completed=length_s)

    def _drain(self, doors: "list[_Door]", uplinks: list[Running]) -> None:
        bar = self._progress.add_task("sending what is left", total=len(doors))
        for door, uplink in zip(doors, uplinks, strict=True):
            uplink.check()
            uplink.stop()
            processes.run("sealbell", "uplink", door.bell.home, "--until-empty")
            self._progress.advance(bar)

    def _open(self, door: "_Door", clip: str) -> ClipReport:
        bar = self._progress.add_task(f"opening {clip[:12]}", total=1)
        opened = processes.run_json(
            "sealbell-owner", "open", self._street.owner, clip, "--doorbell", door.bell.id, "--json",
            "--out", self._opened / f"{door.footage.stem}-{clip[:12]}.mp4", "--parts", self._parts / clip,
            good=(0, 1),
        )  # fmt: skip
        self._progress.advance(bar)
        return clip_report(opened, str(door.footage), self._out)

    def _search(self) -> tuple[int, int]:
        bar = self._progress.add_task("searching for plaintext", total=1)
        plaintexts = (path.read_bytes() for path in wiretap.files_below([self._parts]))
        search = wiretap.Search(wiretap.needles(plaintexts))
        hay = [*wiretap.files_below([self._street.relay, self._out / "doorbells"]), self._out / "wiretap"]
        hits = searched = 0
        for number, path in enumerate(hay, 1):
            data = path.read_bytes()
            hits += search.hits(data)
            searched += len(data)
            self._progress.update(bar, completed=number, total=len(hay))
        return hits, searched

    def _some_fragment(self) -> bytes | None:
        for path in sorted((self._street.relay / "store").rglob("*.part")):
            data = path.read_bytes()
            part = parse_part(data[: frame_lengths(data)[1]])
            if part.record.kind == "media":
                return part.sealed
        return None
