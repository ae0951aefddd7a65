"""`sealbell-owner follow`: each ring as it comes, and the film while it is recorded."""

import argparse
import contextlib
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from sealbell_owner import show
from sealbell_owner.clip import Opened
from sealbell_owner.commands import options
from sealbell_owner.errors import OwnerError, UnreachableError
from sealbell_owner.films import FileFilms, Films, PipeFilms
from sealbell_owner.home import Home, Pin
from sealbell_owner.listing import check_entry
from sealbell_owner.live import Live, Over, just_before
from sealbell_owner.relay import Relay
from sealbell_owner.source import open_relay
from sealbell_owner.stored import StreamCutError
from sealbell_wire.content import Notice
from sealbell_wire.errors import WireError
from sealbell_wire.ids import ZERO_ID

DESCRIPTION = (
    "Wait for what the doorbell records: print each ring and movement as it comes, and with --out write the film while "
    "it grows, every part checked before it is written. A clip that is being recorded is followed from its beginning. "
    "A lost connection is made again. Ends with --count, with the player, or by Ctrl-C."
)
STDOUT = Path("-")
BEING_RECORDED_MS = 90_000  # longer than the longest clip: what arrived before is not being recorded any more
FIRST_PAUSE_S = 0.5
MAX_PAUSE_S = 30.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to `parser`."""
    parser.description = DESCRIPTION
    options.add_home(parser)
    options.add_doorbell(parser)
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="write the film of the first clip there, of further ones to FILE-2 and so on; `-` for a player's stdin",
    )
    parser.add_argument("--count", type=options.positive, metavar="N", help="end after N whole clips")
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Follow."""
    if arguments.json and arguments.out == STDOUT:
        show.error("--json and --out - both want standard output", "write the film to a file")
        return 2
    home = Home(arguments.home)
    chosen = home.choose(arguments.doorbell)
    if len(chosen) > 1:
        raise OwnerError("several doorbells are pinned", "name one by --doorbell")
    follower = Follower(home, chosen[0], _films(arguments.out), as_json=arguments.json, quiet=arguments.out == STDOUT)
    return follower.run(open_relay(home), arguments.count, time.sleep)


class Follower:
    """One doorbell, one relay, as long as it takes."""

    def __init__(self, home: Home, pin: Pin, films: Films, *, as_json: bool, quiet: bool) -> None:
        self._home, self._pin, self._films = home, pin, films
        self._as_json = as_json
        self._say = show.note if quiet else partial(print, flush=True)
        self._whole = 0
        self._refused = 0

    def run(self, relay: Relay, count: int | None, pause: Callable[[float], None]) -> int:
        """Follow until `count` clips were whole, connecting again after ever longer pauses; return the exit code."""
        live: Live | None = None
        pause_s = FIRST_PAUSE_S
        try:
            while True:
                try:
                    live = live or Live(self._home.trust(self._pin), self._begin(relay))
                    with contextlib.closing(relay.follow(self._pin.doorbell, live.after)) as stream:
                        if self._as_json:
                            show.json_line({"following": self._pin.doorbell})
                        else:
                            show.note(f"following {self._pin.name}")
                        for stored in stream:
                            pause_s = FIRST_PAUSE_S
                            self._take(live, stored)
                            if self._whole == count:
                                return 1 if self._refused else 0
                    show.note("note: the relay ended the stream; connecting again")
                except (UnreachableError, StreamCutError) as error:
                    show.note(f"note: {error}; connecting again")
                pause(pause_s)
                pause_s = min(2 * pause_s, MAX_PAUSE_S)
        finally:
            for over in live.finish() if live else []:
                self._end(over)

    def _begin(self, relay: Relay) -> str:
        newest = relay.clips(self._pin.doorbell, 1).clips
        if not newest:
            return ZERO_ID
        check_entry(newest[0], bytes.fromhex(self._pin.key))
        running = not newest[0].final and _now_ms() - newest[0].arrived_ms < BEING_RECORDED_MS
        return just_before(newest[0].clip) if running else newest[0].clip

    def _take(self, live: Live, stored: bytes) -> None:
        received_ms = _now_ms()
        try:
            taking = live.take(stored)
        except WireError as error:
            self._refused += 1
            show.note(f"refused: {error}")
            return
        if taking is None:
            return
        self._films.write(taking.clip.clip, taking.pieces)
        notice = taking.opened.content if isinstance(taking.opened.content, Notice) else None
        if self._as_json:
            show.json_line(_as_json(taking.opened, notice, received_ms))
        elif notice and notice.trigger != "update":
            why = show.why(notice.trigger, notice.alert)
            self._say(f"{show.local_time(notice.wall_ms)} {self._pin.name}: {why} ({taking.clip.clip})")
        for over in taking.over:
            self._end(over)
        if notice:
            self._home.remember(self._pin, filter(None, [taking.clip.as_seen()]))

    def _end(self, over: Over) -> None:
        clip = over.clip
        self._films.write(clip.clip, over.pieces)
        self._home.remember(self._pin, filter(None, [clip.as_seen()]))
        if not clip.interrupted and not clip.missing:
            self._whole += 1
        if not self._as_json:
            what = "interrupted" if clip.interrupted else "whole" if not clip.missing else "with parts missing"
            self._say(f"{clip.clip} is over, {what}: {len(clip.held)} parts")


def _as_json(opened: Opened, notice: Notice | None, received_ms: int) -> dict[str, Any]:
    record = opened.part.record
    return {
        "clip": record.clip,
        "seq": record.seq,
        "kind": record.kind,
        "trigger": notice.trigger if notice else None,
        "alert": notice.alert if notice else None,
        "keyframe": record.keyframe,
        "dropped": opened.plaintext is None,
        "wall_ms": notice.wall_ms if notice else record.wall_ms,
        "received_ms": received_ms,
        "bytes": record.size,
    }


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _films(out: Path | None) -> Films:
    if out is None:
        return Films()
    return PipeFilms(sys.stdout.buffer) if out == STDOUT else FileFilms(out)
