"""`sealbell-owner`: the owner's tools, one module a command."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version

from sealbell_owner import age_open, show
from sealbell_owner.commands import (
    clips,
    delete,
    doorbells,
    enrol,
    export,
    follow,
    health,
    init,
    open,
    phones,
    pin,
    retention,
    verify,
)
from sealbell_owner.errors import OwnerError
from sealbell_wire.errors import WireError

DONE, FAILED, STOPPED = 0, 1, 130
DESCRIPTION = (
    "The owner's side of Sealbell: make the keys, see what the doorbells recorded, open it, follow it live, check it. "
    "Nothing that a relay answers is believed: every part is checked against the doorbell's signature."
)
_COMMANDS: tuple[
    tuple[str, str, Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], int]], ...
] = (
    ("init", "make an owner: 24 words, shown once", init.add_init_arguments, init.run_init),
    ("recover", "make an owner again from the 24 words", init.add_recover_arguments, init.run_recover),
    ("enrol", "become known to the relay, by an invite", enrol.add_arguments, enrol.run),
    ("pin", "trust a doorbell, and enrol it at the relay", pin.add_arguments, pin.run),
    ("phones", "who else may look, and let another phone in", phones.add_arguments, phones.run),
    ("doorbells", "list the doorbells", doorbells.add_arguments, doorbells.run),
    (
        "health",
        "how the doorbells are, and whether the relay shows all that they recorded",
        health.add_arguments,
        health.run,
    ),
    ("clips", "list clips, newest first, and what does not add up", clips.add_arguments, clips.run),
    ("open", "a clip into a playable file", open.add_arguments, open.run),
    ("follow", "each ring as it comes, and the film while it is recorded", follow.add_arguments, follow.run),
    ("verify", "what was checked of a clip, in words", verify.add_arguments, verify.run),
    ("export", "a clip as files for stock age and ssh-keygen", export.add_arguments, export.run),
    ("delete", "end clips, or a doorbell, for good", delete.add_arguments, delete.run),
    ("retention", "for how many days clips are kept", retention.add_arguments, retention.run),
    ("age-open", "open any age file on standard input", age_open.add_arguments, age_open.run),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0 done, 1 failed or refused, 3 where `health` finds something wrong.

    Leaves by SystemExit(2) on wrong usage.
    """
    arguments = _parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        return run(arguments)
    except OwnerError as error:
        show.error(str(error), error.hint)
    except WireError as error:
        show.error(f"refused: {error}", "whoever gave this is broken or lies; what was opened before is untouched")
    except BrokenPipeError:
        # Whoever read has left; Python would try to flush once more at the end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        show.error(f"{error.strerror}: {error.filename!r}" if error.filename else str(error.strerror))
    except KeyboardInterrupt:
        return STOPPED
    return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("sealbell-owner", description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"sealbell-owner {version('sealbell')}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, summary, add_arguments, run in _COMMANDS:
        command = commands.add_parser(name, help=summary)
        add_arguments(command)
        command.set_defaults(run=run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
