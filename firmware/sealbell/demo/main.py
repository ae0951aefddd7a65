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
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

from sealbell.clock import FootageClock
from sealbell.demo import latency, processes, warrant, wiretap
from sealbell.demo.processes import ProcessError, Running
from sealbell.demo.report import ClipReport, Report, clip_report, show_clips
from sealbell.demo.tap import Tap
from sealbell.spool import OutboxReader
from sealbell.watch.camera.footage import Footage, FootageError
from sealbell_wire.receipt import MAGIC as RECEIPT

AGE_FILE = b"age-encryption.org/v1\n"
OK, FAILED = 0, 1


class DemoUsageError(Exception):
    """The demo cannot begin: unreadable footage, or a folder that is in use."""


@dataclass(slots=True)
class Doorbell:
    """One doorbell of the demo: the footage it watches, its folder, its id."""

    footage: Path
    home: Path
    id: str


def run(footage: Sequence[Path], presses_s: Sequence[float], pace: str, out: Path) -> int:
    """Run the demo; return 0, or 1 if a clip failed. DemoUsageError before anything was written."""
    lengths_s = [_length_s(path) for path in footage]
    if len({path.resolve() for path in footage}) != len(footage):
        raise DemoUsageError("the same footage is named twice")
    if any(press_s < 0 for press_s in presses_s):
        raise DemoUsageError("--press takes seconds from the beginning of the footage")
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
    show_clips(console, report, footage)
    console.print(f"the opened clips lie in {out / 'opened'}, everything else in {out}", soft_wrap=True)
    warrant.show(console, seizure, report.wiretap["hits"], searched_bytes)
    return OK if report.good else FAILED


def _length_s(path: Path) -> float:
    try:
        return Footage(path, FootageClock("0" * 32, real=False)).length_us / 1e6
    except FootageError as error:
        raise DemoUsageError(str(error)) from None


class _Demo:
    def __init__(self, out: Path, presses_s: Sequence[float], pace: str, progress: Progress, stack: ExitStack) -> None:
        self._out = out
        self._presses_s = presses_s
        self._pace = pace
        self._progress = progress
        self._stack = stack
        self._relay, self._owner, self._logs = out / "relay", out / "owner", out / "logs"
        self._parts, self._opened = out / "parts", out / "opened"
        for folder in (self._logs, self._parts, self._opened):
            folder.mkdir()

    def run(self, footage: list[tuple[Path, float]]) -> tuple[Report, warrant.Seizure, int]:
        """Do it all, in the order in which it would happen."""
        bar = self._progress.add_task("setting up relay, owner, doorbells", total=2 + len(footage))
        card = self._start_relay()
        self._progress.advance(bar)
        self._set_up_owner()
        self._progress.advance(bar)
        doorbells = []
        for number, (path, _) in enumerate(footage, 1):
            doorbells.append(self._set_up_doorbell(number, path))
            self._progress.advance(bar)
        tap = self._start_tap(card["mqtt"])
        uplinks = [self._start("uplink", f"uplink-{i}", bell.home) for i, bell in enumerate(doorbells, 1)]
        followers = self._follow(doorbells) if self._pace == "real" else []
        self._watch(doorbells, [length_s for _, length_s in footage])
        self._drain(doorbells, uplinks)
        latency_ms = latency.measure([follower.finish() for follower in followers] if followers else None)
        tap.stop()
        reports = [self._open(bell, clip) for bell in doorbells for clip in self._clips(bell)]
        hits, searched_bytes = self._search()
        seizure = warrant.seize(self._relay, self._some_fragment(), self._parts)
        return Report(reports, {"bytes": searched_bytes, "hits": hits}, latency_ms), seizure, searched_bytes

    def _start(self, command: str, log: str, *arguments: str | Path, program: str = "sealbell") -> Running:
        running = Running(self._logs / f"{log}.log", program, command, *arguments)
        self._stack.callback(running.stop)
        return running

    def _start_relay(self) -> Any:
        relay = self._start("serve", "relay", self._relay, "--json", program="sealbell-relay")
        for line in relay.lines():
            relay.each_line(lambda _: None)
            return json.loads(line)
        relay.wait()
        raise ProcessError("the relay ended at once\nhint: see its log in logs/relay.log")

    def _set_up_owner(self) -> None:
        processes.run(
            "sealbell-owner", "init", self._owner, "--relay", self._relay / "relay.json",
            "--words-file", self._owner.with_name("words.txt"),
        )  # fmt: skip
        processes.run("sealbell-relay", "allow", self._relay, self._owner / "card.json")

    def _set_up_doorbell(self, number: int, footage: Path) -> Doorbell:
        home = self._out / "doorbells" / str(number)
        said = processes.run_json("sealbell", "init", home, "--owner", self._owner / "bundle.json", "--json")
        processes.run("sealbell-relay", "allow", self._relay, home / "card.json")
        processes.run("sealbell-owner", "pin", self._owner, home / "card.json", "--name", footage.stem[:40])
        return Doorbell(footage, home, said["doorbell"])

    def _start_tap(self, url: str) -> Tap:
        with tempfile.TemporaryDirectory() as folder:  # its bell, which nobody rings, stays open without a name
            wake = OutboxReader(Path(folder))
            wake.open_bell()
        tap = Tap(url, self._out / "wiretap", wake)
        if not tap.start():
            raise ProcessError("the broker lets nobody listen in")
        return tap

    def _follow(self, doorbells: list[Doorbell]) -> list[latency.Follower]:
        followers = []
        for number, bell in enumerate(doorbells, 1):
            arguments = (self._owner, "--doorbell", bell.id, "--json")
            process = self._start("follow", f"follow-{number}", *arguments, program="sealbell-owner")
            followers.append(latency.Follower(process))
        for follower in followers:
            if not follower.wait_ready(processes.READY_S):
                raise ProcessError("a follower was not let in by the relay in time")
        return followers

    def _watch(self, doorbells: list[Doorbell], lengths_s: list[float]) -> None:
        # At real pace all doors at once, as in life; fast, one after the other, since each takes all the processor.
        watches = []
        for number, (bell, length_s) in enumerate(zip(doorbells, lengths_s, strict=True), 1):
            presses = [argument for press_s in self._presses_s for argument in ("--press", str(press_s))]
            pictures = ("--footage", bell.footage, "--pace", self._pace)
            watch = self._start("watch", f"watch-{number}", bell.home, *pictures, *presses, "--json")
            bar = self._progress.add_task(f"watching {bell.footage.name[:24]}", total=length_s or None)
            reader = watch.each_line(lambda line, bar=bar: self._show(bar, line))  # type: ignore[misc]
            watches.append((watch, reader, bar, length_s))
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

    def _drain(self, doorbells: list[Doorbell], uplinks: list[Running]) -> None:
        bar = self._progress.add_task("sending what is left", total=len(doorbells))
        for bell, uplink in zip(doorbells, uplinks, strict=True):
            uplink.check()
            uplink.stop()
            processes.run("sealbell", "uplink", bell.home, "--until-empty")
            self._progress.advance(bar)

    def _clips(self, bell: Doorbell) -> list[str]:
        listed = processes.run_json("sealbell-owner", "clips", self._owner, "--doorbell", bell.id, "--json")
        return sorted(clip["clip"] for clip in listed["clips"])

    def _open(self, bell: Doorbell, clip: str) -> ClipReport:
        bar = self._progress.add_task(f"opening {clip[:12]}", total=1)
        opened = processes.run_json(
            "sealbell-owner", "open", self._owner, clip, "--doorbell", bell.id, "--json",
            "--out", self._opened / f"{bell.footage.stem}-{clip[:12]}.mp4", "--parts", self._parts / clip,
            good=(0, 1),
        )  # fmt: skip
        self._progress.advance(bar)
        return clip_report(opened, str(bell.footage), self._out)

    def _search(self) -> tuple[int, int]:
        bar = self._progress.add_task("searching for plaintext", total=1)
        plaintexts = (path.read_bytes() for path in wiretap.files_below([self._parts]))
        search = wiretap.Search(wiretap.needles(plaintexts))
        hay = [*wiretap.files_below([self._relay, self._out / "doorbells"]), self._out / "wiretap"]
        hits = searched = 0
        for number, path in enumerate(hay, 1):
            data = path.read_bytes()
            hits += search.hits(data)
            searched += len(data)
            self._progress.update(bar, completed=number, total=len(hay))
        return hits, searched

    def _some_fragment(self) -> bytes | None:
        for path in sorted((self._relay / "store").rglob("*.part")):
            data = path.read_bytes()
            if b"\nkind media\n" in data:
                return data[data.index(AGE_FILE) : data.rindex(RECEIPT)]
        return None
