"""`sealbell-relay allow`: let a doorbell or an owner in, from the command line."""

import argparse
from pathlib import Path

from sealbell_relay.allow import Register
from sealbell_relay.commands import options as asked
from sealbell_relay.errors import RelayError
from sealbell_relay.folder import Folder
from sealbell_wire.enrolment import MAX_FILE_BYTES, DoorbellCard, OwnerCard, parse_card
from sealbell_wire.errors import WireError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to `parser`."""
    asked.add_folder(parser)
    asked.add_store(parser)
    parser.add_argument("card", metavar="CARD", type=Path, help="its card.json")


def run(options: argparse.Namespace) -> int:
    """Let it in."""
    folder = Folder(options.dir)
    folder.key()
    try:
        with options.card.open("rb") as file:
            card = parse_card(file.read(MAX_FILE_BYTES + 1))
    except OSError as failure:
        raise RelayError(f"{options.card} cannot be read: {(failure.strerror or 'failed').lower()}") from failure
    except WireError as error:
        raise RelayError(f"{options.card} is not a card: {error}") from error
    if not isinstance(card, DoorbellCard | OwnerCard):
        raise RelayError(
            f"{options.card} introduces neither a doorbell nor an owner",
            hint="give the card.json that `sealbell init` or `sealbell-owner init` wrote",
        )
    made = Register(asked.store(options, folder)).allow(card)
    name = f"doorbell {card.doorbell}" if isinstance(card, DoorbellCard) else f"owner {card.key}"
    print(f"{'allowed' if made else 'had already allowed'} {name}")
    return 0
