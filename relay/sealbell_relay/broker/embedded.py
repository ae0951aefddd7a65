"""The broker that a relay starts for itself, and the list that it goes by."""

import random
import ssl
import time
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

from sealbell_relay.broker import accounts_nats
from sealbell_relay.broker.accounts import relay_account
from sealbell_relay.broker.accounts_files import FileAccounts
from sealbell_relay.broker.accounts_keeper import AccountsKeeper
from sealbell_relay.broker.address import Address
from sealbell_relay.broker.broker import Broker, find_executable
from sealbell_relay.broker.credentials import hashes
from sealbell_relay.broker.door import MqttDoor
from sealbell_relay.log import Log
from sealbell_relay.state import State
from sealbell_relay.store.store import Store


class Embedded:
    """A Broker in `folder`, which lets in whoever has a credential in `store`, and the relay by its own."""

    def __init__(
        self,
        folder: Path,
        host: str,
        credential: str,
        store: Store,
        certificate: Path | None,
        tls: ssl.SSLContext | None,
        state: State,
        log: Log,
    ) -> None:
        """`certificate` is what the broker shows, `tls` what checks it."""
        self.broker = broker = Broker(find_executable(), folder, host, state, log, random.random, certificate)
        door = MqttDoor(lambda: broker.address, tls)
        relay = relay_account(*hashes(credential.encode("ascii")))
        files = partial(accounts_nats.files, broker.users)
        self._accounts = accounts = FileAccounts(files, broker.reload, door, [relay], time.monotonic)
        self._thread = ThreadPoolExecutor(1, "accounts")
        self.keeper = AccountsKeeper(store, accounts, self._thread, log, time.monotonic)

    async def start(self, stack: AsyncExitStack, start: Callable[[Broker], Awaitable[Address]]) -> Address:
        """Have the list ready, then start the broker by `start`, until `stack` closes. Raises BrokerError."""
        stack.callback(self._thread.shutdown)
        stack.push_async_callback(self.broker.stop)
        stack.callback(self._accounts.close)
        await self.keeper.prepare()
        return await start(self.broker)

    def work(self, address: Address) -> list[Callable[[], Coroutine[Any, Any, None]]]:
        """Return what has to run once the broker has started at `address`."""
        return [partial(self.broker.keep_running, address), self.keeper.run]
