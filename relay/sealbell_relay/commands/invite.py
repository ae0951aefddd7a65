"""`sealbell-relay invite`: a code by which one new owner may enrol, once."""

import argparse
import json
import secrets
import sys
import time
from datetime import UTC, datetime

from sealbell_relay.commands import options as asked
from sealbell_relay.folder import Folder
from sealbell_relay.tenants.invites import DAY_MS, DEFAULT_DAYS, MAX_DAYS, Invites
from sealbell_wire.invite import RANDOM_BYTES

DESCRIPTION = """\
Make a code by which one new owner may enrol, once, and print it. It is shown now and kept nowhere: whoever has it first
is let in. `sealbell-relay status` lists the invites that are open, `sealbell-relay revoke` cancels one.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to `parser`."""
    parser.description = DESCRIPTION
    asked.add_folder(parser)
    text = f"how long it may be used, 1 to {MAX_DAYS} (default: %(default)s)"
    parser.add_argument("--days", metavar="N", type=days, default=DEFAULT_DAYS, help=text)
    asked.add_store(parser)
    asked.add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Make it."""
    folder = Folder(options.dir)
    folder.key()
    now_ms = time.time_ns() // 1_000_000
    expires_ms = now_ms + options.days * DAY_MS
    code = Invites(asked.store(options, folder)).make(secrets.token_bytes(RANDOM_BYTES), expires_ms, now_ms)
    if options.json:
        print(json.dumps({"invite": code, "expires_ms": expires_ms}))
        return 0
    print(code, flush=True)
    until = datetime.fromtimestamp(expires_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    print(
        f"give this code and {folder.card_file} to the owner, for: sealbell-owner init OWNER --relay relay.json "
        f"--invite -; it works once, until {until}",
        file=sys.stderr,
    )
    return 0


def days(text: str) -> int:
    """Parse for how many days."""
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= MAX_DAYS:
        raise argparse.ArgumentTypeError(f"not a number of days from 1 to {MAX_DAYS}")
    return int(text)
