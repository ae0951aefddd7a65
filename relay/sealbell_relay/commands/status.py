"""`sealbell-relay status`: how a serving relay is, and how many it serves."""

import argparse
import json
import time

from sealbell_relay.commands import options as asked
from sealbell_relay.folder import Folder
from sealbell_relay.log import escape
from sealbell_relay.status import ask
from sealbell_relay.tenants.tenants import tenants


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to `parser`."""
    asked.add_folder(parser)
    asked.add_store(parser)
    asked.add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Ask the serving relay, and the store."""
    folder = Folder(options.dir)
    folder.key()
    report = ask(folder.card(), folder.admin())
    report |= tenants(asked.store(options, folder), time.time_ns() // 1_000_000)
    if options.json:
        print(json.dumps(report, sort_keys=True))
    else:
        invites = report.pop("invites")
        for key, value in report.items():
            print(f"{key.replace('_', ' ')}: {escape(value) if isinstance(value, str) else value}")
        print(f"open invites: {len(invites)}")
        for invite, until in invites.items():
            print(f"  {invite} until {until}")
    return 0 if report.get("healthy") is True else 1
