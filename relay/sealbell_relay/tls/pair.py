"""What a server shows and proves: a chain of certificates and the key of its first, read and checked. Pure."""

from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from sealbell_relay.errors import RelayError

MAX_PEM_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Pair:
    """`pem` holds the key and then the chain, as one file, so that both are replaced at once; `leaf` is its first."""

    pem: bytes
    leaf: x509.Certificate

    def __repr__(self) -> str:
        return f"Pair({self.leaf.subject.rfc4514_string()!r})"  # never the key

    @property
    def ends_s(self) -> float:
        """When the certificate expires, Unix seconds."""
        return self.leaf.not_valid_after_utc.timestamp()

    @property
    def leaf_der(self) -> bytes:
        """The server's own certificate."""
        return self.leaf.public_bytes(Encoding.DER)


def parse_pair(chain: bytes, key: bytes) -> Pair:
    """Return a pair from PEM, which may hold more than is looked for. RelayError if the two do not fit."""
    if max(len(chain), len(key)) > MAX_PEM_BYTES:
        raise RelayError(f"a certificate or key is longer than {MAX_PEM_BYTES} bytes")
    try:
        certificates = x509.load_pem_x509_certificates(chain)
        certified = certificates[0].public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise RelayError(
            "the certificate is not PEM, or damaged", hint="give the full chain, the server's first"
        ) from None
    try:
        private = load_pem_private_key(key, None)
        public = private.public_key()
    except TypeError:
        raise RelayError(
            "the key asks for a passphrase", hint="give it without: openssl pkey -in KEY -out PLAIN"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise RelayError("the key is not PEM, or damaged", hint="give the private key of the certificate") from None
    if _bytes(certified) != _bytes(public):
        raise RelayError(
            "the key is not that of the certificate",
            hint="give both of the same renewal, the server's certificate first",
        )
    return Pair(key.strip() + b"\n" + chain.strip() + b"\n", certificates[0])


def _bytes(key: PublicKeyTypes | CertificatePublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
