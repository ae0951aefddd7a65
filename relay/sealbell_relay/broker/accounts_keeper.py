"""Keeps a broker's list of users as the store has it: whoever was enrolled is let in, whoever has ended is cut off.

Other relays and the command line write to the same store, so it is looked at again and again; whoever enrols or revokes
here asks for a look at once. One look lists names only, and may take a twentieth of the time: with many doorbells, or a
slow store, looks come further apart. Whatever has changed by then is one new list.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

from sealbell_relay.broker.accounts import Account, Accounts
from sealbell_relay.broker.credentials import Credentials
from sealbell_relay.errors import BrokerError, DamagedError, StoreError
from sealbell_relay.log import Log
from sealbell_relay.store.store import Store
from sealbell_relay.tenants.endings import Endings

INTERVAL_S = 0.5
IDLE_SHARE = 20  # of a look's duration, between two looks


class Roll:
    """Who is to be let in, by the store. For one thread at a time; methods may raise StoreError."""

    def __init__(self, store: Store, on_damage: Callable[[DamagedError], None]) -> None:
        self._credentials = Credentials(store)
        self._endings = Endings(store)
        self._on_damage = on_damage
        self._known: dict[str, Account] = {}
        self._damaged: set[str] = set()

    def call(self) -> dict[str, Account]:
        """Return everyone's account by name. Only what is new is read: a credential never changes."""
        names = set(self._credentials.names()) - set(self._endings.names("doorbell"))
        self._damaged &= names
        known = {name: account for name, account in self._known.items() if name in names}
        for name in sorted(names - known.keys() - self._damaged):
            try:
                if account := self._credentials.account(name):
                    known[name] = account
            except DamagedError as damage:
                self._damaged.add(name)
                self._on_damage(damage)
        self._known = known
        return known


class AccountsKeeper:
    """The loop. `look` is for the event loop's thread; store and broker are spoken with in `executor`."""

    def __init__(
        self,
        store: Store,
        accounts: Accounts,
        executor: Executor,
        log: Log,
        monotonic: Callable[[], float],
        interval_s: float = INTERVAL_S,
    ) -> None:
        self._roll = Roll(store, lambda damage: log.error("credential-damaged", says=damage, then="not let in"))
        self._accounts = accounts
        self._executor = executor
        self._log = log
        self._monotonic = monotonic
        self._interval_s = interval_s
        self._given: dict[str, Account] | None = None
        self._wanted = asyncio.Event()
        self._next: asyncio.Future[None] | None = None
        self._failure = ""
        self._look_s = 0.0

    async def prepare(self) -> None:
        """Have the list ready before the broker starts; BrokerError if it cannot be written.

        A store that fails is no reason not to start. `run` begins with the whole list, in case the broker ran already.
        """
        await asyncio.get_running_loop().run_in_executor(self._executor, self._prepare)

    async def run(self) -> None:
        """Look, act and wait; returns only by cancellation."""
        loop = asyncio.get_running_loop()
        while True:
            asked, self._next = self._next, None
            self._wanted.clear()
            await loop.run_in_executor(self._executor, self._act)
            if asked is not None and not asked.done():
                asked.set_result(None)
            pause_s = max(self._interval_s, IDLE_SHARE * self._look_s)
            try:
                async with asyncio.timeout(pause_s):
                    await self._wanted.wait()
            except TimeoutError:
                pass

    async def look(self) -> None:
        """Return once a look that began after this call is over: what was put in the store before it is in force.

        Unless store or broker failed, which was logged; then the loop tries again by itself.
        """
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        self._wanted.set()
        await asyncio.shield(self._next)

    def _prepare(self) -> None:
        try:
            self._accounts.prepare(self._roll.call().values())
        except StoreError as error:
            self._log.error("accounts-not-read", says=error, then="trying again")
            self._accounts.prepare(())

    def _act(self) -> None:
        try:
            began_s = self._monotonic()
            wanted = self._roll.call()
            self._look_s = self._monotonic() - began_s  # of the store alone: a broker that is slow is no reason to rest
            if wanted != self._given:
                self._apply(wanted, self._given or {}, whole=self._given is None)
                self._given = wanted
        except (StoreError, BrokerError) as error:
            if str(error) != self._failure:
                self._log.error("accounts-not-in-line", says=error, then="trying again")
            self._failure = str(error)
            return
        if self._failure:
            self._log.info("accounts-in-line", users=len(wanted))
        self._failure = ""

    def _apply(self, wanted: dict[str, Account], given: dict[str, Account], *, whole: bool) -> None:
        new, gone = wanted.keys() - given.keys(), given.keys() - wanted.keys()
        if whole or len(new) + len(gone) != 1:
            self._accounts.replace(wanted.values())
        elif new:
            self._accounts.add(wanted[min(new)])
        else:
            self._accounts.revoke(min(gone))
        self._log.info("accounts", users=len(wanted), new=len(new), gone=len(gone))
