"""Certificates for tests, good ones and those that an impostor would show, written as files that servers read."""

import datetime
import ipaddress
import ssl
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

LOCAL = ("localhost", "127.0.0.1")
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class TestCa:
    """A CA as others make them, without constraints. `names` etc. of what it signs are the test's to choose."""

    __test__ = False

    def __init__(self, title: str = "A CA of a test") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title)])
        builder = _builder(self._name, self._name, self._key, -1, 3_650)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.certificate = builder.sign(self._key, SHA256())

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def sign(
        self, names: Iterable[str] = LOCAL, days: tuple[float, float] = (-1, 90), key: Key | None = None
    ) -> tuple[bytes, bytes]:
        """A server's certificate and its key, PEM; `days` are when it begins and ends, counted from now."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A server of a test")])
        builder = _builder(subject, self._name, key, *days)
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        certificate = builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM)
        return certificate, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def server_context(certificate: bytes, key: bytes, folder: Path) -> ssl.SSLContext:
    """What a server shows these with."""
    both = folder / "shown.pem"
    both.write_bytes(key + certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Key, from_day: float, to_day: float
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=from_day))
        .not_valid_after(now + datetime.timedelta(days=to_day))
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
