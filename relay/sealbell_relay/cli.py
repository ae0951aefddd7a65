"""sealbell-relay: the command line of the relay. Exit code 0 when done, 1 when it failed, 2 for wrong usage."""

import argparse
import asyncio
import dataclasses
import ipaddress
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from sealbell_relay.address import MAX_PORT, Address, parse_address
from sealbell_relay.allow import Register
from sealbell_relay.disclose import disclose
from sealbell_relay.errors import RelayError
from sealbell_relay.folder import SEED_BYTES, Folder
from sealbell_relay.fsck import Finding, Fsck
from sealbell_relay.knows import as_json, as_text
from sealbell_relay.log import Log, escape
from sealbell_relay.progress import Progress
from sealbell_relay.status import ask
from sealbell_relay.store import DirectoryStore
from sealbell_wire.enrolment import MAX_FILE_BYTES, DoorbellCard, OwnerCard, RelayCard, parse_card
from sealbell_wire.errors import FormatError, WireError
from sealbell_wire.ids import check_id

DESCRIPTION = """\
Keeps what sealed doorbells send and hands it to their owners. It holds nothing that could open a clip.

  sealbell-relay serve DIR            start; makes DIR the first time, writes DIR/relay.json once ready
  sealbell-relay allow DIR CARD       let a doorbell or an owner in, by the card that `sealbell init` or
                                      `sealbell-owner init` wrote; also while the relay serves
  sealbell-relay status DIR           whether it serves, and what it took and refused since it started
  sealbell-relay knows DIR            everything that it could tell about its doorbells' clips
  sealbell-relay fsck DIR             whether everything in DIR is as it was taken, and what to do if not
  sealbell-relay disclose DIR DOORBELL OUT
                                      write what a legal demand for one doorbell gets into the new folder OUT
"""


FSCK = """\
Check every object in a relay's folder: that its name, length, record, hashes and signatures fit, that its receipt is
this relay's, and that the parts of a clip join. Also cards, tokens and health, who may read the files, what an
interrupted write left, and what does not belong. Nothing is changed and nothing deleted. A relay may serve meanwhile; a
copy of its folder (a backup) is checked in the same way. Exit code 0 if all is in order, 1 if something is wrong.
"""
DISCLOSE = """\
Write exactly what a legal demand for one doorbell gets into OUT, a folder that is empty or not there: its parts and
receipts as they are stored, its card and its owner's, its health, an index of what the relay can read of them,
SHA256SUMS, and STATEMENT.txt, which says what it is, what cannot be given and why, and how anybody checks that. Nothing
of other doorbells and owners is in it, and no picture: nothing here could open one. OUT is as large as what is stored.
"""


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


def _init(options: argparse.Namespace) -> int:
    folder = Folder(options.dir)
    folder.make(os.urandom(SEED_BYTES))
    DirectoryStore(folder.store).make()
    print(f"made {folder.root}; start it with: sealbell-relay serve {options.dir}")
    return 0


def _serve(options: argparse.Namespace) -> int:
    from sealbell_relay.main import Settings, serve  # noqa: PLC0415 - aiohttp would slow every other command

    folder = Folder(options.dir)
    if not folder.is_relay:
        folder.make(os.urandom(SEED_BYTES))
    log = Log(sys.stderr, time.monotonic)
    store = DirectoryStore(folder.store)
    settings = Settings(options.host, options.mqtt_port, options.http_port, options.broker)

    def on_ready(card: RelayCard) -> None:
        line = (
            card.encode().decode().strip()
            if options.json
            else (
                f"serving doorbells at {card.mqtt} and owners at {card.http}; the card for owners is {folder.card_file}"
            )
        )
        print(line, flush=True)

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await serve(folder, store, settings, log, stop, on_ready)

    with folder.lock():
        store.make()
        store.sweep()
        try:
            asyncio.run(run())
        except RelayError:
            raise
        except Exception as error:  # a bug; its text may be a peer's, so only its place is shown as it is
            log.error("relay-ended", error=f"{type(error).__name__}: {error}")
            traceback.print_tb(error.__traceback__)
            return 1
    return 0


def _allow(options: argparse.Namespace) -> int:
    folder = Folder(options.dir)
    folder.key()
    try:
        with options.card.open("rb") as file:
            card = parse_card(file.read(MAX_FILE_BYTES + 1))
    except OSError as failure:
        raise RelayError(f"{options.card} cannot be read: {(failure.strerror or 'failed').lower()}") from failure
    except WireError as error:
        raise RelayError(f"{options.card} is not a card: {error}") from error
    if not isinstance(card, DoorbellCard | OwnerCard):
        raise RelayError(
            f"{options.card} introduces neither a doorbell nor an owner",
            hint="give the card.json that `sealbell init` or `sealbell-owner init` wrote",
        )
    store = DirectoryStore(folder.store)
    store.make()
    made = Register(store).allow(card)
    name = f"doorbell {card.doorbell}" if isinstance(card, DoorbellCard) else f"owner {card.key}"
    print(f"{'allowed' if made else 'had already allowed'} {name}")
    return 0


def _status(options: argparse.Namespace) -> int:
    folder = Folder(options.dir)
    folder.key()
    report = ask(folder.card())
    if options.json:
        print(json.dumps(report, sort_keys=True))
    else:
        for key, value in report.items():
            print(f"{key.replace('_', ' ')}: {escape(value) if isinstance(value, str) else value}")
    return 0 if report.get("healthy") is True else 1


def _knows(options: argparse.Namespace) -> int:
    folder = Folder(options.dir)
    folder.key()
    for line in as_json(folder) if options.json else as_text(folder):
        print(line)
    return 0


def _fsck(options: argparse.Namespace) -> int:
    progress = Progress(sys.stderr, time.monotonic)

    def found(finding: Finding) -> None:
        progress.clear()
        if options.json:
            print(json.dumps(dataclasses.asdict(finding)))
        else:
            print(f"{escape(finding.path)}: {finding.what}\n  hint: {finding.advice}")

    fsck = Fsck(Folder(options.dir), time.time(), found, progress.show)
    in_order = fsck.run()
    progress.clear()
    if options.json:
        print(json.dumps({"in_order": in_order, "objects": fsck.objects, "bytes": fsck.bytes, "wrong": fsck.wrong}))
    else:
        verdict = "all in order" if in_order else f"{fsck.wrong} wrong; nothing was changed"
        print(f"checked {fsck.objects} objects, {fsck.bytes} bytes: {verdict}")
    return 0 if in_order else 1


def _disclose(options: argparse.Namespace) -> int:
    program = f"sealbell-relay {version('sealbell')}"
    given = disclose(Folder(options.dir), options.doorbell, options.out, time.time(), program)
    print(
        f"wrote {options.out}: {given.clips} clips, {given.parts} parts, {given.dropped} dropped, {given.healths} "
        f"health messages; read {options.out / 'STATEMENT.txt'} before you hand it on"
    )
    if given.damaged:
        print(f"damaged and given as they are: {given.damaged}; see sealbell-relay fsck", file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sealbell-relay", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"sealbell-relay {version('sealbell')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: object, summary: str, more: str | None = None) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=summary, description=more or summary)
        sub.set_defaults(run=run)
        sub.add_argument("dir", metavar="DIR", type=Path, help="the relay's folder")
        return sub

    command("init", _init, "make a relay's folder and the key that signs its receipts")
    serve = command("serve", _serve, "take parts from doorbells and serve owners until SIGTERM or Ctrl-C")
    serve.add_argument(
        "--host", type=_host, default="127.0.0.1", help="the address to listen on (default: %(default)s)"
    )
    for protocol, whom in (("mqtt", "doorbells"), ("http", "owners")):
        text = f"for {whom}; 0 (default) is the port of last time, else any that is free"
        serve.add_argument(f"--{protocol}-port", metavar="N", type=_port, default=0, help=text)
    serve.add_argument("--broker", type=_broker, metavar="mqtt://HOST:PORT", help="use this MQTT broker and start none")
    serve.add_argument("--json", action="store_true", help="print the relay's card once ready, as one line")
    allow = command("allow", _allow, "let a doorbell or an owner in")
    allow.add_argument("card", metavar="CARD", type=Path, help="its card.json")
    status = command("status", _status, "say whether the relay serves, and what it took and refused")
    status.add_argument("--json", action="store_true", help="print one JSON object")
    knows = command("knows", _knows, "print everything that the relay could tell about its doorbells' clips")
    knows.add_argument("--json", action="store_true", help="print one JSON object, with every record in full")
    fsck = command("fsck", _fsck, "check every object in the folder, and say what is wrong and what to do", FSCK)
    fsck.add_argument("--json", action="store_true", help="print a JSON object a line: what is wrong, and the sum last")
    give = command("disclose", _disclose, "write what a legal demand for one doorbell gets", DISCLOSE)
    give.add_argument("doorbell", metavar="DOORBELL", type=_doorbell, help="its id, 32 digits; `knows` lists them")
    give.add_argument("out", metavar="OUT", type=Path, help="a folder that is empty or not there")
    return parser


def _doorbell(text: str) -> str:
    try:
        return check_id(text, "doorbell")
    except FormatError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _port(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) > MAX_PORT:
        raise argparse.ArgumentTypeError(f"not a port from 0 to {MAX_PORT}")
    return int(text)


def _broker(text: str) -> Address:
    try:
        return parse_address(text)
    except RelayError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _host(text: str) -> str:
    try:
        unspecified = ipaddress.ip_address(text).is_unspecified
    except ValueError:
        unspecified = not text
    if unspecified:
        raise argparse.ArgumentTypeError("give the address by which doorbells reach this machine: it is on their card")
    return text


if __name__ == "__main__":
    sys.exit(main())
