"""The list of users is what the store says, soon after whoever wrote there, and at once for who asks."""

import asyncio
import io
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sealbell_relay.broker.accounts import Account
from sealbell_relay.broker.accounts_keeper import AccountsKeeper, Roll
from sealbell_relay.broker.credentials import CREDENTIALS, Credentials
from sealbell_relay.errors import BrokerError
from sealbell_relay.log import Log
from sealbell_relay.store.store import DirectoryStore
from sealbell_relay.tenants.endings import Endings
from sealbell_testing.waiting import DEADLINE_S

A, B, C = "0a" * 16, "0b" * 16, "0c" * 16
HOUR_S = 3_600.0


class Listed:
    """An Accounts in memory, which can be away."""

    def __init__(self) -> None:
        self.users: set[str] = set()
        self.done: list[str] = []
        self.away = False

    def prepare(self, accounts: Iterable[Account]) -> None:
        self.users = {account.user for account in accounts}
        self.done.append("prepare")

    def replace(self, accounts: Iterable[Account]) -> None:
        self._check()
        self.users = {account.user for account in accounts}
        self.done.append("replace")

    def add(self, account: Account) -> None:
        self._check()
        self.users.add(account.user)
        self.done.append("add")

    def revoke(self, user: str) -> None:
        self._check()
        self.users.discard(user)
        self.done.append("revoke")

    def _check(self) -> None:
        if self.away:
            raise BrokerError("the broker is away")


class Desk:
    """A keeper at a store, and what it has logged. It looks once an hour, and when it is asked."""

    def __init__(self, folder: Path, interval_s: float = HOUR_S) -> None:
        self.store, self.accounts, self.said = DirectoryStore(folder / "store"), Listed(), io.StringIO()
        self.store.make()
        self.credentials, self.endings = Credentials(self.store), Endings(self.store)
        self._interval_s = interval_s
        self.monotonic: Callable[[], float] = lambda: 0.0

    def run(self, scenario: Callable[[AccountsKeeper], Awaitable[None]]) -> None:
        async def within() -> None:
            with ThreadPoolExecutor(1) as thread:
                log = Log(self.said, lambda: 0.0)
                keeper = AccountsKeeper(self.store, self.accounts, thread, log, self.monotonic, self._interval_s)
                await keeper.prepare()
                task = asyncio.create_task(keeper.run())
                async with asyncio.timeout(DEADLINE_S):
                    await scenario(keeper)
                task.cancel()

        asyncio.run(within())


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_list_is_ready_before_the_broker_is(desk: Desk) -> None:
    desk.credentials.enrol(A, "a1" * 32)

    async def scenario(_: AccountsKeeper) -> None:
        assert desk.accounts.users == {A}
        assert desk.accounts.done[0] == "prepare"

    desk.run(scenario)


def test_who_enrols_or_ends_is_in_force_once_look_returns(desk: Desk) -> None:
    async def scenario(keeper: AccountsKeeper) -> None:
        await keeper.look()
        desk.credentials.enrol(A, "a1" * 32)
        await keeper.look()
        assert desk.accounts.users == {A}
        desk.credentials.enrol(B, "b1" * 32)
        desk.credentials.enrol(C, "c1" * 32)
        await keeper.look()
        assert desk.accounts.users == {A, B, C}
        desk.endings.end("doorbell", B, b"proof")
        await keeper.look()
        assert desk.accounts.users == {A, C}
        await keeper.look()

    desk.run(scenario)
    assert desk.accounts.done == ["prepare", "replace", "add", "replace", "revoke"], "and nothing when nothing changed"


def test_many_who_ask_at_once_are_answered_by_looks_that_began_after_they_asked(desk: Desk) -> None:
    async def enrol(keeper: AccountsKeeper, number: int) -> None:
        doorbell = f"{number:032x}"
        desk.credentials.enrol(doorbell, f"{number:064x}")
        await keeper.look()
        assert doorbell in desk.accounts.users

    async def scenario(keeper: AccountsKeeper) -> None:
        await asyncio.gather(*(enrol(keeper, number) for number in range(1, 30)))

    desk.run(scenario)
    assert len(desk.accounts.done) < 10, "and by few of them"


def test_what_others_wrote_is_found_without_being_asked(tmp_path: Path) -> None:
    desk = Desk(tmp_path, interval_s=0.01)

    async def scenario(_: AccountsKeeper) -> None:
        desk.credentials.enrol(A, "a1" * 32)
        while desk.accounts.users != {A}:
            await asyncio.sleep(0)
        desk.endings.end("doorbell", A, b"proof")
        while desk.accounts.users:
            await asyncio.sleep(0)

    desk.run(scenario)


def test_ended_doorbell_stays_out_even_with_a_credential(desk: Desk) -> None:
    desk.endings.end("doorbell", A, b"proof")
    desk.credentials.enrol(A, "a1" * 32)

    async def scenario(keeper: AccountsKeeper) -> None:
        await keeper.look()
        assert desk.accounts.users == set()

    desk.run(scenario)


def test_broker_that_is_away_is_told_later_and_said_once(desk: Desk) -> None:
    async def scenario(keeper: AccountsKeeper) -> None:
        await keeper.look()
        desk.accounts.away = True
        desk.credentials.enrol(A, "a1" * 32)
        await keeper.look()
        await keeper.look()
        assert desk.accounts.users == set()
        desk.accounts.away = False
        await keeper.look()
        assert desk.accounts.users == {A}

    desk.run(scenario)
    assert desk.said.getvalue().count("accounts-not-in-line") == 1
    assert desk.said.getvalue().count("accounts-in-line") == 1


def test_damaged_credential_keeps_only_its_own_doorbell_out(desk: Desk) -> None:
    desk.credentials.enrol(A, "a1" * 32)
    desk.store.put(f"{CREDENTIALS}/{B}", b"rubbish")

    async def scenario(keeper: AccountsKeeper) -> None:
        await keeper.look()
        await keeper.look()
        assert desk.accounts.users == {A}

    desk.run(scenario)
    assert desk.said.getvalue().count("credential-damaged") == 1


def test_store_that_fails_lets_a_broker_start_with_nobody_and_is_asked_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path, interval_s=0.01)
    desk.credentials.enrol(A, "a1" * 32)
    folder = tmp_path / "store" / CREDENTIALS
    folder.rename(tmp_path / "gone")
    folder.symlink_to(folder)  # so that it cannot be listed

    async def scenario(_: AccountsKeeper) -> None:
        assert desk.accounts.done == ["prepare"]
        assert desk.accounts.users == set()
        folder.unlink()
        (tmp_path / "gone").rename(folder)
        while desk.accounts.users != {A}:
            await asyncio.sleep(0)

    desk.run(scenario)
    assert "accounts-not-read" in desk.said.getvalue()


def test_credential_that_is_known_is_not_read_again(desk: Desk) -> None:
    desk.credentials.enrol(A, "a1" * 32)
    roll = Roll(desk.store, lambda _: None)
    first = roll.call()
    (entry,) = desk.store.list(CREDENTIALS).objects
    desk.store.remove(f"{CREDENTIALS}/{entry.name}")
    desk.store.put(f"{CREDENTIALS}/{entry.name}", b"rubbish")
    assert roll.call() == first


def test_broker_that_was_slow_once_does_not_keep_the_next_one_waiting(tmp_path: Path) -> None:
    desk, now_s = Desk(tmp_path, interval_s=0.01), 0.0

    class Slow(Listed):
        def replace(self, accounts: Iterable[Account]) -> None:
            nonlocal now_s
            now_s += 10.0  # it was just starting, say
            super().replace(accounts)

    desk.accounts, desk.monotonic = Slow(), lambda: now_s

    async def scenario(_: AccountsKeeper) -> None:
        while "replace" not in desk.accounts.done:
            await asyncio.sleep(0)
        desk.credentials.enrol(A, "a1" * 32)
        while A not in desk.accounts.users:
            await asyncio.sleep(0.01)

    desk.run(scenario)
