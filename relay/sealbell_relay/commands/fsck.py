"""`sealbell-relay fsck`: check every object in a relay's folder."""

import argparse
import dataclasses
import json
import sys
import time

from sealbell_relay.audit.fsck import Fsck
from sealbell_relay.audit.look import Finding
from sealbell_relay.audit.progress import Progress
from sealbell_relay.commands import options as asked
from sealbell_relay.folder import Folder
from sealbell_relay.log import escape

DESCRIPTION = """\
Check every object in a relay's folder: that its name, length, record, hashes and signatures fit, that its receipt is
this relay's, and that the parts of a clip join. Also cards, tokens and health, who may read the files, what an
interrupted write left, and what does not belong. Nothing is changed and nothing deleted. A relay may serve meanwhile; a
copy of its folder (a backup) is checked in the same way; with --store, what is kept there. Exit code 0 if all is in
order, 1 if something is wrong.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to `parser`."""
    parser.description = DESCRIPTION
    asked.add_folder(parser)
    asked.add_store(parser)
    asked.add_json(parser, "print a JSON object a line: what is wrong, and the sum last")


def run(options: argparse.Namespace) -> int:
    """Check it; 0 if all is in order, else 1."""
    from sealbell_relay.store.buckets import open_store  # noqa: PLC0415 - it loads slowly, and most have no bucket

    progress = Progress(sys.stderr, time.monotonic)

    def found(finding: Finding) -> None:
        progress.clear()
        if options.json:
            print(json.dumps(dataclasses.asdict(finding)))
        else:
            print(f"{escape(finding.path)}: {finding.what}\n  hint: {finding.advice}")

    folder = Folder(options.dir)
    fsck = Fsck(folder, time.time(), found, progress.show, open_store(options.store) if options.store else None)
    in_order = fsck.run()
    progress.clear()
    if options.json:
        print(json.dumps({"in_order": in_order, "objects": fsck.objects, "bytes": fsck.bytes, "wrong": fsck.wrong}))
    else:
        verdict = "all in order" if in_order else f"{fsck.wrong} wrong; nothing was changed"
        print(f"checked {fsck.objects} objects, {fsck.bytes} bytes: {verdict}")
    return 0 if in_order else 1
