"""A broker's list of users as files that it reads again at a signal; nats-server and Mosquitto both have one.

Neither says when it has read them. So each list holds one user more, who may do nothing and whose password is drawn
anew for that list: once the broker lets this one in, it goes by the list, and has cut off whoever is not on it.
"""

import contextlib
import os
import secrets
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from sealbell_relay.broker.accounts import Account
from sealbell_relay.broker.credentials import hashes
from sealbell_relay.errors import BrokerError

CANARY = "sealbell-list"
SECRET_BYTES = 32
WAIT_S = 20.0
RELOAD_S = 5.0
FIRST_LOOK_S, LONGEST_LOOK_S = 0.002, 0.25

Files = Callable[[Iterable[Account]], list[tuple[Path, bytes]]]


class Door(Protocol):
    """Where a broker lets users in."""

    def admits(self, user: str, password: str) -> bool | None:
        """Whether it lets this user in now; None if it does not answer."""
        ...


class FileAccounts:
    """An Accounts in files. Safe from many threads; the list in force is that of the last call that returned."""

    def __init__(
        self,
        files: Files,
        reload: Callable[[], None],
        door: Door,
        standing: Iterable[Account],
        monotonic: Callable[[], float],
    ) -> None:
        """`files` says what to write, `reload` makes the broker read it or raises BrokerError.

        `standing` are on every list, whatever is replaced or revoked: the relay itself.
        """
        self._files = files
        self._reload = reload
        self._door = door
        self._standing = {account.user: account for account in standing}
        self._monotonic = monotonic
        self._accounts: dict[str, Account] = {}
        self._password = ""  # of the list that was written last; empty if none was written whole
        self._lock = threading.Lock()
        self._closed = threading.Event()

    def close(self) -> None:
        """Wait no longer for the broker: it is about to be stopped. Whoever waits gets BrokerError."""
        self._closed.set()

    def prepare(self, accounts: Iterable[Account]) -> None:
        """See Accounts."""
        with self._lock:
            self._write({account.user: account for account in accounts})

    def replace(self, accounts: Iterable[Account]) -> None:
        """See Accounts."""
        with self._lock:
            self._apply({account.user: account for account in accounts})

    def add(self, account: Account) -> None:
        """See Accounts."""
        with self._lock:
            self._apply({**self._accounts, account.user: account})

    def revoke(self, user: str) -> None:
        """See Accounts."""
        with self._lock:
            if user in self._accounts:
                self._apply({name: account for name, account in self._accounts.items() if name != user})

    def _apply(self, accounts: dict[str, Account]) -> None:
        if not self._password or accounts != self._accounts:
            self._write(accounts)
        now_s = self._monotonic()
        until_s, again_s, look_s = now_s + WAIT_S, now_s, FIRST_LOOK_S
        while not (answer := self._door.admits(CANARY, self._password)):
            now_s = self._monotonic()
            # Not before it answers: while it starts it reads the list by itself, and the signal may be its end.
            if answer is False and now_s >= again_s:
                self._reload()
                again_s = now_s + RELOAD_S
            if now_s >= until_s:
                raise BrokerError(
                    f"the broker did not take its new list of users within {WAIT_S:.0f} s",
                    hint="its own log says why; until it does, nobody new is let in and nobody revoked is cut off",
                )
            if self._closed.wait(look_s):
                raise BrokerError("the relay stopped before its broker took the new list of users")
            look_s = min(2 * look_s, LONGEST_LOOK_S)

    def _write(self, accounts: dict[str, Account]) -> None:
        self._accounts, self._password = accounts, ""
        password = secrets.token_hex(SECRET_BYTES)
        canary = Account(CANARY, *hashes(password.encode("ascii")), (), ())
        listed = {**self._accounts, **self._standing, CANARY: canary}
        for path, data in self._files(listed.values()):
            try:
                _replace(path, data)
            except OSError as failure:
                reason = (failure.strerror or "failed").lower()
                raise BrokerError(f"the broker's list of users {path} cannot be written: {reason}") from failure
        self._password = password


def _replace(path: Path, data: bytes) -> None:
    """Put `data` in the place of a file at once and durably, for the same user and group as before."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    temporary = path.with_name(f"{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with contextlib.suppress(FileNotFoundError):  # a broker that runs as another user reads it by its group
            before = path.stat()
            if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(descriptor, before.st_uid, before.st_gid)
            os.fchmod(descriptor, before.st_mode & 0o640)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
