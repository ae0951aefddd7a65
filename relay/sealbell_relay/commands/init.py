"""`sealbell-relay init`: make a relay's folder and the key that signs its receipts."""

import argparse
import os

from sealbell_relay.commands import options as asked
from sealbell_relay.folder import SEED_BYTES, Folder
from sealbell_relay.store import DirectoryStore


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to `parser`."""
    asked.add_folder(parser)


def run(options: argparse.Namespace) -> int:
    """Make it."""
    folder = Folder(options.dir)
    folder.make(os.urandom(SEED_BYTES))
    DirectoryStore(folder.store).make()
    print(f"made {folder.root}; start it with: sealbell-relay serve {options.dir}")
    return 0
