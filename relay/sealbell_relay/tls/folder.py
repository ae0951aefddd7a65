"""What the relay keeps of TLS, in DIR/tls.

ca.pem, ca.key    its own CA, made once: doorbells pin it (the key 0600)
given.json        instead, where the operator keeps a certificate that others sign, and renew in place
server.pem        key and certificates in use; made again when it is not there
"""

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from sealbell_relay.errors import RelayError
from sealbell_relay.folder import Folder
from sealbell_relay.tls.certificates import Authority, Key, encode_certificate, encode_key, make_authority
from sealbell_relay.tls.pair import MAX_PEM_BYTES, Pair, parse_pair
from sealbell_wire import strictjson
from sealbell_wire.enrolment import MAX_CA_BYTES
from sealbell_wire.errors import FormatError

CA, CA_KEY, GIVEN, SERVER = "ca.pem", "ca.key", "given.json", "server.pem"
FILES = frozenset({CA, CA_KEY, GIVEN, SERVER})
SECRET = frozenset({CA_KEY, SERVER})
MAX_GIVEN_BYTES = 16_384

_BACKUP = "put it back from a backup; without one delete DIR/tls: doorbells and owners then need the new card"


@dataclass(frozen=True, slots=True)
class Given:
    """Where a certificate that others sign is kept, and the CA that signed it; `ca` is None if that is a public one."""

    certificate: Path
    key: Path
    ca: Path | None

    def encode(self) -> bytes:
        """Return given.json."""
        paths = {"certificate": str(self.certificate), "key": str(self.key), "ca": str(self.ca or "")}
        return strictjson.dump({"v": 1, **paths}) + b"\n"


def parse_given(data: bytes) -> Given:
    """Parse given.json; FormatError on anything else."""
    value = strictjson.load(data, "given.json", MAX_GIVEN_BYTES)
    strictjson.exact_keys(value, {"v": int, "certificate": str, "key": str, "ca": str}, "given.json")
    if value["v"] != 1 or not value["certificate"] or not value["key"]:
        raise FormatError("given.json: is of another version, or names no files")
    return Given(Path(value["certificate"]), Path(value["key"]), Path(value["ca"]) if value["ca"] else None)


class TlsFolder:
    """DIR/tls of one relay. Methods raise RelayError."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._root = folder.tls
        self.server_file = self._root / SERVER

    def authority(self) -> Authority | None:
        """Return the relay's own CA; None if it has none yet."""
        if not (self._root / CA).exists():
            return None
        return parse_authority(_read(self._root / CA), _read(self._root / CA_KEY), str(self._root))

    def make_authority(self, names: tuple[str, ...], key: Key, now_s: float) -> Authority:
        """Make it. The certificate is written last: without it there is no CA, and its making begins anew."""
        authority = make_authority(names, key, now_s)
        self._folder.write(self._root / CA_KEY, encode_key(key))
        self._folder.write(self._root / CA, encode_certificate(authority.certificate))
        return authority

    def given(self) -> Given | None:
        """Return where the given certificate is; None if none was given."""
        path = self._root / GIVEN
        if not path.exists():
            return None
        try:
            return parse_given(_read(path))
        except FormatError as error:
            raise RelayError(f"{path} is damaged: {error}", hint="delete DIR/tls and give the files again") from None

    def refer(self, given: Given) -> None:
        """Remember where the given certificate is."""
        self._folder.write(self._root / GIVEN, given.encode())

    def server(self) -> Pair | None:
        """Return the pair in use last; None if there is none, or it is damaged: then it is made again."""
        try:
            data = _read(self.server_file)
            return parse_pair(data, data)
        except RelayError:
            return None

    def write_server(self, pair: Pair) -> None:
        """Put a pair into use."""
        self._folder.write(self.server_file, pair.pem)


def parse_authority(certificate: bytes, key: bytes, where: str) -> Authority:
    """Return a CA from its two files; RelayError if they are damaged or do not belong together."""
    pair = parse_pair(certificate, key)
    private = load_pem_private_key(key, None)
    if not isinstance(private, Key):
        raise RelayError(f"the CA in {where} is not one that a relay made", hint=_BACKUP)
    authority = Authority(pair.leaf, private)
    try:
        authority.names  # noqa: B018 - without constraints it is none of ours
    except x509.ExtensionNotFound:
        raise RelayError(f"the CA in {where} is not one that a relay made", hint=_BACKUP) from None
    return authority


def read_pair(certificate: Path, key: Path) -> Pair:
    """Return the pair that lies in two files, or in one."""
    try:
        return parse_pair(_read(certificate), _read(key))
    except RelayError as error:
        raise RelayError(f"{certificate} and {key}: {error}", hint=error.hint) from None


def read_ca(path: Path) -> bytes:
    """Return the CA certificate in a PEM file as it stands on cards: DER."""
    try:
        der = x509.load_pem_x509_certificate(_read(path)).public_bytes(Encoding.DER)
    except ValueError:
        raise RelayError(f"{path} is not a CA's certificate in PEM") from None
    if len(der) > MAX_CA_BYTES:
        raise RelayError(f"the CA's certificate in {path} is longer than {MAX_CA_BYTES} bytes, and fits on no card")
    return der


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            if len(data := file.read(MAX_PEM_BYTES + 1)) > MAX_PEM_BYTES:
                raise RelayError(f"{path} is longer than {MAX_PEM_BYTES} bytes")
            return data
    except OSError as failure:
        reason = (failure.strerror or os.strerror(failure.errno or 0)).lower()
        raise RelayError(f"{path} cannot be read: {reason}", hint="may the relay's user read it?") from failure
