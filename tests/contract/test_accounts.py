"""One contract for every Accounts: nats-server's list of users, and Mosquitto's, each with a real broker behind it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from brokers import Broker, Mosquitto, Nats
from guarded import Client, account_of
from sealbell_relay.broker.accounts import RELAY, relay_account
from sealbell_relay.broker.accounts_files import FileAccounts
from sealbell_relay.broker.address import Address
from sealbell_relay.broker.credentials import hashes
from sealbell_relay.broker.door import MqttDoor
from sealbell_relay.errors import BrokerError
from sealbell_testing.waiting import until
from sealbell_wire import topics

A, B = "0a" * 16, "0b" * 16
OF_A, OF_B, OF_RELAY = "a1" * 32, "b1" * 32, "c1" * 32
CLIP = "cc" * 16


class Site:
    """A guarded broker and the list that it goes by."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        door = MqttDoor(lambda: Address("127.0.0.1", broker.port))
        relay = relay_account(*hashes(OF_RELAY.encode()))
        self.accounts = FileAccounts(broker.files, broker.reload, door, [relay], time.monotonic)
        self.accounts.prepare([])
        broker.start()
        self._door = door
        self.listens()

    def listens(self) -> None:
        """Wait until the broker does."""
        until(lambda: self._door.admits(RELAY, OF_RELAY), "the broker lets its relay in")

    def client(self, user: str | None, password: str | None) -> Client:
        return Client(self.broker.port, user, password)

    def lets_in(self, user: str | None, password: str | None) -> bool:
        with self.client(user, password) as client:
            return client.let_in


@pytest.fixture(params=[Nats, Mosquitto], ids=["nats-server", "mosquitto"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    broker: Broker = request.param(tmp_path, guarded=True)
    yield Site(broker)
    broker.kill()


def test_added_is_let_in_once_add_returns(site: Site) -> None:
    assert not site.lets_in(A, OF_A)
    site.accounts.add(account_of(A, OF_A))
    assert site.lets_in(A, OF_A)
    assert not site.lets_in(A, OF_B)
    assert not site.lets_in(B, OF_A)


def test_adding_one_leaves_the_others_connected(site: Site) -> None:
    site.accounts.add(account_of(A, OF_A))
    with site.client(A, OF_A) as a, site.client(RELAY, OF_RELAY) as relay:
        assert a.subscribe(topics.down_filter(A))
        site.accounts.add(account_of(B, OF_B))
        site.accounts.revoke(B)
        relay.publish(topics.receipt(A, CLIP), b"still here")
        a.hears(topics.receipt(A, CLIP), b"still here")


def test_revoked_is_cut_off_and_let_in_no_more(site: Site) -> None:
    site.accounts.replace([account_of(A, OF_A), account_of(B, OF_B)])
    with site.client(A, OF_A) as a, site.client(B, OF_B) as b:
        assert b.subscribe(topics.down_filter(B))
        site.accounts.revoke(A)
        a.is_cut()
        assert not site.lets_in(A, OF_A)
        b.publish(topics.health(B))
        assert not b.cut


def test_replaced_list_cuts_off_whoever_is_not_on_it(site: Site) -> None:
    site.accounts.add(account_of(A, OF_A))
    with site.client(A, OF_A) as a:
        site.accounts.replace([account_of(B, OF_B)])
        a.is_cut()
    assert site.lets_in(B, OF_B)
    assert not site.lets_in(A, OF_A)


def test_another_password_ends_the_old_one(site: Site) -> None:
    site.accounts.add(account_of(A, OF_A))
    with site.client(A, OF_A) as a:
        site.accounts.add(account_of(A, OF_B))
        a.is_cut()
    assert not site.lets_in(A, OF_A)
    assert site.lets_in(A, OF_B)


def test_the_relay_itself_stays_on_every_list(site: Site) -> None:
    site.accounts.replace([])
    site.accounts.revoke(RELAY)
    assert site.lets_in(RELAY, OF_RELAY)
    site.accounts.add(account_of(RELAY, OF_A))
    assert site.lets_in(RELAY, OF_RELAY)
    assert not site.lets_in(RELAY, OF_A)


def test_nobody_is_let_in_without_a_name(site: Site) -> None:
    assert not site.lets_in(None, None)
    assert not site.lets_in("", "")


def test_list_holds_no_password_and_is_for_one_reader_alone(site: Site) -> None:
    site.accounts.add(account_of(A, OF_A))
    for path, data in site.broker.files([]):
        assert path.stat().st_mode & 0o777 == 0o600
        assert OF_A.encode() not in path.read_bytes()
        assert OF_RELAY.encode() not in path.read_bytes()
        assert data is not None


def test_list_outlives_the_broker(site: Site) -> None:
    site.accounts.add(account_of(A, OF_A))
    site.broker.kill()
    site.broker.start()
    site.listens()
    assert site.lets_in(A, OF_A)


def test_broker_that_does_not_answer_is_an_error_that_says_so(tmp_path: Path) -> None:
    ticks = iter(range(0, 10_000, 10))
    door = MqttDoor(lambda: None)
    accounts = FileAccounts(Nats(tmp_path).files, lambda: None, door, [], lambda: float(next(ticks)))
    with pytest.raises(BrokerError, match="did not take its new list"):
        accounts.add(account_of(A, OF_A))


def test_folder_that_cannot_be_written_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "users.conf.new").mkdir()
    door = MqttDoor(lambda: None)
    accounts = FileAccounts(Nats(tmp_path).files, lambda: None, door, [], time.monotonic)
    with pytest.raises(BrokerError, match="cannot be written"):
        accounts.add(account_of(A, OF_A))
