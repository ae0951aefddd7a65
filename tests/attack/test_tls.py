"""Whoever stands between a relay and those who know it: believed by nobody, and sent nothing worth having."""

import os
import ssl
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import bundles
from certificates import LOCAL, TestCa, server_context
from crafted import Bell
from impostor import Impostor
from sealbell.doctor import relay as doctor
from sealbell.doctor.finding import State
from sealbell.home import Home, set_up
from sealbell.seams import Arrival
from sealbell.uplink.mqtt import MAX_BACKOFF_US, MqttTransport
from sealbell.uplink.tls import Trust
from sealbell_owner.errors import OwnerError
from sealbell_owner.relay import Relay
from sealbell_owner.trust import context_for
from sealbell_testing.clock import HandClock
from sealbell_testing.relay import Relay as SealbellRelay
from sealbell_wire import topics
from sealbell_wire.enrolment import RelayCard

pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")  # what is refused here is old

CA, LOOKALIKE, OTHER = TestCa(), TestCa(), TestCa("Another CA")
BELL = Bell()
CREDENTIAL = "c5" * 32
TOKEN = "70" * 32
ELSEWHERE = ("relay.street.example", "192.0.2.7")


SHOWN: dict[str, tuple[TestCa, tuple[str, ...], tuple[float, float]]] = {
    "good": (CA, LOCAL, (-1, 90)),
    "another CA's": (OTHER, LOCAL, (-1, 90)),
    "another CA's of the same name": (LOOKALIKE, LOCAL, (-1, 90)),
    "for another host": (CA, ELSEWHERE, (-1, 90)),
    "for a host with the address in its name": (CA, ("127.0.0.1.street.example",), (-1, 90)),
    "expired": (CA, LOCAL, (-90, -1)),
    "not valid yet": (CA, LOCAL, (1, 90)),
    "expired, another CA's": (OTHER, LOCAL, (-90, -1)),
    "expired, for another host": (CA, ELSEWHERE, (-90, -1)),
}
OLD = {"TLS 1.0": ssl.TLSVersion.TLSv1, "TLS 1.1": ssl.TLSVersion.TLSv1_1}


def shown(name: str, folder: Path) -> ssl.SSLContext | None:
    """What answers; None for a server that speaks no TLS."""
    if name == "no TLS":
        return None
    ca, names, days = SHOWN["good" if name in OLD else name]
    certificate, key = ca.sign(names, days)
    context = server_context(certificate + ca.pem, key, folder)
    if name in OLD:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, OLD[name]
    return context


REFUSED = {
    "another CA's": "certificate-not-trusted",
    "another CA's of the same name": "certificate-not-trusted",
    "for another host": "certificate-name",
    "for a host with the address in its name": "certificate-name",
    "expired": "certificate-dates",
    "not valid yet": "certificate-dates",
    "TLS 1.0": "tls-failed",
    "TLS 1.1": "tls-failed",
    "no TLS": "tls-failed",
}
REFUSED_WITHOUT_A_CLOCK = {
    "another CA's": "certificate-not-trusted",
    "for another host": "certificate-name",
    "expired, another CA's": "certificate-not-trusted",
    "expired, for another host": "certificate-name",
    "TLS 1.1": "tls-failed",
    "no TLS": "tls-failed",
}


class DoorbellLine:
    """A doorbell's transport to whoever answers at a port."""

    def __init__(self, port: int, ca: bytes, synced: Callable[[], bool]) -> None:
        self.clock = HandClock()
        trust = Trust(b64encode(ca).decode(), synced)
        down = topics.down_filter(BELL.id)
        url = f"mqtts://127.0.0.1:{port}"
        self.transport = MqttTransport(url, BELL.id, CREDENTIAL, down, self.clock.now_us, lambda: 0.0, trust)
        self._wake, self._waker = os.pipe()

    def tries(self, impostor: Impostor) -> None:
        """Connect once, and say who it is, or not."""
        self.clock.pass_us(MAX_BACKOFF_US)
        for _ in range(50):
            self.wait()
            if impostor.read or self.transport.why != "connecting":
                return

    def wait(self) -> list[Arrival]:
        return self.transport.wait(0.02, self._wake)

    def close(self) -> None:
        self.transport.close()
        os.close(self._wake)
        os.close(self._waker)


@contextmanager
def doorbell_line(impostor: Impostor, ca: bytes, synced: Callable[[], bool]) -> Iterator[DoorbellLine]:
    line = DoorbellLine(impostor.port, ca, synced)
    try:
        yield line
    finally:
        line.close()


def owner(port: int, ca: bytes) -> Relay:
    return Relay(RelayCard("mqtts://h:1", f"https://127.0.0.1:{port}", "00" * 32, b64encode(ca).decode()), TOKEN)


def nothing_was_said_to(impostor: Impostor) -> bool:
    """Nobody began to speak of themselves: all that came was TLS' own hello."""
    secrets = (CREDENTIAL.encode(), bytes.fromhex(CREDENTIAL), TOKEN.encode(), BELL.id.encode())
    assert impostor.raw[:1] == b"\x16"  # a handshake record (RFC 8446, section 5.1)
    return not any(secret in impostor.raw or secret in impostor.read for secret in secrets) and (
        not impostor.read or impostor.read == impostor.raw
    )


@pytest.mark.parametrize("certificate", REFUSED)
def test_doorbell_with_a_clock_believes_no_impostor_and_tells_it_nothing(certificate: str, tmp_path: Path) -> None:
    with Impostor(shown(certificate, tmp_path)) as impostor, doorbell_line(impostor, CA.der, lambda: True) as line:
        line.tries(impostor)
        assert line.transport.why == REFUSED[certificate]
    assert nothing_was_said_to(impostor)


@pytest.mark.parametrize("certificate", REFUSED_WITHOUT_A_CLOCK)
def test_doorbell_without_a_clock_ignores_nothing_but_dates(certificate: str, tmp_path: Path) -> None:
    with Impostor(shown(certificate, tmp_path)) as impostor, doorbell_line(impostor, CA.der, lambda: False) as line:
        line.tries(impostor)
        assert line.transport.why == REFUSED_WITHOUT_A_CLOCK[certificate]
    assert nothing_was_said_to(impostor)


@pytest.mark.parametrize(
    ("certificate", "synced"), [("good", True), ("good", False), ("expired", False), ("not valid yet", False)]
)
def test_doorbell_speaks_to_its_relay(certificate: str, synced: bool, tmp_path: Path) -> None:
    with Impostor(shown(certificate, tmp_path)) as relay, doorbell_line(relay, CA.der, lambda: synced) as line:
        line.tries(relay)
    assert relay.read[:1] == b"\x10"
    assert CREDENTIAL.encode() in relay.read
    assert CREDENTIAL.encode() not in relay.raw


def test_dates_count_for_a_new_connection_as_soon_as_the_clock_is_right(tmp_path: Path) -> None:
    synced = False
    with Impostor(shown("expired", tmp_path)) as relay, doorbell_line(relay, CA.der, lambda: synced) as line:
        line.tries(relay)
        assert relay.read
        for _ in range(50):
            line.wait()
            if line.transport.why == "no-answer":  # the relay hung up
                break
        synced = True
        relay.read.clear()
        line.tries(relay)
        assert line.transport.why == "certificate-dates"
        assert not relay.read


@pytest.mark.parametrize("certificate", REFUSED)
def test_owner_believes_no_impostor_and_shows_it_no_token(certificate: str, tmp_path: Path) -> None:
    words = {
        "certificate-not-trusted": "a certificate that is not of the relay you know",
        "certificate-name": "for another address",
        "certificate-dates": "out of date",
        "tls-failed": "speaks no TLS, or an old one",
    }
    with (
        Impostor(shown(certificate, tmp_path)) as impostor,
        pytest.raises(OwnerError, match=words[REFUSED[certificate]]),
    ):
        owner(impostor.port, CA.der).doorbells()
    assert nothing_was_said_to(impostor)


def test_owner_speaks_to_their_relay(tmp_path: Path) -> None:
    with Impostor(shown("good", tmp_path)) as relay, pytest.raises(OwnerError):  # which says nothing, here
        owner(relay.port, CA.der).doorbells()
    assert TOKEN.encode() in relay.read
    assert TOKEN.encode() not in relay.raw


def test_whoever_pins_a_ca_believes_no_public_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    public = tmp_path / "public.pem"
    public.write_bytes(OTHER.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(public))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    for ca, believed in ((b"", True), (CA.der, False)):
        with Impostor(shown("another CA's", tmp_path)) as relay, doorbell_line(relay, ca, lambda: True) as line:
            line.tries(relay)
        assert (CREDENTIAL.encode() in relay.read) is believed
        with Impostor(shown("another CA's", tmp_path)) as relay, pytest.raises(OwnerError):
            owner(relay.port, ca).doorbells()
        assert (TOKEN.encode() in relay.read) is believed


def test_a_public_certificate_for_another_host_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    public = tmp_path / "public.pem"
    public.write_bytes(CA.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(public))
    with Impostor(shown("for another host", tmp_path)) as impostor, doorbell_line(impostor, b"", lambda: True) as line:
        line.tries(impostor)
        assert line.transport.why == "certificate-name"
        with pytest.raises(OwnerError, match="for another address"):
            owner(impostor.port, b"").doorbells()
    assert nothing_was_said_to(impostor)


def test_nobody_offers_an_old_tls() -> None:
    contexts = [Trust("", lambda: True).context(), context_for(RelayCard("mqtts://h:1", "https://h:1", "00" * 32))]
    assert {context.minimum_version for context in contexts} == {ssl.TLSVersion.TLSv1_2}


@pytest.mark.parametrize(
    ("certificate", "state", "said", "hint"),
    [
        ("good", State.OK, "answers at 127.0.0.1", ""),
        ("another CA's", State.FAILURE, "certificate not trusted", "pin a new bundle"),
        ("for another host", State.FAILURE, "certificate name", "ask its operator for its card"),
        ("expired", State.FAILURE, "certificate dates", "timedatectl"),
        ("TLS 1.1", State.FAILURE, "tls failed", "speaks no TLS"),
    ],
)
def test_doctor_says_what_is_wrong_with_who_answers(
    certificate: str, state: State, said: str, hint: str, tmp_path: Path
) -> None:
    folder = tmp_path / "doorbell"
    with Impostor(shown(certificate, tmp_path)) as impostor:
        url, ca = f"mqtts://127.0.0.1:{impostor.port}", b64encode(CA.der).decode()
        card = RelayCard(url, bundles.RELAY.http, bundles.RELAY.receipt_key, ca)
        set_up(folder, bundles.write(tmp_path, card), bytes)
        found = doctor.reached(Home(folder), doctor.connect, lambda: True)
    assert (found.state, said in found.said, hint in found.hint) == (state, True, True), found


@pytest.mark.parametrize("certificate", [*REFUSED, "good"])
def test_relay_shows_its_credential_to_no_other_broker(certificate: str, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(CA.pem)
    with Impostor(shown(certificate, tmp_path)) as broker:
        url = f"mqtts://127.0.0.1:{broker.port}"
        relay = SealbellRelay(tmp_path / "relay", "--broker", url, "--broker-ca", str(tmp_path / "ca.pem"))
        try:
            relay.wait_for("broker-away")
        finally:
            relay.kill()
    credential = (tmp_path / "relay" / "broker.credential").read_bytes().strip()
    assert (credential in broker.read) is (certificate == "good")
    assert credential not in broker.raw
