"""`sealbell-relay status`: how a serving relay is."""

import argparse
import json

from sealbell_relay.commands import options as asked
from sealbell_relay.folder import Folder
from sealbell_relay.log import escape
from sealbell_relay.status import ask


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to `parser`."""
    asked.add_folder(parser)
    asked.add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Ask the serving relay."""
    folder = Folder(options.dir)
    folder.key()
    report = ask(folder.card(), folder.admin())
    if options.json:
        print(json.dumps(report, sort_keys=True))
    else:
        for key, value in report.items():
            print(f"{key.replace('_', ' ')}: {escape(value) if isinstance(value, str) else value}")
    return 0 if report.get("healthy") is True else 1
