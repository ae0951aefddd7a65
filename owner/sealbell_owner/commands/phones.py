"""`sealbell-owner phones`: who else may show a token as this owner."""

import argparse
import time

from sealbell_owner import show
from sealbell_owner.commands import options
from sealbell_owner.enrolling import add_phone, phones
from sealbell_owner.home import Home
from sealbell_owner.keeping import Keeping
from sealbell_owner.source import open_relay
from sealbell_wire.errors import FormatError
from sealbell_wire.ids import ZERO_ID, check_hash

DESCRIPTION = (
    "List the phones that the relay lets in as this owner, each by the SHA-256 of a token that the phone has drawn. A "
    "phone may see, and let in doorbells; it cannot add phones."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to `parser`."""
    parser.description = DESCRIPTION
    options.add_home(parser)
    parser.add_argument(
        "--add", metavar="HASH", type=_hash, help="let a phone in, by the SHA-256 of its token, 64 digits"
    )
    parser.add_argument(
        "--revoke", metavar="HASH", type=_hash, help="let a phone in no more, for good, by the SHA-256 of its token"
    )
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Add one if asked, and list them."""
    home = Home(arguments.home)
    relay = open_relay(home)
    if arguments.revoke:
        Keeping(home, relay, time.time_ns() // 1_000_000).end("token", ZERO_ID, [arguments.revoke])
    if arguments.add:
        add_phone(relay, arguments.add)
    found = phones(relay)
    if arguments.json:
        show.json_line({"phones": [{"token_hash": phone.token_hash, "added": phone.added} for phone in found]})
        return 0
    show.table(("SHA-256 of its token", "added"), [(phone.token_hash, phone.added) for phone in found])
    return 0


def _hash(text: str) -> str:
    try:
        return check_hash(text, "hash")
    except FormatError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
