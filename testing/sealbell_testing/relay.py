"""A real relay as a process of its own, with the broker that it embeds."""

import hashlib
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from sealbell_relay.broker.credentials import Credentials
from sealbell_relay.store.store import DirectoryStore
from sealbell_relay.tenants.allow import Register
from sealbell_relay.tenants.endings import Endings
from sealbell_testing.program import Program, command_of
from sealbell_wire.enrolment import DoorbellCard, Introduction, OwnerCard, RelayCard, parse_card

COMMAND = command_of("sealbell_relay.cli")


def credential_of(doorbell: str) -> str:
    """Return what a doorbell that was never set up shows the broker, 32 bytes in hex."""
    return hashlib.sha256(f"credential of {doorbell}".encode("ascii")).hexdigest()


def enrol(root: Path, *cards: DoorbellCard | OwnerCard | Introduction) -> dict[str, str]:
    """Enrol in the relay's folder `root`; return what the doorbells among them have to show its broker, by id."""
    register, secrets = Register(DirectoryStore(root / "store")), dict[str, str]()
    for card in cards:
        if isinstance(card, Introduction):
            secrets[card.card.doorbell] = card.credential
        elif isinstance(card, DoorbellCard):
            secrets[card.doorbell] = credential_of(card.doorbell)
        register.allow(card.card if isinstance(card, Introduction) else card)
    return secrets


def give(root: Path, secrets: dict[str, str]) -> int:
    """Let doorbells show these to the broker, by id; return how many doorbells then may, 0 if none of these is new."""
    store = DirectoryStore(root / "store")
    credentials = Credentials(store)
    new = [credentials.enrol(doorbell, secret) for doorbell, secret in secrets.items()]
    return len(set(credentials.names()) - set(Endings(store).names("doorbell"))) if any(new) else 0


class Relay(Program):
    """`sealbell-relay serve` on the folder `root`, on ports of 127.0.0.1 that are found. `lines` is its log so far."""

    card: RelayCard

    def __init__(self, root: Path, *arguments: str, command: tuple[str, ...] = COMMAND) -> None:
        """Start it; `arguments` go to `serve`."""
        self.root = root
        self._embeds = "--broker" not in arguments
        super().__init__(*command, "serve", str(root), "--json", *arguments)

    def ready(self) -> Self:
        """Wait until it serves."""
        card = parse_card(self.wait_for_said(lambda line: line.startswith("{")).encode())
        assert isinstance(card, RelayCard)
        self.card = card
        return self

    @property
    def mqtt_port(self) -> int:
        """Where doorbells reach it."""
        return urlsplit(self.card.mqtt).port or 0

    def allow(self, *cards: DoorbellCard | OwnerCard | Introduction) -> Self:
        """Enrol, the way `sealbell-relay allow` does, and return once the broker that the relay started lets them in.

        A doorbell of which only the card is given will show it what `credential_of` says.
        """
        return self.lets_in(enrol(self.root, *cards))

    def lets_in(self, secrets: dict[str, str]) -> Self:
        """Give doorbells their credentials, and return once the broker that the relay started goes by them."""
        users = give(self.root, secrets)
        if users and self.runs and self._embeds:
            self.wait_for(f"info accounts users={users} ")
        return self

    def goes_away(self) -> None:
        """Be killed, with its broker: every connection breaks at once."""
        self.kill()

    def comes_back(self) -> None:
        """Serve again, with all that it had stored, on the ports of before."""
        self.start()
        self.ready()

    def loses_broker(self) -> None:
        """Let its broker be killed, with all that was on its way, and wait until the relay has started another."""
        before = sum("broker-restarted" in line for line in self.lines)
        os.kill(int((self.root / "broker" / "nats.pid").read_text(encoding="ascii")), signal.SIGKILL)
        self.wait_for("broker-restarted", before + 1)


@contextmanager
def serving(root: Path, *arguments: str, command: tuple[str, ...] = COMMAND) -> Iterator[Relay]:
    """A relay that serves; it has to stop by itself and in order at the end, unless the test ended it."""
    relay = Relay(root, *arguments, command=command)
    try:
        yield relay.ready()
        if relay.runs:
            assert relay.stop() == 0, relay.lines
    finally:
        if relay.runs:
            relay.kill()
