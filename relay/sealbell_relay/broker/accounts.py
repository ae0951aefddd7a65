"""Who may connect to the broker, and which topics are theirs: what any broker has to be told, and nothing more."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from sealbell_wire import topics


@dataclass(frozen=True, slots=True)
class Account:
    """One user of a broker, with a password that nobody here can say: only its hashes, as brokers store them.

    `bcrypt` is `$2b$...` (NATS), `pbkdf2` is `$7$...` (Mosquitto); `publish` and `subscribe` are MQTT filters.
    """

    user: str
    bcrypt: str
    pbkdf2: str
    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


class Accounts(Protocol):
    """A broker's list of users. Methods return once the broker goes by the new list; BrokerError if it does not."""

    def prepare(self, accounts: Iterable[Account]) -> None:
        """Have exactly these ready for a broker that is not started yet."""
        ...

    def replace(self, accounts: Iterable[Account]) -> None:
        """Let in exactly these, and cut off whoever is connected as anyone else."""
        ...

    def add(self, account: Account) -> None:
        """Let in one more, or the same one with another password."""
        ...

    def revoke(self, user: str) -> None:
        """Let this user in no more, and cut it off if it is connected; nothing if there is none."""
        ...


RELAY = "sealbell-relay"


def doorbell_account(doorbell: str, bcrypt: str, pbkdf2: str) -> Account:
    """Return the account of a doorbell: it publishes below its own `up/`, and hears its own `dn/`."""
    return Account(doorbell, bcrypt, pbkdf2, (topics.up_of(doorbell),), (topics.down_filter(doorbell),))


def relay_account(bcrypt: str, pbkdf2: str) -> Account:
    """Return the account of a relay: it hears everything, answers doorbells, and speaks with the other relays."""
    publish = (f"{topics.ROOT}/+/+/dn/#", f"{topics.ROOT}/+/+/news", f"{topics.ROOT}/relay/#")
    return Account(RELAY, bcrypt, pbkdf2, publish, (f"{topics.ROOT}/#",))
