"""Whether a relay speaks TLS, with what, and what its card says of it."""

import io
from base64 import b64decode, b64encode
from pathlib import Path

import pytest

import relay_folder
from certificates import TestCa
from parts_factory import Owner
from sealbell_relay.broker.address import Address
from sealbell_relay.errors import RelayError
from sealbell_relay.folder import Folder
from sealbell_relay.log import Log
from sealbell_relay.state import State
from sealbell_relay.tls.folder import Given, TlsFolder
from sealbell_relay.tls.names import LOOPBACK
from sealbell_relay.tls.side import TlsSettings, TlsSide
from sealbell_wire.enrolment import RelayCard, parse_card

NOW_S = 1_790_000_000.0
KEY = Owner(1).card.key
PORT = 8_443
HERE = Address("127.0.0.1", 8_883)
PLAIN, SEALED = Address("broker.example", 1_883), Address("broker.example", 8_883, tls=True)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return relay_folder.make(tmp_path / "relay")


def side(
    folder: Folder, host: str, settings: TlsSettings | None = None, brokers: tuple[Address, ...] = ()
) -> tuple[TlsSide, str]:
    said = io.StringIO()
    log = Log(said, lambda: 0.0)
    return TlsSide(folder, host, brokers, settings or TlsSettings(), State(), log, lambda: NOW_S), said.getvalue()


def card(folder: Folder, host: str, settings: TlsSettings | None = None, *brokers: Address) -> RelayCard:
    made, _ = side(folder, host, settings, brokers)
    own = Address(HERE.host, HERE.port, tls=made.certificate is not None)
    told = made.card(brokers[0] if brokers else own, PORT, KEY)
    assert parse_card(told.encode()) == told
    return told


def give(folder: Folder, ca: TestCa, names: list[str], *, private: bool) -> None:
    certificate, key = ca.sign(names)
    paths = [folder.root.with_name(name) for name in ("chain.pem", "key.pem", "ca.pem")]
    for path, data in zip(paths, (certificate, key, ca.pem), strict=True):
        path.write_bytes(data)
    TlsFolder(folder).refer(Given(paths[0], paths[1], paths[2] if private else None))


@pytest.mark.parametrize(
    ("host", "speak", "sealed", "warned"),
    [
        ("127.0.0.1", None, False, False),
        ("::1", None, False, False),
        ("127.0.0.1", True, True, False),
        ("192.0.2.7", None, True, False),
        ("192.0.2.7", False, False, True),
        ("127.0.0.1", False, False, False),
    ],
)
def test_off_loopback_tls_is_spoken_unless_that_is_refused_aloud(
    folder: Folder, host: str, speak: bool | None, sealed: bool, warned: bool
) -> None:
    made, said = side(folder, host, TlsSettings(speak=speak))
    assert (made.http is not None, made.broker is not None, made.certificate is not None) == (sealed,) * 3
    assert ("warn plain" in said) is warned
    told = card(folder, host, TlsSettings(speak=speak))
    assert (told.mqtt.startswith("mqtts://"), told.http.startswith("https://")) == (sealed, sealed)
    assert bool(told.ca) is sealed
    assert folder.tls.exists() is sealed


def test_the_card_names_the_ca_and_where_others_reach_the_relay(folder: Folder) -> None:
    told = card(folder, "0.0.0.0", TlsSettings(name="Relay.Street.EXAMPLE"))
    authority = TlsFolder(folder).authority()
    assert authority is not None
    assert authority.names == ("relay.street.example", *LOOPBACK)
    assert told == RelayCard(
        "mqtts://relay.street.example:8883", "https://relay.street.example:8443", KEY, b64encode(authority.der).decode()
    )


def test_an_ipv6_address_is_written_as_in_urls(folder: Folder) -> None:
    told = card(folder, "2001:db8::7")
    assert (told.mqtt, told.http) == ("mqtts://[2001:db8::7]:8883", "https://[2001:db8::7]:8443")


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_all_addresses_are_no_name(folder: Folder, host: str) -> None:
    with pytest.raises(RelayError, match="stands for all addresses") as refused:
        side(folder, host)
    assert "--name" in (refused.value.hint or "")
    with pytest.raises(RelayError, match="stands for all addresses"):
        side(folder, "127.0.0.1", TlsSettings(name=host))


def test_a_ca_made_for_other_names_is_not_replaced_behind_anybodys_back(folder: Folder) -> None:
    first = card(folder, "192.0.2.7")
    with pytest.raises(RelayError, match=r"not for 192\.0\.2\.8"):
        side(folder, "192.0.2.8")
    assert card(folder, "192.0.2.7") == first


def test_with_a_publicly_trusted_certificate_the_card_names_no_ca(folder: Folder) -> None:
    give(folder, TestCa(), ["relay.street.example"], private=False)
    assert card(folder, "0.0.0.0", TlsSettings(name="relay.street.example")).ca == ""
    assert not (folder.tls / "ca.key").exists()
    with pytest.raises(RelayError, match=r"is for relay\.street\.example, and not for 192\.0\.2\.7"):
        side(folder, "192.0.2.7")


def test_with_a_certificate_of_a_private_ca_the_card_names_that(folder: Folder) -> None:
    ca = TestCa()
    give(folder, ca, ["relay.street.example"], private=True)
    assert b64decode(card(folder, "0.0.0.0", TlsSettings(name="relay.street.example")).ca) == ca.der


@pytest.mark.parametrize("private", [True, False])
def test_a_broker_and_http_of_one_ca_go_on_one_card(folder: Folder, private: bool) -> None:
    ca = TestCa()
    give(folder, ca, ["relay.street.example"], private=private)
    broker_ca = folder.root.with_name("ca.pem") if private else None
    told = card(folder, "0.0.0.0", TlsSettings(name="relay.street.example", broker_ca=broker_ca), SEALED)
    assert (told.mqtt, b64decode(told.ca)) == (SEALED.url, ca.der if private else b"")


def test_a_broker_of_another_ca_than_https_is_refused(folder: Folder) -> None:
    other = folder.root.with_name("other.pem")
    other.write_bytes(TestCa().pem)
    for settings in (
        TlsSettings(),
        TlsSettings(broker_ca=other),
        TlsSettings(public_http="https://relay.street.example"),
    ):
        with pytest.raises(RelayError, match="different CAs, and a card names one"):
            side(folder, "192.0.2.7", settings, () if settings.public_http else (SEALED,))


def test_a_broker_without_tls_is_on_the_card_as_it_is(folder: Folder) -> None:
    made, _ = side(folder, "127.0.0.1", brokers=(PLAIN,))
    assert made.certificate is None
    told = card(folder, "127.0.0.1", None, PLAIN)
    assert (told.mqtt, told.http, told.ca) == (PLAIN.url, "http://127.0.0.1:8443", "")


def test_behind_a_proxy_the_card_says_what_the_proxy_is_reached_by(folder: Folder) -> None:
    public = TlsSettings(
        speak=False, public_mqtt="mqtts://relay.street.example:8883", public_http="https://relay.street.example"
    )
    told = card(folder, "192.0.2.7", public)
    assert (told.mqtt, told.http, told.ca) == (public.public_mqtt, public.public_http, "")
