"""`sealbell-owner delete`: end clips, or a doorbell, for good."""

import argparse
import datetime
import sys
import time

from sealbell_owner import show
from sealbell_owner.commands import options
from sealbell_owner.errors import OwnerError
from sealbell_owner.home import Home, Pin
from sealbell_owner.keeping import Keeping
from sealbell_owner.listing import MAX_PAGE_CLIPS
from sealbell_owner.lookup import find_clip
from sealbell_owner.relay import Relay
from sealbell_owner.source import open_relay
from sealbell_wire.ids import ZERO_ID, clip_time_ms

DESCRIPTION = (
    "Delete clips at the relay, by a signed tombstone each. Nothing brings a deleted clip back: what of it is still on "
    "its way is not stored, also not after the relay was restored from a backup. The relay's signed receipt says that "
    "it deleted; nobody can prove that it, or whoever looked before, kept no copy. Exits with 0 if the relay signed "
    "for all."
)
MAX_DELETED_CLIPS = 100_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to `parser`."""
    parser.description = DESCRIPTION
    options.add_home(parser)
    parser.add_argument("clips", nargs="*", metavar="CLIP", help="the beginning of a clip's id, or `latest`")
    parser.add_argument("--before", metavar="DATE", type=_date, help="all clips before this day, YYYY-MM-DD")
    options.add_doorbell(parser)
    text = "delete all of the doorbell that --doorbell names: it is cut off for good, and nothing of it is kept"
    parser.add_argument("--whole-doorbell", action="store_true", help=text)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Delete them."""
    home = Home(arguments.home)
    relay = open_relay(home)
    keeping = Keeping(home, relay, time.time_ns() // 1_000_000)
    pins = home.choose(arguments.doorbell)
    if arguments.whole_doorbell:
        return _whole(keeping, pins, arguments)
    chosen: dict[str, tuple[Pin, list[str]]] = {}
    for wanted in arguments.clips:
        pin, entry = find_clip(relay, pins, wanted)
        chosen.setdefault(pin.doorbell, (pin, []))[1].append(entry.clip)
    if arguments.before is not None:
        for pin in pins:
            found = _before(relay, pin, arguments.before)
            if found:
                chosen.setdefault(pin.doorbell, (pin, []))[1].extend(found)
    names = {doorbell: sorted(set(clips)) for doorbell, (_, clips) in chosen.items()}
    count = sum(map(len, names.values()))
    if not count:
        raise OwnerError("nothing is to be deleted", "name clips as `sealbell-owner clips DIR` lists them, or --before")
    if not arguments.yes:
        for doorbell, clips in names.items():
            for clip in clips[:MAX_PAGE_CLIPS]:
                show.note(f"{clip}  {chosen[doorbell][0].name}, {show.local_time(clip_time_ms(clip))}")
        _ask(f"delete {count} clips for good?")
    signed = sum(keeping.end("clip", doorbell, clips) for doorbell, clips in names.items())
    _say(arguments, signed, f"{signed} clips, and the relay signed for each; its receipts are kept in {home.folder}")
    return 0


def _whole(keeping: Keeping, pins: list[Pin], arguments: argparse.Namespace) -> int:
    if arguments.doorbell is None or arguments.clips or arguments.before is not None:
        raise OwnerError("a whole doorbell is deleted by its name alone", "give --doorbell NAME --whole-doorbell")
    (pin,) = pins
    if not arguments.yes:
        _ask(f"delete all clips of {pin.name} ({pin.doorbell}), and cut it off from the relay for good?")
    signed = keeping.end("doorbell", pin.doorbell, [ZERO_ID])
    _say(arguments, signed, f"all of {pin.name}, and the relay signed for it; set up anew it is another doorbell")
    return 0


def _before(relay: Relay, pin: Pin, before_ms: int) -> list[str]:
    found: list[str] = []
    before: str | None = f"{max(before_ms, 0):012x}{'0' * 20}"
    while before is not None and len(found) < MAX_DELETED_CLIPS:
        page = relay.clips(pin.doorbell, MAX_PAGE_CLIPS, before)
        found += [entry.clip for entry in page.clips]
        before = page.next
    return found


def _ask(question: str) -> None:
    if not sys.stdin.isatty():
        raise OwnerError("nobody is there to be asked", "give --yes to delete without being asked")
    show.note(f"{question} [yes/no]")
    if sys.stdin.readline(16).strip() != "yes":
        raise OwnerError("nothing was deleted")


def _say(arguments: argparse.Namespace, signed: int, text: str) -> None:
    if arguments.json:
        show.json_line({"deleted": signed})
    else:
        show.lines([("deleted", text)])


def _date(text: str) -> int:
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("is not a day, written YYYY-MM-DD") from None
    return int(datetime.datetime(day.year, day.month, day.day).astimezone().timestamp() * 1_000)
