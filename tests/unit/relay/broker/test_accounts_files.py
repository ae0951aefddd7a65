"""A broker's list of users in files, with a broker that never takes it."""

import threading
import time
from pathlib import Path

import pytest

from sealbell_relay.broker.accounts_files import FileAccounts
from sealbell_relay.errors import BrokerError
from sealbell_testing.waiting import DEADLINE_S


class Shut:
    """A Door that nobody comes in by; `asked` says that somebody tried."""

    def __init__(self) -> None:
        self.asked = threading.Event()

    def admits(self, user: str, password: str) -> bool:
        self.asked.set()
        return False

    def answers(self) -> bool:
        return True


def test_a_relay_that_stops_does_not_wait_for_its_broker(tmp_path: Path) -> None:
    door = Shut()
    accounts = FileAccounts(lambda _: [(tmp_path / "users", b"")], lambda: None, door, [], time.monotonic)

    def close() -> None:
        door.asked.wait(DEADLINE_S)
        accounts.close()

    closing = threading.Thread(target=close)
    closing.start()
    with pytest.raises(BrokerError, match="the relay stopped"):
        accounts.replace([])
    closing.join()
