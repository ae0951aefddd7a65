"""The relay's own certificates (RFC 5280): a CA for the names it was made for alone, and servers' certificates by it.

Whoever imports this CA, into a phone say, trusts it for these names, for TLS servers, and for nothing else. A key signs
itself or is signed once, so its fingerprint serves for a serial number. Pure: keys and times are handed in, times in
Unix seconds.
"""

import datetime
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sealbell_relay.errors import RelayError
from sealbell_relay.tls.names import LOOPBACK, general, names_in, subtree
from sealbell_wire.enrolment import MAX_CA_BYTES

DAY_S = 86_400
CA_DAYS = 3_650
SERVER_DAYS = 90
SLACK_S = DAY_S  # a certificate begins so long before it is made: clocks differ
CURVE = ec.SECP256R1()  # every client knows it

Key = ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA: its certificate and its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def names(self) -> tuple[str, ...]:
        """The names that it may sign for, loopback's among them."""
        found = self.certificate.extensions.get_extension_for_class(x509.NameConstraints).value
        return names_in(found.permitted_subtrees or ())

    @property
    def der(self) -> bytes:
        """The certificate as it stands on cards."""
        return self.certificate.public_bytes(Encoding.DER)


def new_key() -> Key:
    """Return a new key, drawn by OpenSSL."""
    return ec.generate_private_key(CURVE)


def make_authority(names: Iterable[str], key: Key, now_s: float) -> Authority:
    """Make a CA for these names and loopback's, for ten years. RelayError if its card could not hold them."""
    title = _title("Sealbell relay's CA", key)
    permitted = [subtree(name) for name in dict.fromkeys((*names, *LOOPBACK))]
    builder = (
        _builder(key, title, title, now_s, now_s + CA_DAYS * DAY_S)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        # Loopback's names are of both kinds; of a kind that is not mentioned, all names would be permitted.
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    authority = Authority(builder.sign(key, SHA256()), key)
    if len(authority.der) > MAX_CA_BYTES:
        raise RelayError(
            "a CA for so many names does not fit on a card", hint="give fewer: a domain stands for its hosts"
        )
    return authority


def issue(authority: Authority, names: Iterable[str], key: Key, now_s: float) -> x509.Certificate:
    """Make a server's certificate for 90 days, or as long as the CA lasts. RelayError if that has ended."""
    ends_s = authority.certificate.not_valid_after_utc.timestamp()
    if now_s >= ends_s:
        raise RelayError(
            "the relay's own CA has expired",
            hint="make a new one: delete DIR/tls; doorbells and owners need the new card",
        )
    ca_id = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    subject = _title("Sealbell relay", key)
    until_s = min(ends_s, now_s + SERVER_DAYS * DAY_S)
    builder = (
        _builder(key, subject, authority.certificate.subject, now_s, until_s)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.SubjectAlternativeName([general(name) for name in names]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ca_id), critical=False)
    )
    return builder.sign(authority.key, SHA256())


def is_due(certificate: x509.Certificate, now_s: float) -> bool:
    """Whether a third of its life or less is left, or it has not begun."""
    begin_s, end_s = certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp()
    return not begin_s <= now_s < end_s - (end_s - begin_s) / 3


def alternative_names(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the names that a certificate is for; none if it says so in no way that clients look at."""
    try:
        return names_in(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except (x509.ExtensionNotFound, ValueError):
        return ()


def encode_key(key: Key) -> bytes:
    """Return a key as PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def encode_certificate(certificate: x509.Certificate) -> bytes:
    """Return a certificate as PEM."""
    return certificate.public_bytes(Encoding.PEM)


def _builder(key: Key, subject: x509.Name, issuer: x509.Name, now_s: float, until_s: float) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(_fingerprint(key)[:16]) >> 1 | 1)
        .not_valid_before(_time(now_s - SLACK_S))
        .not_valid_after(_time(until_s))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs, key_cert_sign=signs, crl_sign=signs, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _title(text: str, key: Key) -> x509.Name:
    # With the key's fingerprint, or two relays' CAs could not be told apart in a list.
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{text} {_fingerprint(key).hex()[:16]}")])


def _fingerprint(key: Key) -> bytes:
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(public).digest()


def _time(unix_s: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(int(unix_s), datetime.UTC)
