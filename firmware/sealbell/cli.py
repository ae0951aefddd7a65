"""The doorbell's commands. Each imports its own part only: `watch` loads no network code, `uplink` no picture code."""

import argparse
import json
import logging
import os
import secrets
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sealbell import __version__
from sealbell.config import DEFAULT_PATH, Settings, SettingsError, settings_in_force
from sealbell.home import INTRODUCTION, Home, HomeError, describe, set_up
from sealbell.notify import Notifier
from sealbell.seams import DeviceError
from sealbell.spool import OutboxError
from sealbell.supervisor import StageError
from sealbell_wire.errors import WireError

if TYPE_CHECKING:
    from sealbell.supervisor import Supervisor
    from sealbell.watch.main import Eyes

OK, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130
US_PER_S = 1_000_000
MAX_SECONDS = 1_000_000
BOOT_BYTES = 16
HOME = Path("/var/lib/sealbell")


class UsageError(Exception):
    """The command line asks for something that cannot be."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code says how it went."""
    args = _parser().parse_args(argv)
    for level, name in ((logging.INFO, "info"), (logging.WARNING, "warning"), (logging.ERROR, "error")):
        logging.addLevelName(level, name)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s: %(message)s")
    command: Callable[[argparse.Namespace], int] = args.command
    try:
        return command(args)
    except UsageError as error:
        print(f"sealbell: {error}", file=sys.stderr)
        return WRONG_USAGE
    except (HomeError, OutboxError, SettingsError, StageError, WireError, DeviceError) as error:
        print(f"sealbell: {error}", file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        # Whoever read has left; Python would try to flush once more at the end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sealbell",
        description="The doorbell: watches the door, seals what it sees to its owner, sends it to a relay.",
        epilog="exit codes: 0 done, 1 failed, 2 wrong usage. Without any hardware: sealbell demo --once --help",
    )
    parser.add_argument("--version", action="version", version=f"sealbell {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_init(commands)
    _add_watch(commands)
    _add_uplink(commands)
    _add_config(commands)
    _add_doctor(commands)
    _add_demo(commands)
    return parser


def _seconds(text: str) -> float:
    value = float(text)  # argparse says what a ValueError means
    if not 0 <= value <= MAX_SECONDS:
        raise argparse.ArgumentTypeError(f"takes seconds from the beginning, 0 to {MAX_SECONDS}")
    return value


def _add_init(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("init", help="set a doorbell up: draw its keys, pin its owner")
    parser.add_argument("home", type=Path, metavar="DIR", help="the doorbell's folder, made if absent")
    parser.add_argument(
        "--owner", type=Path, required=True, metavar="FILE", help="bundle.json of `sealbell-owner init`"
    )
    parser.add_argument("--json", action="store_true", help="print the doorbell's card as json")
    parser.set_defaults(command=_init)


def _add_watch(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "watch",
        help="watch the door: record, seal, commit to the outbox",
        description="Watches until the pictures end or it is told to stop (SIGTERM), then commits what is open. "
        "With --footage or --synthetic the settings are the defaults, unless --config names a file.",
    )
    parser.add_argument("home", type=Path, metavar="DIR", help="the doorbell's folder")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help=f"settings: default {DEFAULT_PATH}, if there is one"
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--footage", type=Path, metavar="FILE", help="any video file in the place of the camera")
    source.add_argument("--synthetic", metavar="WxH@FPS:BITS", help="drawn pictures, such as 1280x720@30:2000000")
    parser.add_argument("--pace", choices=("fast", "real"), default="real", help="for footage: default %(default)s")
    parser.add_argument("--press", type=_seconds, action="append", default=[], metavar="S", help="press the bell then")
    parser.add_argument("--length", type=_seconds, metavar="S", help="for drawn pictures: end after S seconds")
    parser.add_argument(
        "--walk", type=_seconds, default=0, metavar="S", help="drawn: someone walks for S of every 30 s"
    )
    parser.add_argument("--fragment-ms", type=int, metavar="MS", help="length of a part, 250 to 1000: else as set")
    parser.add_argument("--outbox-bytes", type=int, metavar="N", help="how much may wait for the relay: else as set")
    parser.add_argument("--json", action="store_true", help="print how far it is, a line of json a second of pictures")
    parser.set_defaults(command=_watch)


def _add_uplink(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("uplink", help="send what is in the outbox until the relay has signed for it")
    parser.add_argument("home", type=Path, metavar="DIR", help="the doorbell's folder")
    parser.add_argument("--until-empty", action="store_true", help="end as soon as the relay has signed for everything")
    parser.set_defaults(command=_uplink)


def _add_config(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "config",
        help="print the settings in force",
        description="Prints every setting in force as toml, with a comment at each that is not the default.",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help=f"default {DEFAULT_PATH}, or else all defaults")
    parser.add_argument("--check", action="store_true", help="only say whether the file is in order")
    parser.add_argument("--json", action="store_true", help="print it as json, what is wrong too")
    parser.set_defaults(command=_config)


def _add_doctor(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "doctor",
        help="say what is wrong with this doorbell, and what to do",
        description="Looks at camera, pins, relay, clock, power, card, keys and services, and says of each whether it "
        "is ok. Runs on any machine, and says what it cannot see there.",
        epilog="exit codes: 0 nothing fails (warnings do not count), 1 something does, 2 wrong usage",
    )
    parser.add_argument("home", type=Path, nargs="?", default=HOME, metavar="DIR", help="default %(default)s")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help=f"settings: default {DEFAULT_PATH}, if there is one"
    )
    parser.add_argument("--ring", action="store_true", help="ring the chime and show the lights, for you to judge")
    parser.add_argument("--json", action="store_true", help="print the findings as json")
    parser.set_defaults(command=_doctor)


def _add_demo(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "demo",
        help="the whole way on video files: doorbell, broker, relay, owner, on this machine",
        description="Runs each FILE through a doorbell of its own and real processes, opens what arrived, and shows "
        "what a warrant served on the relay would get.",
        epilog="exit codes: 0 done (also when nothing moved), 1 a clip failed, 2 unreadable footage or wrong usage",
    )
    parser.add_argument("--once", action="store_true", required=True, help="run the files through, report, and end")
    parser.add_argument(
        "--footage", type=Path, nargs="+", action="extend", required=True, metavar="FILE", help="any video files"
    )
    parser.add_argument(
        "--press", type=_seconds, action="append", default=[], metavar="SECONDS", help="press the bell then"
    )
    parser.add_argument("--pace", choices=("fast", "real"), default="fast", help="default %(default)s")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to put it all: absent or empty")
    parser.set_defaults(command=_demo)


def _init(args: argparse.Namespace) -> int:
    card = set_up(args.home, args.owner, secrets.token_bytes)
    if args.json:
        print(describe(card))
    else:
        print(f"doorbell {card.doorbell} is set up in {args.home}")
        print(f"next: bring {args.home / INTRODUCTION} to the owner's tools (`sealbell-owner pin`), which enrol")
        print("      it at the relay; it is secret until then. Then start `sealbell uplink` and `sealbell watch`")
    return OK


def _watch(args: argparse.Namespace) -> int:
    from sealbell.supervisor import Supervisor
    from sealbell.watch.main import compose, open_outbox, timing

    settings, supervisor = _settings(args), Supervisor(Notifier.from_environment())
    home = Home(args.home, _credentials())
    outbox = open_outbox(home, settings)
    eyes, length_us = _eyes(args, settings, supervisor)
    watch = compose(
        home, eyes, timing(settings), outbox, _progress(args, length_us), settings=settings, supervisor=supervisor
    )
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: watch.stop())
    watch.run()
    return OK


def _credentials() -> Path | None:
    given = os.environ.get("CREDENTIALS_DIRECTORY")  # systemd.exec(5)
    return Path(given) if given else None


def _settings(args: argparse.Namespace) -> Settings:
    played = args.footage is not None or args.synthetic is not None
    settings = Settings() if played and args.config is None else settings_in_force(args.config)[1]
    if args.fragment_ms is not None:
        if not 250 <= args.fragment_ms <= 1_000:
            raise UsageError("--fragment-ms takes 250 to 1000")
        settings = replace(settings, recording=replace(settings.recording, fragment_ms=args.fragment_ms))
    if args.outbox_bytes is not None:
        settings = replace(settings, outbox=replace(settings.outbox, max_bytes=args.outbox_bytes))
    return settings


def _eyes(args: argparse.Namespace, settings: Settings, supervisor: "Supervisor") -> "tuple[Eyes, int]":
    from sealbell.watch import eyes
    from sealbell.watch.camera.footage import FootageError

    boot = secrets.token_hex(BOOT_BYTES)
    presses_us = [int(at_s * US_PER_S) for at_s in args.press]
    if args.footage is not None:
        try:
            return eyes.footage(args.footage, settings, boot, real=args.pace == "real", presses_us=presses_us)
        except FootageError as error:
            raise UsageError(str(error)) from None
    if args.synthetic is None:
        return eyes.by_settings(settings, boot, supervisor.spawn), 0
    length_us, walk_us = int((args.length or 0) * US_PER_S), int(args.walk * US_PER_S)
    try:
        drawn = eyes.drawn(args.synthetic, settings, boot, length_us=length_us, walk_us=walk_us, presses_us=presses_us)
    except ValueError as error:
        raise UsageError(f"--synthetic: {error}") from None
    return drawn, length_us


def _progress(args: argparse.Namespace, length_us: int) -> Callable[[int], None]:
    told_s = -1

    def tell(t_us: int) -> None:
        nonlocal told_s
        if args.json and t_us // US_PER_S > told_s:
            told_s = t_us // US_PER_S
            print(json.dumps({"at_s": told_s, "of_s": length_us // US_PER_S}), flush=True)

    return tell


def _uplink(args: argparse.Namespace) -> int:
    from sealbell.clock import SystemClock
    from sealbell.uplink.main import compose

    stopped = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stopped.set())
    uplink = compose(Home(args.home, _credentials()), SystemClock(secrets.token_hex(BOOT_BYTES)))
    uplink.run(stopped, Notifier.from_environment(), until_empty=args.until_empty)
    return OK


def _config(args: argparse.Namespace) -> int:
    from sealbell.config.command import show_config

    return show_config(args.config, print, as_json=args.json, check=args.check)


def _doctor(args: argparse.Namespace) -> int:
    from sealbell.doctor.main import examine_this_machine

    settings = settings_in_force(args.config)[1]
    return OK if examine_this_machine(args.home, settings, ring=args.ring, json=args.json) else FAILED


def _demo(args: argparse.Namespace) -> int:
    from sealbell.demo.main import DemoUsageError, run

    try:
        return run(args.footage, args.press, args.pace, args.out)
    except DemoUsageError as error:
        raise UsageError(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
