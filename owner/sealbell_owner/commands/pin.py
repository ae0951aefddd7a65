"""`sealbell-owner pin`: trust a doorbell's key from now on."""

import argparse
from pathlib import Path

from sealbell_owner import show
from sealbell_owner.commands import options
from sealbell_owner.home import Home, read_card
from sealbell_wire.enrolment import DoorbellCard

DESCRIPTION = (
    "Trust the doorbell whose card this is. The card must come from the doorbell itself, not from the relay: "
    "only what this key signs is taken for that doorbell's."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to `parser`."""
    parser.description = DESCRIPTION
    options.add_home(parser)
    parser.add_argument("card", type=Path, metavar="CARD", help="the doorbell's card.json")
    parser.add_argument("--name", metavar="NAME", help="what to call it; else the beginning of its id")


def run(arguments: argparse.Namespace) -> int:
    """Pin it."""
    card = read_card(arguments.card, DoorbellCard)
    pin = Home(arguments.home).pin(card, arguments.name or card.doorbell[: show.SHORT_ID_CHARS])
    show.lines([("pinned", f"{pin.name} ({pin.doorbell})")])
    return 0
