"""`sealbell-owner retention`: for how many days the relay keeps a doorbell's clips."""

import argparse
import time

from sealbell_owner import show
from sealbell_owner.commands import options
from sealbell_owner.home import Home
from sealbell_owner.keeping import Keeping
from sealbell_owner.source import open_relay
from sealbell_wire.limits import MAX_RETENTION_DAYS
from sealbell_wire.retention import DEFAULT_DAYS

DESCRIPTION = (
    "Show or set for how many days the relay keeps a doorbell's clips, counted from the arrival of a clip's newest "
    f"part. It goes by this owner's signed document with the highest number, and without one by {DEFAULT_DAYS} days. "
    "With fewer days than before it removes what is older within the hour."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to `parser`."""
    parser.description = DESCRIPTION
    options.add_home(parser)
    parser.add_argument("doorbell", metavar="DOORBELL", help="its name or the beginning of its id")
    parser.add_argument("days", nargs="?", metavar="DAYS", type=_days, help=f"1 to {MAX_RETENTION_DAYS}; else show it")
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show or set it."""
    home = Home(arguments.home)
    (pin,) = home.choose(arguments.doorbell)
    keeping = Keeping(home, open_relay(home), time.time_ns() // 1_000_000)
    if arguments.days is not None:
        keeping.retain(pin.doorbell, arguments.days)
    document = keeping.retention(pin.doorbell)
    days = document.days if document else DEFAULT_DAYS
    if arguments.json:
        show.json_line({"doorbell": pin.doorbell, "days": days, "number": document.number if document else None})
        return 0
    whose = "by your signed word" if document else "since you have not said otherwise"
    show.lines([("kept", f"clips of {pin.name}: {days} days from their arrival, {whose}")])
    return 0


def _days(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= MAX_RETENTION_DAYS:
        raise argparse.ArgumentTypeError(f"is not a number of days from 1 to {MAX_RETENTION_DAYS}")
    return int(text)
