"""`sealbell-relay restored`: after a restore, delete again what had been deleted, before anything is shown."""

import argparse
import contextlib
import sys
import time
from pathlib import Path

from sealbell_relay.commands import options as asked
from sealbell_relay.errors import RelayError
from sealbell_relay.folder import Folder
from sealbell_relay.keep.deletion import Deletion
from sealbell_relay.keep.holds import Holds, notice_copy
from sealbell_relay.keep.ledger import apply, read_lines
from sealbell_relay.keep.retentions import Retentions
from sealbell_relay.keep.rules import Witness
from sealbell_relay.keep.sweeper import Sweeper
from sealbell_relay.log import Log
from sealbell_relay.store.archive import Archive
from sealbell_relay.tenants.allow import Register
from sealbell_relay.tenants.endings import Endings

DESCRIPTION = """\
Say that the store was put back from a copy: from now on relays take parts and show nothing. With --ledger everything
that was deleted and revoked since the copy is deleted and revoked again, clips whose days are over are removed by this
machine's clock (set it first), and all is shown again. Without, each owner's things are shown again once their own
tools have given the relay all their tombstones, which they do by themselves. A folder that was copied is noticed when
it is served; a snapshot that was rolled back, or a bucket, is not: say so by this command before any relay starts.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to `parser`."""
    parser.description = DESCRIPTION
    asked.add_folder(parser)
    asked.add_store(parser)
    text = "the file that `serve --ledger` wrote; repeat it for more"
    parser.add_argument("--ledger", metavar="FILE", type=Path, action="append", default=[], help=text)
    text = "nothing was deleted or revoked since this copy was made: the relay had stopped before. On your word alone"
    parser.add_argument("--complete", action="store_true", help=text)


def run(options: argparse.Namespace) -> int:
    """Hold everything, or apply the ledger and show it again."""
    folder = Folder(options.dir)
    key, store = folder.key(), asked.store(options, folder)
    if options.ledger and options.complete:
        raise RelayError("a copy that is complete needs no ledger", hint="give one of --ledger and --complete")
    holds = Holds(store, time.monotonic)
    if options.store is None:
        with contextlib.suppress(RelayError), folder.lock():  # a relay that serves it has done so when it started
            notice_copy(folder, store, holds)
    nonce = holds.begin()
    if options.complete:
        holds.release()
        print("shown again, on your word that nothing was deleted or revoked since this copy was made")
        return 0
    if not options.ledger:
        print(f"held, under {nonce}: parts are taken, and nothing is shown")
        print("shown again to each owner whose own tools ask, or to all by: sealbell-relay restored DIR --ledger FILE")
        return 0
    archive, register = Archive(store, lambda _: None), Register(store)
    deletion, retentions = Deletion(store, archive, register, key, _wall_ms, None), Retentions(store)
    lines = sum(apply(read_lines(path), deletion, retentions, Endings(store)) for path in options.ledger)
    deletion.finish()
    log = Log(sys.stderr, time.monotonic)
    sweeper = Sweeper(
        archive, register, retentions, deletion, Witness(), _wall_ms, time.monotonic, lambda *_: None, log
    )
    now_ms = _wall_ms()
    expired = sum(sweeper.expire_now(doorbell, now_ms) for doorbell in sweeper.doorbells())
    holds.release()
    print(f"applied {lines} lines, removed {expired} clips whose days were over, and everything is shown again")
    return 0


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
