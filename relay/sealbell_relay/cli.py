"""sealbell-relay: the command line of the relay, a module a command.

Exit code 0 when done, 1 when it failed, 2 for wrong usage.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version

from sealbell_relay.commands import (
    accounts,
    allow,
    disclose,
    fsck,
    init,
    invite,
    knows,
    restored,
    revoke,
    serve,
    status,
)
from sealbell_relay.errors import RelayError

DESCRIPTION = """\
Keeps what sealed doorbells send and hands it to their owners. It holds nothing that could open a clip.

  sealbell-relay serve DIR            start; makes DIR the first time, writes DIR/relay.json once ready
  sealbell-relay invite DIR           print a code by which one new owner enrols with doorbells and phones
  sealbell-relay allow DIR CARD       let an owner in by its card.json, or a doorbell by its introduction.json
  sealbell-relay revoke DIR KIND NAME end a doorbell, an owner, a token or an invite, for good
  sealbell-relay restored DIR         after a restore: delete again what had been deleted, then show the rest
  sealbell-relay accounts DIR ...     keep the list of users of a broker that the relay does not start
  sealbell-relay status DIR           whether it serves, whom, and what it took and refused since it started
  sealbell-relay knows DIR            everything that it could tell about its doorbells' clips
  sealbell-relay fsck DIR             whether everything in DIR is as it was taken, and what to do if not
  sealbell-relay disclose DIR DOORBELL OUT
                                      write what a legal demand for one doorbell gets into the new folder OUT
"""

_COMMANDS: tuple[
    tuple[str, str, Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], int]], ...
] = (
    ("init", "make a relay's folder and the key that signs its receipts", init.add_arguments, init.run),
    (
        "serve",
        "take parts from doorbells and serve owners until SIGTERM or Ctrl-C",
        serve.add_arguments,
        serve.run,
    ),
    ("invite", "make a code by which one new owner may enrol, once", invite.add_arguments, invite.run),
    ("allow", "let a doorbell or an owner in", allow.add_arguments, allow.run),
    ("revoke", "end a doorbell, an owner, a token or an invite, for good", revoke.add_arguments, revoke.run),
    (
        "restored",
        "after a restore, delete again what had been deleted, before anything is shown",
        restored.add_arguments,
        restored.run,
    ),
    ("accounts", "keep the list of users of a broker of your own", accounts.add_arguments, accounts.run),
    ("status", "say whether the relay serves, and what it took and refused", status.add_arguments, status.run),
    ("knows", "print everything that the relay could tell about its doorbells' clips", knows.add_arguments, knows.run),
    (
        "fsck",
        "check every object in the folder, and say what is wrong and what to do",
        fsck.add_arguments,
        fsck.run,
    ),
    ("disclose", "write what a legal demand for one doorbell gets", disclose.add_arguments, disclose.run),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except RelayError as error:
        print(f"sealbell-relay: {error}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130  # as shells say it
    except BrokenPipeError:
        # Whoever read has left; Python would try to flush once more at the end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sealbell-relay", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"sealbell-relay {version('sealbell')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, summary, add_arguments, run in _COMMANDS:
        command = commands.add_parser(name, help=summary, description=summary)
        add_arguments(command)
        command.set_defaults(run=run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
