"""The list of users as nats-server reads it: a file that its configuration includes.

MQTT topics are NATS subjects with dots for slashes. `a/#` also means `a` itself to a subscriber, which NATS asks for
apart. Nothing of NATS' own (`$MQTT`, `$JS`) need be allowed: what it does for an MQTT client it does in its own name.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path

from sealbell_relay.broker.accounts import Account
from sealbell_relay.errors import BrokerError

SILENT_S = 5  # a connection that has not said who it is by then is closed

_FILTER = re.compile(r"(?:[a-z0-9-]+|\+)(?:/(?:[a-z0-9-]+|\+))*(?:/#)?\Z", re.ASCII)


def files(path: Path, accounts: Iterable[Account]) -> list[tuple[Path, bytes]]:
    """Return what to write to `path`, which nats.conf includes in the place of `authorization`."""
    return [(path, render(accounts))]


def render(accounts: Iterable[Account]) -> bytes:
    """Return the `authorization` block. Nobody is let in without a name, nor to anything but MQTT."""
    users = "".join(f"    {_user(account)}\n" for account in accounts)
    return (
        f"# Written by sealbell-relay.\nauthorization {{\n  timeout: {SILENT_S}\n  users: [\n{users}  ]\n}}\n".encode()
    )


def _user(account: Account) -> str:
    publish = [_subject(one) for one in account.publish]
    subscribe = [subject for one in account.subscribe for subject in _subscriptions(one)]
    return (
        f"{{ user: {json.dumps(account.user)}, password: {json.dumps(account.bcrypt)}, "
        f'allowed_connection_types: ["MQTT"], '
        f"permissions: {{ publish: {_allow(publish)}, subscribe: {_allow(subscribe)} }} }}"
    )


def _allow(subjects: list[str]) -> str:
    # An empty `allow` would allow everything.
    return f"{{ allow: {json.dumps(subjects)} }}" if subjects else '{ deny: ">" }'


def _subscriptions(topic_filter: str) -> list[str]:
    subject = _subject(topic_filter)
    return [subject.removesuffix(".>"), subject] if subject.endswith(".>") else [subject]


def _subject(topic_filter: str) -> str:
    if not _FILTER.match(topic_filter):
        raise BrokerError(f"the filter {topic_filter!a} cannot be written as subjects of nats")
    return topic_filter.replace("/", ".").replace("+", "*").replace("#", ">")
