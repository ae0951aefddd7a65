"""What brokers are told, byte by byte: nobody gets more than his account says, and no account can break the file."""

from dataclasses import replace
from pathlib import Path

import pytest

from sealbell_relay.broker import accounts_mosquitto, accounts_nats
from sealbell_relay.broker.accounts import Account, doorbell_account, relay_account
from sealbell_relay.errors import BrokerError
from sealbell_wire import topics
from sealbell_wire.ids import shard

A = "0a" * 16
BELL = doorbell_account(A, "$2b$04$hash", "$7$101$c2FsdA==$aGFzaA==")
RELAY = relay_account("$2b$04$hash", "$7$101$c2FsdA==$aGFzaA==")
NOBODY = Account("nobody", "$2b$04$hash", "$7$101$c2FsdA==$aGFzaA==", (), ())
BASE = f"sb/1/{shard(A)}/{A}"


def mosquitto(account: Account) -> tuple[str, str]:
    (_, lines), (_, passwords) = accounts_mosquitto.files(Path("x"), [account])
    return passwords.decode(), lines.decode()


def test_nats_is_told_of_subjects_for_mqtt_alone() -> None:
    said = accounts_nats.render([BELL]).decode()
    subject = BASE.replace("/", ".")
    assert (
        f'{{ user: "{A}", password: "$2b$04$hash", allowed_connection_types: ["MQTT"], '
        f'permissions: {{ publish: {{ allow: ["{subject}.up.>"] }}, '
        f'subscribe: {{ allow: ["{subject}.dn", "{subject}.dn.>"] }} }} }}'
    ) in said
    assert "no_auth_user" not in said


def test_who_may_do_nothing_is_not_allowed_everything() -> None:
    said = accounts_nats.render([NOBODY]).decode()
    assert 'publish: { deny: ">" }, subscribe: { deny: ">" }' in said
    assert "allow:" not in said
    assert mosquitto(NOBODY)[1] == "user nobody\n\n"


def test_mosquitto_is_told_of_topics() -> None:
    passwords, lines = mosquitto(BELL)
    assert passwords == f"{A}:$7$101$c2FsdA==$aGFzaA==\n"
    assert lines == f"user {A}\ntopic write {BASE}/up/#\ntopic read {BASE}/dn/#\n\n"


def test_relay_publishes_what_relays_say_and_nothing_that_doorbells_do() -> None:
    up = topics.up_of(A).replace("#", "health")
    assert not any(one.endswith("/up/#") or one in ("#", "sb/1/#") for one in RELAY.publish)
    assert up.startswith("sb/1/")
    assert RELAY.subscribe == ("sb/1/#",)


@pytest.mark.parametrize("text", ["a b", "a\n", "a:b", 'a"', "a\0", "", "ä", "\x1b[2J"])
def test_account_that_could_break_a_line_is_refused(text: str) -> None:
    for account in (replace(BELL, user=text), replace(BELL, publish=(text,)), replace(BELL, pbkdf2=text)):
        with pytest.raises(BrokerError):
            mosquitto(account)
    with pytest.raises(BrokerError):
        accounts_nats.render([replace(BELL, publish=(text,))])


@pytest.mark.parametrize("topic_filter", ["a.b", "a/*", "a/>", "a//b", "/a", "a/", "a/#/b", "#a", "$SYS/#"])
def test_filter_that_means_something_else_to_nats_is_refused(topic_filter: str) -> None:
    with pytest.raises(BrokerError):
        accounts_nats.render([replace(BELL, subscribe=(topic_filter,))])
