"""A broker of one's own goes by the store, with `sealbell-relay accounts` beside it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from brokers import Broker, Mosquitto, Nats
from sealbell_relay.broker.accounts import RELAY
from sealbell_relay.broker.address import Address
from sealbell_relay.broker.credentials import Credentials
from sealbell_relay.broker.door import MqttDoor
from sealbell_relay.folder import Folder
from sealbell_relay.store.store import DirectoryStore
from sealbell_relay.tenants.endings import Endings
from sealbell_testing.program import Program, command_of
from sealbell_testing.waiting import until

BELL, SECRET = "0a" * 16, "a1" * 32


@pytest.fixture(params=[Nats, Mosquitto], ids=["nats", "mosquitto"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    made: Broker = request.param(tmp_path, guarded=True)
    yield made
    made.kill()


def test_who_is_enrolled_is_let_in_and_who_has_ended_is_not(tmp_path: Path, broker: Broker) -> None:
    folder, store, pid = Folder(tmp_path / "relay"), DirectoryStore(tmp_path / "store"), tmp_path / "pid"
    folder.make(bytes(32))
    store.make()
    where = ["--nats", str(tmp_path / "users.conf")] if isinstance(broker, Nats) else ["--mosquitto", str(tmp_path)]
    kept = Program(
        *command_of("sealbell_relay.cli"), "accounts", str(folder.root), "--store", str(tmp_path / "store"),
        *where, "--pid", str(pid), "--broker", broker.url,
    )  # fmt: skip
    try:
        listed = tmp_path / ("users.conf" if isinstance(broker, Nats) else "passwords")
        until(listed.exists, "there is a list for the broker to start with")
        door = MqttDoor(lambda: Address("127.0.0.1", broker.port))
        broker.start()
        pid.write_text(f"{broker.pid}\n")
        relay = folder.credential(lambda _: b"")
        until(lambda: door.admits(RELAY, relay), "the broker lets relays in")
        assert not door.admits(BELL, SECRET)
        Credentials(store).enrol(BELL, SECRET)
        until(lambda: door.admits(BELL, SECRET), "the broker lets in who was enrolled")
        assert not door.admits(BELL, SECRET[::-1])
        Endings(store).end("doorbell", BELL, b"a proof")
        until(lambda: not door.admits(BELL, SECRET), "the broker lets in no more who has ended")
        assert door.admits(RELAY, relay)
        assert kept.stop() == 0
    finally:
        if kept.runs:
            kept.kill()
