"""`sealbell-owner doorbells`: the pinned ones, and what the relay keeps beside them."""

import argparse

from sealbell_owner import show
from sealbell_owner.commands import options
from sealbell_owner.errors import OwnerError
from sealbell_owner.home import Home
from sealbell_owner.source import open_relay
from sealbell_wire.errors import WireError

DESCRIPTION = (
    "List the pinned doorbells with the newest clip seen of each. A doorbell that only the relay names is listed too, "
    "since after `recover` that may be one of yours; compare its id with the doorbell's own before pinning it."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to `parser`."""
    parser.description = DESCRIPTION
    options.add_home(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """List them."""
    home = Home(arguments.home)
    pins = home.pins()
    known = {pin.doorbell for pin in pins}
    try:
        offered = [card for card in open_relay(home).doorbells() if card.doorbell not in known]
    except (OwnerError, WireError) as error:
        show.note(f"note: {error}")
        offered = []
    newest = {pin.doorbell: max(home.memory(pin), default=None) for pin in pins}
    if arguments.json:
        show.json_line(
            {
                "doorbells": [
                    {"doorbell": pin.doorbell, "name": pin.name, "newest": newest[pin.doorbell]} for pin in pins
                ],
                "not_pinned": [{"doorbell": card.doorbell, "key": card.key} for card in offered],
            }
        )
        return 0
    rows = [(pin.name, pin.doorbell, newest[pin.doorbell] or "none seen yet") for pin in pins]
    rows += [("(not pinned)", card.doorbell, "only the relay says that this is yours") for card in offered]
    show.table(("name", "doorbell", "newest clip seen"), rows)
    return 0
