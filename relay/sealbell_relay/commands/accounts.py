"""`sealbell-relay accounts`: keep the list of users of a broker that no relay starts."""

import argparse
import asyncio
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from sealbell_relay.broker import accounts_mosquitto, accounts_nats, orphan
from sealbell_relay.broker.accounts import relay_account
from sealbell_relay.broker.accounts_files import FileAccounts, Files
from sealbell_relay.broker.accounts_keeper import AccountsKeeper
from sealbell_relay.broker.address import Address
from sealbell_relay.broker.credentials import hashes
from sealbell_relay.broker.door import MqttDoor
from sealbell_relay.commands import options as asked
from sealbell_relay.errors import BrokerError
from sealbell_relay.folder import Folder
from sealbell_relay.log import Log
from sealbell_relay.store.store import Store
from sealbell_relay.tls.side import broker_trust

DESCRIPTION = """\
Run this beside each broker of your own, on its machine, as the broker's user. It writes whom the broker lets in, and to
which topics, and makes the broker read that again whenever a doorbell was enrolled or has ended, at whichever relay.
The broker cannot start before there is a list: start this first.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to `parser`."""
    parser.description = DESCRIPTION
    asked.add_folder(parser)
    asked.add_store(parser)
    kind = parser.add_mutually_exclusive_group(required=True)
    text = "the broker is nats-server, whose configuration says: include FILE"
    kind.add_argument("--nats", metavar="FILE", type=Path, help=text)
    text = "the broker is Mosquitto, with password_file FOLDER/passwords and acl_file FOLDER/topics"
    kind.add_argument("--mosquitto", metavar="FOLDER", type=Path, help=text)
    parser.add_argument("--pid", metavar="FILE", type=Path, required=True, help="the broker's pid_file")
    text = "where the broker listens on this machine: it is asked whether it goes by a new list"
    parser.add_argument("--broker", metavar="mqtt://HOST:PORT", type=asked.broker, required=True, help=text)
    parser.add_argument("--broker-ca", metavar="FILE", type=Path, help="its CA at mqtts://, PEM")


def run(options: argparse.Namespace) -> int:
    """Keep the list until stopped."""
    folder = Folder(options.dir)
    folder.key()
    credential = folder.credential(secrets.token_bytes)
    accounts = FileAccounts(
        _files(options),
        partial(reload, options.pid, "nats-server" if options.nats else "mosquitto"),
        MqttDoor(lambda: options.broker, broker_trust(options.broker_ca)),
        [relay_account(*hashes(credential.encode("ascii")))],
        time.monotonic,
    )
    asyncio.run(_keep(asked.store(options, folder), accounts, options.broker, Log(sys.stderr, time.monotonic)))
    return 0


def reload(pid_file: Path, program: str) -> None:
    """Make the broker read its list again; one that does not run reads it when it starts. Raises BrokerError.

    A pid file may outlive its broker, and the number be another process' by now, which SIGHUP would end.
    """
    pid = orphan.read_pid(pid_file)
    if pid is None or program not in orphan.command_line(pid):
        return
    try:
        os.kill(pid, signal.SIGHUP)
    except ProcessLookupError:
        pass
    except PermissionError as failure:
        raise BrokerError(
            f"process {pid}, the broker of {pid_file}, cannot be told of its new list",
            hint="run this as the broker's user",
        ) from failure


def _files(options: argparse.Namespace) -> Files:
    of: Callable[..., list[tuple[Path, bytes]]] = accounts_nats.files if options.nats else accounts_mosquitto.files
    return partial(of, options.nats or options.mosquitto)


async def _keep(store: Store, accounts: FileAccounts, broker: Address, log: Log) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with ThreadPoolExecutor(1, "accounts") as thread:
        keeper = AccountsKeeper(store, accounts, thread, log, time.monotonic)
        await keeper.prepare()  # a broker that starts now finds it; one that runs already is told by `run`
        print(f"keeping the list of users of {broker.url}", flush=True)
        keeping = asyncio.create_task(keeper.run())
        await stop.wait()
        keeping.cancel()
