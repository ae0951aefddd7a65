"""`sealbell-relay revoke`: end a doorbell, an owner, a token or an invite, for good."""

import argparse
import time
from datetime import UTC, datetime

from sealbell_relay.commands import options as asked
from sealbell_relay.folder import Folder
from sealbell_relay.tenants.endings import REMEMBERED_S, operators_word
from sealbell_relay.tenants.revocation import KNOWN, Revocation

DESCRIPTION = """\
End something for good, on every relay of this store, also while they serve: an invite lets nobody in; a token shows
nothing; a doorbell is cut off and nothing of it is taken or shown; of an owner the same holds for everything. Nothing
undoes it: a doorbell that was set up anew, or an owner of new words, is another one. What was stored is kept for as
long as its owner said, and is disclosed and backed up, unless --delete takes all of it away.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to `parser`."""
    parser.description = DESCRIPTION
    asked.add_folder(parser)
    parser.add_argument("kind", choices=KNOWN, help="what it is")
    text = "its id, key or hash, or the beginning of it; a token and an invite are named by their SHA-256"
    parser.add_argument("name", metavar="NAME", help=text)
    parser.add_argument("--delete", action="store_true", help="take away all clips and health of it, too")
    asked.add_store(parser)


def run(options: argparse.Namespace) -> int:
    """End it."""
    folder = Folder(options.dir)
    folder.key()
    revocation = Revocation(asked.store(options, folder))
    name = revocation.find(options.kind, options.name)
    when = datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    word = operators_word(when, options.delete)
    ended = revocation.end(options.kind, name, word)
    print(f"{'revoked' if ended else 'had already revoked'} {options.kind} {name}")
    if options.delete:
        removed = revocation.remove(options.kind, name, word)
        time.sleep(REMEMBERED_S)  # so long relays may have taken what came: it goes, too
        revocation.remove(options.kind, name, word)
        print(f"removed {removed} clips")
    return 0
