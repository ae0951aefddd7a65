"""The list of users as Mosquitto 2.0 reads it: one file of passwords, and one of topics.

Mosquitto grants every subscription, and holds each message against the list when it is about to deliver it. What it
refuses it says in its own log alone.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from sealbell_relay.broker.accounts import Account
from sealbell_relay.errors import BrokerError

PASSWORDS, TOPICS = "passwords", "topics"
_WORD = re.compile(r"[A-Za-z0-9+/#$=-]+\Z", re.ASCII)


def files(folder: Path, accounts: Iterable[Account]) -> list[tuple[Path, bytes]]:
    """Return what to write to `password_file FOLDER/passwords` and `acl_file FOLDER/topics`.

    Topics first: a user without topics may do nothing, whatever is read in between.
    """
    listed = list(accounts)
    passwords = "".join(f"{_word(account.user)}:{_word(account.pbkdf2)}\n" for account in listed)
    topics = "".join(_topics(account) for account in listed)
    return [(folder / TOPICS, topics.encode()), (folder / PASSWORDS, passwords.encode())]


def _topics(account: Account) -> str:
    lines = [f"user {_word(account.user)}"]
    lines += [f"topic write {_word(topic)}" for topic in account.publish]
    lines += [f"topic read {_word(topic)}" for topic in account.subscribe]
    return "\n".join(lines) + "\n\n"


def _word(text: str) -> str:
    if not _WORD.match(text):
        raise BrokerError(f"{text!a} cannot be written into mosquitto's list of users")
    return text
