"""`sealbell-owner enrol`: become known to the relay by an invite."""

import argparse
import sys

from sealbell_owner import show
from sealbell_owner.commands import options
from sealbell_owner.enrolling import join, read_invite
from sealbell_owner.home import Home
from sealbell_wire.limits import MAX_INVITE_CHARS

DESCRIPTION = (
    "Enrol this owner at the relay by an invite, a code that the relay's operator gave and that works once. The relay "
    "learns public keys and a hash, nothing that opens a clip."
)
INVITE = "the code; `-` reads it from standard input, where no other program sees it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to `parser`."""
    parser.description = DESCRIPTION
    options.add_home(parser)
    parser.add_argument("invite", metavar="CODE", nargs="?", default="-", help=f"{INVITE} (default)")


def run(arguments: argparse.Namespace) -> int:
    """Enrol."""
    say(join(Home(arguments.home), take(arguments.invite)))
    return 0


def take(given: str) -> str:
    """Return the invite that was given, or typed; OwnerError if it is none."""
    if given != "-":
        return read_invite(given)
    if sys.stdin.isatty():
        show.note("type the invite:")
    return read_invite(sys.stdin.readline(2 * MAX_INVITE_CHARS))


def say(made: bool) -> None:
    """Tell that the relay knows this owner."""
    show.lines([("enrolled", "at the relay" if made else "at the relay, as before")])
