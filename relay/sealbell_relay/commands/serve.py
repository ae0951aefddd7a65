"""`sealbell-relay serve`: take parts from doorbells and serve owners."""

import argparse
import asyncio
import os
import signal
import sys
import time
import traceback
from pathlib import Path

from sealbell_relay.commands import options as asked
from sealbell_relay.errors import RelayError
from sealbell_relay.folder import SEED_BYTES, Folder
from sealbell_relay.keep.holds import Holds, notice_copy
from sealbell_relay.keep.quota import Limits
from sealbell_relay.log import FORMS, LEVELS, Log
from sealbell_relay.notify import Notifier
from sealbell_relay.store.store import DirectoryStore, Store
from sealbell_wire.enrolment import RelayCard


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to `parser`."""
    asked.add_folder(parser)
    asked.add_store(parser)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    asked.add_tls(parser)
    for protocol, whom in (("mqtt", "doorbells"), ("http", "owners")):
        text = f"for {whom}; 0 (default) is the port of last time, else any that is free"
        parser.add_argument(f"--{protocol}-port", metavar="N", type=asked.port, default=0, help=text)
    text = "use this MQTT broker and start none; again, or after a comma, for further nodes of a cluster"
    parser.add_argument("--broker", type=asked.brokers, metavar="mqtt://HOST:PORT", action="extend", help=text)
    text = "let web pages of this origin ask, for example https://app.example.org; repeat it for more"
    parser.add_argument("--app-origin", metavar="ORIGIN", type=asked.origin, action="append", default=[], help=text)
    text = "believe X-Forwarded-For of a proxy at this address; repeat it for more"
    parser.add_argument(
        "--trusted-proxy", metavar="ADDRESS", type=asked.address, action="append", default=[], help=text
    )
    text = "for this machine's programs: /metrics and /readyz; 0 (default) is any that is free, see DIR/admin"
    parser.add_argument("--admin-port", metavar="N", type=asked.port, default=0, help=text)
    text = "how lines of the log look (default: %(default)s)"
    parser.add_argument("--log", choices=FORMS, default="text", help=text)
    text = "leave out lines below this (default: %(default)s)"
    parser.add_argument("--log-level", choices=LEVELS, default="info", help=text)
    text = "the most that the clips of one owner may take; beyond it the oldest of that owner go"
    parser.add_argument("--max-bytes-per-owner", metavar="N", type=asked.count, help=text)
    text = "the most clips of one owner; likewise"
    parser.add_argument("--max-clips-per-owner", metavar="N", type=asked.count, help=text)
    text = "join the parts of complete clips into objects of 1 to 4 MiB (default: in a bucket, not in a folder)"
    parser.add_argument("--packs", action=argparse.BooleanOptionalAction, default=None, help=text)
    text = "a file on another disk: before anything is receipted as deleted, that is written there too"
    parser.add_argument("--ledger", metavar="FILE", type=Path, help=text)
    asked.add_json(parser, "print the relay's card once ready, as one line")


def run(options: argparse.Namespace) -> int:
    """Serve until stopped."""
    from sealbell_relay.http.front import FrontSettings  # noqa: PLC0415 - for the same reason as:
    from sealbell_relay.main import Settings, serve  # noqa: PLC0415 - aiohttp would slow every other command
    from sealbell_relay.tls.side import TlsSettings  # noqa: PLC0415 - and so would what reads certificates

    folder = Folder(options.dir)
    if not folder.is_relay:
        folder.make(os.urandom(SEED_BYTES))
    log = Log(sys.stderr, time.monotonic, form=options.log, level=options.log_level, wall_ms=_wall_ms)
    front = FrontSettings(tuple(options.app_origin), tuple(options.trusted_proxy), options.admin_port)
    public = options.public_mqtt or "", options.public_http or ""
    tls = TlsSettings(options.speak_tls, options.name, options.broker_ca, *public)
    brokers, limits = tuple(options.broker or ()), Limits(options.max_bytes_per_owner, options.max_clips_per_owner)
    settings = Settings(
        options.host, options.mqtt_port, options.http_port, brokers, front, tls,
        limits=limits, ledger=options.ledger, packs=_packs(options),
    )  # fmt: skip

    notifier = Notifier.from_environment()

    def on_ready(card: RelayCard) -> None:
        line = (
            card.encode().decode().strip()
            if options.json
            else (
                f"serving doorbells at {card.mqtt} and owners at {card.http}; the card for owners is {folder.card_file}"
            )
        )
        print(line, flush=True)
        notifier.ready()

    async def run(store: Store) -> None:
        stop = asyncio.Event()

        def end() -> None:
            notifier.stopping()
            stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, end)
        watchdog = asyncio.create_task(notifier.keep_alive())
        try:
            await serve(folder, store, settings, log, stop, on_ready)
        finally:
            watchdog.cancel()

    with folder.lock():
        store = asked.store(options, folder)
        if options.store is None:
            if notice_copy(folder, store, Holds(store, time.monotonic)):
                log.warn("copied", says="this folder is not the one that served last, but a copy of it")
            DirectoryStore(folder.store).sweep()  # of a store that is shared, others may be writing the files
        try:
            asyncio.run(run(store))
        except RelayError:
            raise
        except Exception as error:  # a bug; its text may be a peer's, so only its place is shown as it is
            log.error("relay-ended", error=f"{type(error).__name__}: {error}")
            traceback.print_tb(error.__traceback__)
            return 1
    return 0


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


def _packs(options: argparse.Namespace) -> bool:
    if options.packs is not None:
        return bool(options.packs)
    return options.store is not None and options.store.startswith("s3:")
