"""Which certificate is in use: the relay's own is renewed in time, a given one read again, a broken one left alone."""

import io
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

import relay_folder
from certificates import TestCa
from sealbell_relay.errors import RelayError
from sealbell_relay.log import Log
from sealbell_relay.state import State
from sealbell_relay.tls.certificates import DAY_S, SERVER_DAYS, new_key
from sealbell_relay.tls.folder import CA_KEY, Given, TlsFolder
from sealbell_relay.tls.keeper import Keeper
from sealbell_relay.tls.source import GivenSource, OwnSource, Source

NAME = "relay.street.example"
NOW_S = 1_790_000_000.0


class House:
    """A relay's folder, and a clock that the test moves."""

    def __init__(self, root: Path) -> None:
        self.tls = TlsFolder(relay_folder.make(root / "relay"))
        self.state, self.said = State(), io.StringIO()
        self.now_s = NOW_S
        self.given = Given(root / "fullchain.pem", root / "privkey.pem", None)

    def own(self) -> OwnSource:
        authority = self.tls.authority() or self.tls.make_authority((NAME,), new_key(), self.now_s)
        return OwnSource(authority, NAME, new_key)

    def give(self, certificate: bytes, key: bytes) -> GivenSource:
        self.given.certificate.write_bytes(certificate)
        self.given.key.write_bytes(key)
        return GivenSource(self.given, NAME)

    def keeper(self, source: Source) -> Keeper:
        return Keeper(source, self.tls, self.state, Log(self.said, lambda: 0.0), lambda: self.now_s)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def shown(keeper: Keeper) -> x509.Certificate:
    """What a new connection is shown."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client = context.wrap_bio(to_client, to_server)
    _shake(client, keeper.server.wrap_bio(to_server, to_client, server_side=True))
    return x509.load_der_x509_certificate(client.getpeercert(binary_form=True) or b"")


def believes_itself(keeper: Keeper) -> bool:
    """Whether the relay's own connections to its broker take what a broker shows with the file in use."""
    broker = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    broker.load_cert_chain(keeper.file)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        _shake(keeper.own.wrap_bio(to_client, to_server), broker.wrap_bio(to_server, to_client, server_side=True))
    except ssl.SSLCertVerificationError:
        return False
    return True


def _shake(*ends: ssl.SSLObject) -> None:
    left = list(ends)
    while left:
        for end in list(left):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            left.remove(end)


def test_own_certificate_is_renewed_when_a_third_is_left_and_not_before(house: House) -> None:
    keeper = house.keeper(house.own())
    first = shown(keeper)
    house.now_s += (SERVER_DAYS - (SERVER_DAYS + 1) / 3) * DAY_S - 1
    assert not keeper.look()
    assert shown(keeper) == first
    house.now_s += 2
    assert keeper.look()
    second = shown(keeper)
    assert second != first
    assert second.public_key() != first.public_key()
    assert second.not_valid_after_utc.timestamp() == int(house.now_s) + SERVER_DAYS * DAY_S
    assert house.state.certificate_ends_s == int(house.now_s) + SERVER_DAYS * DAY_S
    assert believes_itself(keeper)
    assert not keeper.look()
    assert "certificate-renewed" in house.said.getvalue()


def test_a_restart_keeps_the_certificate_and_never_makes_another_ca(house: House) -> None:
    first = shown(house.keeper(house.own()))
    ca = house.own().ca
    assert shown(house.keeper(house.own())) == first
    house.tls.server_file.write_bytes(b"damaged")
    again = shown(house.keeper(house.own()))
    assert again != first
    assert house.own().ca == ca


def test_keys_are_for_the_relay_alone(house: House) -> None:
    keeper = house.keeper(house.own())
    for path in (keeper.file, keeper.file.with_name(CA_KEY)):
        assert path.stat().st_mode & 0o777 == 0o600
    assert keeper.file.parent.stat().st_mode & 0o777 == 0o700


def test_a_given_certificate_is_taken_as_soon_as_both_its_files_are_new(house: House) -> None:
    ca = TestCa()
    keeper = house.keeper(house.give(*ca.sign([NAME])))
    first = shown(keeper)
    certificate, key = ca.sign([NAME])
    house.given.certificate.write_bytes(certificate)  # certbot replaces one after the other
    assert not keeper.look()
    assert shown(keeper) == first
    assert "the key is not that of the certificate" in (house.state.certificate_failure or "")
    assert believes_itself(keeper)
    house.given.key.write_bytes(key)
    assert keeper.look()
    assert shown(keeper) == x509.load_pem_x509_certificate(certificate)
    assert believes_itself(keeper)
    assert house.state.certificate_failure is None


@pytest.mark.parametrize("rubbish", [b"", b"rubbish", TestCa().pem[:100]])
def test_a_broken_renewal_leaves_the_old_one_in_use_and_is_said_once(house: House, rubbish: bytes) -> None:
    ca = TestCa()
    certificate, key = ca.sign([NAME])
    keeper = house.keeper(house.give(certificate, key))
    first = shown(keeper)
    house.given.certificate.write_bytes(rubbish)
    for _ in range(3):
        assert not keeper.look()
    assert shown(keeper) == first
    assert believes_itself(keeper)
    assert house.said.getvalue().count("certificate-failed") == 1
    house.given.certificate.unlink()
    assert not keeper.look()
    assert "cannot be read: no such file" in (house.state.certificate_failure or "")
    house.given.certificate.write_bytes(certificate)
    assert not keeper.look()
    assert house.state.certificate_failure is None


def test_a_renewal_for_another_name_is_not_taken(house: House) -> None:
    ca = TestCa()
    keeper = house.keeper(house.give(*ca.sign([NAME])))
    first = shown(keeper)
    house.give(*ca.sign(["other.street.example"]))
    assert not keeper.look()
    assert shown(keeper) == first
    assert f"is for other.street.example, and not for {NAME}" in (house.state.certificate_failure or "")


def test_an_expired_certificate_stays_and_is_said(house: House) -> None:
    keeper = house.keeper(house.give(*TestCa().sign([NAME], days=(-90, -1))))
    assert house.state.certificate_failure is None  # by this clock
    house.now_s = float(house.state.certificate_ends_s or 0)
    assert not keeper.look()
    assert "expired" in (house.state.certificate_failure or "")
    assert believes_itself(keeper)


def test_what_openssl_does_not_take_is_not_put_into_use(house: House) -> None:
    ca = TestCa()
    keeper = house.keeper(house.give(*ca.sign([NAME])))
    first = shown(keeper)
    house.give(*ca.sign([NAME], key=rsa.generate_private_key(65_537, 1_024)))
    assert not keeper.look()
    assert "cannot be used" in (house.state.certificate_failure or "")
    assert shown(keeper) == first
    assert believes_itself(keeper)  # the broker, should it start again now, shows the old one as well


@pytest.mark.parametrize("missing", ["certificate", "key"])
def test_a_given_certificate_that_is_not_there_at_start_is_said(house: House, missing: str) -> None:
    source = house.give(*TestCa().sign([NAME]))
    getattr(house.given, missing).unlink()
    with pytest.raises(RelayError, match="cannot be read: no such file"):
        house.keeper(source)


def test_own_ca_signs_for_no_other_name(house: House) -> None:
    house.own()
    authority = house.tls.authority()
    assert authority is not None
    with pytest.raises(RelayError, match="not for other") as refused:
        OwnSource(authority, "other.street.example", new_key)
    assert "--name" in (refused.value.hint or "")
    assert OwnSource(authority, f"a.{NAME}", new_key).ca == authority.der


def test_the_broker_of_somebody_else_is_not_taken_for_ones_own(house: House) -> None:
    keeper = house.keeper(house.own())
    certificate, key = TestCa().sign([NAME, "127.0.0.1"])
    keeper.file.write_bytes(key + certificate)
    assert not believes_itself(keeper)
