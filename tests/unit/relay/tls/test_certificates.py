"""The relay's own certificates, as we read them and as OpenSSL does."""

import ssl
import subprocess
import time
from base64 import b64encode
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from parts_factory import Owner
from sealbell_relay.errors import RelayError
from sealbell_relay.tls.certificates import (
    CA_DAYS,
    DAY_S,
    SERVER_DAYS,
    Authority,
    alternative_names,
    encode_certificate,
    encode_key,
    is_due,
    issue,
    make_authority,
    new_key,
)
from sealbell_relay.tls.names import LOOPBACK
from sealbell_wire.enrolment import MAX_CA_BYTES, RelayCard, parse_card

NOW_S = 1_790_000_000.0
VERIFY_KEY = Owner(1).card.key
NAMES = ("relay.street.example", "192.0.2.7")


@pytest.fixture(scope="module")
def authority() -> Authority:
    return make_authority(NAMES, new_key(), NOW_S)


def openssl(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)


def verified(folder: Path, ca: x509.Certificate, server: x509.Certificate, *arguments: str) -> bool:
    (folder / "ca.pem").write_bytes(encode_certificate(ca))
    (folder / "server.pem").write_bytes(encode_certificate(server))
    return (
        openssl(
            *("verify", "-x509_strict", "-purpose", "sslserver", "-attime", str(int(NOW_S)), *arguments),
            *("-CAfile", folder / "ca.pem", folder / "server.pem"),
        ).returncode
        == 0
    )


def test_openssl_believes_a_server_of_the_ca_by_each_of_its_names(authority: Authority, tmp_path: Path) -> None:
    server = issue(authority, authority.names, new_key(), NOW_S)
    for name in ("relay.street.example", "localhost"):
        assert verified(tmp_path, authority.certificate, server, "-verify_hostname", name)
    for address in ("192.0.2.7", "127.0.0.1", "::1"):
        assert verified(tmp_path, authority.certificate, server, "-verify_ip", address)
    assert not verified(tmp_path, authority.certificate, server, "-verify_hostname", "other.street.example")
    assert not verified(tmp_path, authority.certificate, server, "-verify_ip", "192.0.2.8")


@pytest.mark.parametrize("name", ["other.street.example", "street.example", "192.0.2.8", "2001:db8::1", "bank.example"])
def test_ca_cannot_sign_for_names_that_it_was_not_made_for(authority: Authority, name: str, tmp_path: Path) -> None:
    beyond = issue(authority, [*authority.names, name], new_key(), NOW_S)
    assert not verified(tmp_path, authority.certificate, beyond)


def test_ca_for_a_domain_may_sign_for_its_hosts(tmp_path: Path) -> None:
    domain = make_authority(["street.example"], new_key(), NOW_S)
    server = issue(domain, ["a.street.example"], new_key(), NOW_S)
    assert verified(tmp_path, domain.certificate, server, "-verify_hostname", "a.street.example")


def test_a_server_cannot_sign_for_anybody(authority: Authority, tmp_path: Path) -> None:
    key = new_key()
    server = issue(authority, authority.names, key, NOW_S)
    forged = issue(Authority(server, key), authority.names, new_key(), NOW_S)
    (tmp_path / "between.pem").write_bytes(encode_certificate(server))
    assert not verified(tmp_path, authority.certificate, forged, "-untrusted", str(tmp_path / "between.pem"))


def test_what_stands_in_the_certificates(authority: Authority) -> None:
    assert authority.names == (*NAMES, *LOOPBACK)
    server = issue(authority, authority.names, new_key(), NOW_S)
    assert alternative_names(server) == authority.names
    for certificate, ca in ((authority.certificate, True), (server, False)):
        extensions = certificate.extensions
        usage = extensions.get_extension_for_class(x509.KeyUsage)
        assert usage.critical
        assert (usage.value.key_cert_sign, usage.value.digital_signature) == (ca, not ca)
        purposes = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert list(purposes) == [ExtendedKeyUsageOID.SERVER_AUTH]
        basic = extensions.get_extension_for_class(x509.BasicConstraints)
        assert (basic.critical, basic.value.ca) == (True, ca)
        assert 0 < certificate.serial_number < 1 << 159
    constraints = authority.certificate.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    assert server.serial_number != issue(authority, authority.names, new_key(), NOW_S).serial_number


def test_certificates_last_as_long_as_promised(authority: Authority) -> None:
    assert authority.certificate.not_valid_after_utc.timestamp() == NOW_S + CA_DAYS * DAY_S
    server = issue(authority, authority.names, new_key(), NOW_S)
    assert server.not_valid_after_utc.timestamp() == NOW_S + SERVER_DAYS * DAY_S
    late_s = NOW_S + (CA_DAYS - 10) * DAY_S
    last = issue(authority, authority.names, new_key(), late_s)
    assert last.not_valid_after_utc == authority.certificate.not_valid_after_utc
    with pytest.raises(RelayError, match="expired"):
        issue(authority, authority.names, new_key(), NOW_S + CA_DAYS * DAY_S)


def test_a_certificate_is_due_when_a_third_is_left_or_the_clock_is_before_it(authority: Authority) -> None:
    server = issue(authority, authority.names, new_key(), NOW_S)
    third_s = (SERVER_DAYS + 1) * DAY_S / 3
    end_s = NOW_S + SERVER_DAYS * DAY_S
    assert not is_due(server, NOW_S)
    assert not is_due(server, end_s - third_s - 1)
    assert is_due(server, end_s - third_s)
    assert is_due(server, end_s + DAY_S)
    assert is_due(server, NOW_S - 2 * DAY_S)


def test_a_ca_fits_on_a_card_or_is_not_made() -> None:
    authority = make_authority([f"relay-{number}.street.example" for number in range(40)], new_key(), NOW_S)
    assert len(authority.der) <= MAX_CA_BYTES
    card = RelayCard("mqtts://h:1", "https://h:1", VERIFY_KEY, b64encode(authority.der).decode())
    assert parse_card(card.encode()) == card
    with pytest.raises(RelayError, match="does not fit on a card"):
        make_authority([f"relay-{number}.street.example" for number in range(200)], new_key(), NOW_S)


def test_pythons_strictest_context_takes_them(authority: Authority, tmp_path: Path) -> None:
    """As `ssl.create_default_context` is from Python 3.13 on."""
    now = make_authority(NAMES, new_key(), time.time())
    key = new_key()
    server = issue(now, now.names, key, time.time())
    (tmp_path / "both.pem").write_bytes(encode_key(key) + encode_certificate(server))
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.load_cert_chain(tmp_path / "both.pem")
    strict = ssl.create_default_context(cadata=now.der)
    strict.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT | ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    handshake(strict, shown, "127.0.0.1")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(strict, shown, "192.0.2.9")


def handshake(client: ssl.SSLContext, server: ssl.SSLContext, host: str) -> None:
    """Shake hands in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=host),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    while ends:
        for end in list(ends):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            ends.remove(end)
