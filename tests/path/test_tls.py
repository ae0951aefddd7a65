"""The whole way over TLS: doorbell, broker, relay and owner; and certificates that are renewed while clips arrive."""

import asyncio
import io
import json
import socket
import ssl
import subprocess
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from certificates import TestCa
from sealbell.home import INTRODUCTION
from sealbell_owner.relay import Relay as OwnersRelay
from sealbell_relay.folder import SEED_BYTES, Folder
from sealbell_relay.log import Log
from sealbell_relay.main import Settings, serve
from sealbell_relay.store.store import DirectoryStore
from sealbell_relay.tls.certificates import DAY_S
from sealbell_relay.tls.folder import Given, TlsFolder
from sealbell_relay.tls.side import TlsSettings
from sealbell_testing.clock import HandClock
from sealbell_testing.doorbell import Doorbell
from sealbell_testing.owner import Owner
from sealbell_testing.panel import HandPanel
from sealbell_testing.relay import COMMAND, Relay, enrol, give, serving
from sealbell_testing.waiting import DEADLINE_S, until
from sealbell_wire.enrolment import DoorbellCard, Introduction, OwnerCard, RelayCard, parse_card
from sealbell_wire.ids import ZERO_ID

LOOK_S = 0.02


class RelayHere:
    """A relay in a thread of this process, which takes the time from `now_s` and looks at its certificate often."""

    def __init__(self, root: Path, now_s: Callable[[], float]) -> None:
        self.root, self.said = root, io.StringIO()
        self._now_s = now_s
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(DEADLINE_S), self.said.getvalue()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def allow(self, *cards: DoorbellCard | OwnerCard | Introduction) -> None:
        users = give(self.root, enrol(self.root, *cards))
        until(lambda: f"info accounts users={users} " in self.said.getvalue(), "the broker lets the doorbell in")

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        folder, log = Folder(self.root), Log(self.said, time.monotonic)
        settings = Settings(tls=TlsSettings(speak=True, look_s=LOOK_S))
        store = DirectoryStore(folder.store)
        store.make()
        await serve(folder, store, settings, log, self._stop, self._on_ready, self._now_s)

    def _on_ready(self, card: RelayCard) -> None:
        self.card = card
        self._ready.set()


class Household:
    """An owner and their doorbell, known to a relay."""

    def __init__(self, folder: Path, relay: Relay | RelayHere) -> None:
        self.clock = HandClock()
        self.panel = HandPanel(self.clock)
        self.owner = Owner(folder / "owner", relay.card)
        self.doorbell = Doorbell(folder / "doorbell", self.owner.bundle, self.clock, self.panel)
        introduction = parse_card((folder / "doorbell" / INTRODUCTION).read_bytes())
        assert isinstance(introduction, Introduction)
        relay.allow(self.owner.card, introduction)
        self.owner.pin(self.doorbell.card)


@contextmanager
def household(folder: Path, relay: Relay | RelayHere) -> Iterator[Household]:
    house = Household(folder, relay)
    try:
        yield house
    finally:
        house.doorbell.kills_uplink()
        house.doorbell.switched_off()


def shown(url: str) -> bytes:
    """The certificate that a new connection sees, DER."""
    address = urlsplit(url)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((address.hostname, address.port), DEADLINE_S) as line,
        context.wrap_socket(line) as sealed,
    ):
        return sealed.getpeercert(binary_form=True) or b""


@pytest.mark.parametrize("arguments", [("--tls",), ("--tls", "--name", "localhost")])
def test_a_ring_reaches_its_owner_over_tls(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    with serving(tmp_path / "relay", *arguments) as relay, household(tmp_path, relay) as house:
        assert relay.card.mqtt.startswith(f"mqtts://{arguments[-1] if len(arguments) > 1 else '127.0.0.1'}:")
        assert relay.card.http.startswith("https://")
        assert relay.card.ca
        house.doorbell.draws()
        house.clock.passes(seconds=4)
        house.panel.press()
        house.clock.passes(seconds=7)
        clip = house.owner.waits_for_clip()
        assert (clip.seconds, clip.verified, clip.lost) == (8.0, True, 0)


class Follower:
    """An owner's one stream of everything that arrives; it ends where the relay's does."""

    def __init__(self, owner: Owner, card: RelayCard) -> None:
        relay = OwnersRelay(card, owner.home.owner().token)
        (doorbell,) = relay.doorbells()
        self.objects: list[bytes] = []
        self._stream = relay.follow(doorbell.doorbell, ZERO_ID)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def follows(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        for stored in self._stream:
            self.objects.append(stored)


def rings_while_certificates_are_renewed(folder: Path, relay: RelayHere, renewals: list[Callable[[], None]]) -> None:
    with household(folder, relay) as house:
        follower = Follower(house.owner, relay.card)
        before = shown(relay.card.mqtt)
        assert before == shown(relay.card.http)
        house.doorbell.draws()
        house.clock.passes(seconds=4)
        house.panel.press()
        for renew in renewals:
            house.clock.passes(seconds=1)
            renew()
            until(lambda old=before: shown(relay.card.http) != old, "http shows the new certificate")  # type: ignore[misc]
            until(lambda: shown(relay.card.mqtt) == shown(relay.card.http), "so does mqtt")
            before = shown(relay.card.mqtt)
        house.clock.passes(seconds=7 - len(renewals))
        clip = house.owner.waits_for_clip()
        assert (clip.seconds, clip.verified, clip.lost, clip.missing) == (8.0, True, 0, ())
        stored = len(list((relay.root / "store" / "clips").rglob("*.part")))
        until(lambda: len(follower.objects) == stored, "the follower was sent all, on one connection")
        assert follower.follows
        uplink = house.doorbell.uplink
        assert uplink is not None
        assert sum("connected to the relay" in line for line in uplink.lines) == 1
        assert not any("is gone" in line for line in uplink.lines)
    assert relay.said.getvalue().count("certificate-renewed") == len(renewals)


def test_own_certificate_is_renewed_while_a_clip_arrives(tmp_path: Path) -> None:
    now_s = time.time() - 70 * DAY_S
    Folder(tmp_path / "relay").make(bytes(SEED_BYTES))

    def two_thirds_pass() -> None:
        nonlocal now_s
        now_s += 61 * DAY_S

    relay = RelayHere(tmp_path / "relay", lambda: now_s)
    relay.start()
    try:
        rings_while_certificates_are_renewed(tmp_path, relay, [two_thirds_pass])
    finally:
        relay.stop()


def test_given_certificates_are_renewed_while_a_clip_arrives(tmp_path: Path) -> None:
    ca, root = TestCa(), tmp_path / "relay"
    given = Given(tmp_path / "fullchain.pem", tmp_path / "privkey.pem", tmp_path / "root.pem")

    def renew() -> None:
        certificate, key = ca.sign()
        given.certificate.write_bytes(certificate)
        given.key.write_bytes(key)

    renew()
    (tmp_path / "root.pem").write_bytes(ca.pem)
    Folder(root).make(bytes(SEED_BYTES))
    TlsFolder(Folder(root)).refer(given)
    relay = RelayHere(root, time.time)
    relay.start()
    try:
        assert relay.card.ca == b64encode(ca.der).decode()
        rings_while_certificates_are_renewed(tmp_path, relay, [renew] * 3)
        given.key.write_bytes(b"broken")
        until(lambda: "certificate-failed" in relay.said.getvalue(), "a broken key is said")
        assert shown(relay.card.http) == shown(relay.card.mqtt)
    finally:
        relay.stop()


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    words = [*COMMAND, *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, timeout=DEADLINE_S, check=False)


def test_a_relay_that_was_made_for_a_name_serves_under_it_and_under_no_other(tmp_path: Path) -> None:
    root = tmp_path / "relay"
    assert command("init", root, "--host", "localhost", "--host", "relay.street.example").returncode == 0
    ca = (root / "tls" / "ca.pem").read_bytes()
    with serving(root, "--tls", "--host", "0.0.0.0", "--name", "localhost") as relay:
        assert relay.card.http.startswith("https://localhost:")
        assert shown(relay.card.http) == shown(relay.card.mqtt)
        assert json.loads(command("status", root, "--json").stdout)["certificate"] == "ok"
    refused = command("serve", root, "--host", "0.0.0.0", "--name", "other.example")
    assert (refused.returncode, "not for other.example" in refused.stderr) == (1, True)
    assert "--name" in refused.stderr
    refused = command("serve", root, "--host", "0.0.0.0")
    assert (refused.returncode, "cards must name one" in refused.stderr) == (1, True)
    assert (root / "tls" / "ca.pem").read_bytes() == ca
    assert command("fsck", root).returncode == 0


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda certificate, key: key.write_bytes(b"rubbish"), "the key is not PEM, or damaged"),
        (lambda certificate, key: certificate.write_bytes(b""), "the certificate is not PEM, or damaged"),
        (lambda certificate, key: key.write_bytes(TestCa().sign()[1]), "the key is not that of the certificate"),
        (lambda certificate, key: certificate.unlink(), "cannot be read: no such file"),
        (lambda certificate, key: certificate.write_bytes(bytes(1_000_000)), "is longer than"),
    ],
)
def test_a_broken_certificate_is_said_at_start_with_what_to_do(
    tmp_path: Path, spoil: Callable[[Path, Path], object], says: str
) -> None:
    certificate, key, root = tmp_path / "fullchain.pem", tmp_path / "privkey.pem", tmp_path / "relay"
    for path, data in zip((certificate, key), TestCa().sign(), strict=True):
        path.write_bytes(data)
    made = command("init", root, "--certificate", certificate, "--key", key)
    assert made.returncode == 0, made.stderr
    spoil(certificate, key)
    for refused in (
        command("serve", root, "--tls"),
        command("init", tmp_path / "new", "--certificate", certificate, "--key", key),
    ):
        assert (refused.returncode, says in refused.stderr) == (1, True), refused.stderr
        assert len(refused.stderr.splitlines()) <= 2, "an error and a hint, and no stack trace"
    assert not (tmp_path / "new").exists()


def test_a_given_certificate_takes_the_place_of_the_own_ca(tmp_path: Path) -> None:
    ca, root = TestCa(), tmp_path / "relay"
    files = [tmp_path / name for name in ("fullchain.pem", "privkey.pem", "ca.pem")]
    for path, data in zip(files, (*ca.sign(), ca.pem), strict=True):
        path.write_bytes(data)
    with serving(root, "--tls") as relay:
        own = relay.card.ca
    given = ("--certificate", files[0], "--key", files[1])
    assert command("init", root, *given[:2]).returncode == 1
    assert command("init", root, *given, "--host", "localhost").returncode == 1
    assert command("init", root, *given, "--ca", files[2]).returncode == 0
    with serving(root, "--tls") as relay:
        assert own != relay.card.ca == b64encode(ca.der).decode()
    assert command("fsck", root).returncode == 0
