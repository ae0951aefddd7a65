"""`sealbell-relay disclose`: write what a legal demand for one doorbell gets."""

import argparse
import sys
import time
from importlib.metadata import version
from pathlib import Path

from sealbell_relay.audit.disclose import disclose
from sealbell_relay.commands import options as asked
from sealbell_relay.folder import Folder

DESCRIPTION = """\
Write exactly what a legal demand for one doorbell gets into OUT, a folder that is empty or not there: its parts and
receipts as they are stored, its card and its owner's, its health, an index of what the relay can read of them,
SHA256SUMS, and STATEMENT.txt, which says what it is, what cannot be given and why, and how anybody checks that. Nothing
of other doorbells and owners is in it, and no picture: nothing here could open one. OUT is as large as what is stored.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to `parser`."""
    parser.description = DESCRIPTION
    asked.add_folder(parser)
    text = "its id, 32 digits; `knows` lists them"
    parser.add_argument("doorbell", metavar="DOORBELL", type=asked.doorbell, help=text)
    parser.add_argument("out", metavar="OUT", type=Path, help="a folder that is empty or not there")
    asked.add_store(parser)


def run(options: argparse.Namespace) -> int:
    """Write it."""
    from sealbell_relay.store.buckets import open_store  # noqa: PLC0415 - it loads slowly, and most have no bucket

    bucket = open_store(options.store) if options.store else None
    program = f"sealbell-relay {version('sealbell')}"
    given = disclose(Folder(options.dir), options.doorbell, options.out, time.time(), program, bucket)
    print(
        f"wrote {options.out}: {given.clips} clips, {given.parts} parts, {given.dropped} dropped, {given.healths} "
        f"health messages; read {options.out / 'STATEMENT.txt'} before you hand it on"
    )
    if given.damaged:
        print(f"damaged and given as they are: {given.damaged}; see sealbell-relay fsck", file=sys.stderr)
    return 0
