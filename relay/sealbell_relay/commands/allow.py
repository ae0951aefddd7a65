"""`sealbell-relay allow`: let a doorbell or an owner in, from the command line, without an invite or HTTP."""

import argparse
from pathlib import Path

from sealbell_relay.broker.credentials import Credentials
from sealbell_relay.commands import options as asked
from sealbell_relay.errors import RelayError
from sealbell_relay.folder import Folder
from sealbell_relay.tenants.allow import Register
from sealbell_wire.enrolment import MAX_FILE_BYTES, DoorbellCard, Introduction, OwnerCard, parse_card
from sealbell_wire.errors import WireError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to `parser`."""
    asked.add_folder(parser)
    text = "an owner's card.json, or a doorbell's introduction.json"
    parser.add_argument("card", metavar="CARD", type=Path, help=text)
    asked.add_store(parser)


def run(options: argparse.Namespace) -> int:
    """Let it in."""
    folder = Folder(options.dir)
    folder.key()
    card = _read(options.card)
    store = asked.store(options, folder)
    if isinstance(card, OwnerCard):
        made, name = Register(store).allow(card), f"owner {card.key}"
    else:
        made, name = Register(store).allow(card.card), f"doorbell {card.card.doorbell}"
        made = Credentials(store).enrol(card.card.doorbell, card.credential) or made
    print(f"{'allowed' if made else 'had already allowed'} {name}")
    return 0


def _read(path: Path) -> OwnerCard | Introduction:
    try:
        with path.open("rb") as file:
            card = parse_card(file.read(MAX_FILE_BYTES + 1))
    except OSError as failure:
        raise RelayError(f"{path} cannot be read: {(failure.strerror or 'failed').lower()}") from failure
    except WireError as error:
        raise RelayError(f"{path} is not a card: {error}") from error
    if isinstance(card, DoorbellCard):
        raise RelayError(
            f"{path} is a doorbell's card, which holds nothing by which it could connect",
            hint="give the introduction.json that `sealbell init` wrote beside it; or the owner enrols it by "
            "`sealbell-owner pin`",
        )
    if not isinstance(card, OwnerCard | Introduction):
        raise RelayError(
            f"{path} introduces neither a doorbell nor an owner",
            hint="give the card.json that `sealbell-owner init` wrote, or a doorbell's introduction.json",
        )
    return card
