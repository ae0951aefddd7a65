"""`sealbell-owner pin`: trust a doorbell's key from now on, and let the doorbell in at the relay."""

import argparse
from pathlib import Path

from sealbell_owner import show
from sealbell_owner.commands import options
from sealbell_owner.enrolling import enrol_doorbell
from sealbell_owner.errors import OwnerError
from sealbell_owner.home import Home, read_doorbell
from sealbell_owner.source import open_relay
from sealbell_wire.enrolment import Introduction

DESCRIPTION = (
    "Trust the doorbell that introduces itself, and enrol it at the relay. What introduces it must come from the "
    "doorbell itself, not from the relay: only what this key signs is taken for that doorbell's. Its introduction.json "
    "holds the secret by which it connects, and is needed no more afterwards. By its card.json alone it is trusted, "
    "and not enrolled."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to `parser`."""
    parser.description = DESCRIPTION
    options.add_home(parser)
    parser.add_argument("card", type=Path, metavar="CARD", help="the doorbell's introduction.json, or its card.json")
    parser.add_argument("--name", metavar="NAME", help="what to call it; else the beginning of its id")


def run(arguments: argparse.Namespace) -> int:
    """Pin it."""
    given, home = read_doorbell(arguments.card), Home(arguments.home)
    card = given.card if isinstance(given, Introduction) else given
    pin = home.pin(card, arguments.name or card.doorbell[: show.SHORT_ID_CHARS])
    show.lines([("pinned", f"{pin.name} ({pin.doorbell})")])
    if not isinstance(given, Introduction):
        show.note("note: it is trusted, and not enrolled at the relay: its introduction.json does both")
        return 0
    try:
        made = enrol_doorbell(open_relay(home), given)
    except OwnerError as error:
        raise type(error)(f"pinned, but not enrolled: {error}", error.hint) from None
    show.lines([("enrolled", "at the relay" if made else "at the relay, as before")])
    return 0
