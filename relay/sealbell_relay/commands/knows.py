"""`sealbell-relay knows`: everything that the relay could tell."""

import argparse

from sealbell_relay.audit.knows import as_json, as_text
from sealbell_relay.commands import options as asked
from sealbell_relay.folder import Folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to `parser`."""
    asked.add_folder(parser)
    asked.add_store(parser)
    asked.add_json(parser, "print one JSON object, with every record in full")


def run(options: argparse.Namespace) -> int:
    """Print it."""
    from sealbell_relay.store.buckets import open_store  # noqa: PLC0415 - it loads slowly, and most have no bucket

    folder = Folder(options.dir)
    folder.key()
    bucket = open_store(options.store) if options.store else None
    for line in as_json(folder, bucket) if options.json else as_text(folder, bucket):
        print(line)
    return 0
