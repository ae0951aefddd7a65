"""The files that introduce one part of Sealbell to another until pairing does it (SPEC 11). Public keys only."""

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sealbell_wire import sshsig, strictjson
from sealbell_wire.errors import FormatError
from sealbell_wire.ids import check_hash, doorbell_id

MAX_FILE_BYTES = 131_072
MAX_CA_BYTES = 2_048
DER_SEQUENCE = 0x30  # the first byte of every certificate (X.690)

_SIGNATURE = re.compile(r"[0-9a-f]{128}\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class DoorbellCard:
    """A doorbell's signing key and the owner key that it pinned, both 32 bytes in hex. Given to relay and owner."""

    key: str
    owner: str

    @property
    def doorbell(self) -> str:
        """The doorbell's id."""
        return doorbell_id(bytes.fromhex(self.key))

    def encode(self) -> bytes:
        """Return the file."""
        return strictjson.dump({"v": 1, "what": "doorbell", "key": self.key, "owner": self.owner}) + b"\n"


@dataclass(frozen=True, slots=True)
class OwnerCard:
    """An owner's verification key and SHA-256 of the token that the owner shows over HTTP. Given to the relay."""

    key: str
    token_hash: str

    def encode(self) -> bytes:
        """Return the file."""
        return strictjson.dump({"v": 1, "what": "owner", "key": self.key, "token_hash": self.token_hash}) + b"\n"


@dataclass(frozen=True, slots=True)
class Introduction:
    """What a doorbell hands its owner: its card, and the secret that it will show the broker, 32 bytes in hex.

    Secret until the owner has enrolled the doorbell; the relay keeps only hashes of the credential. The doorbell signs
    it, so that nobody who learned its public key can bind it to another owner; `signature` is 64 bytes in hex.
    """

    card: DoorbellCard
    credential: str = field(repr=False)
    signature: str = field(repr=False)

    @classmethod
    def sign(cls, key: Ed25519PrivateKey, owner: str, credential: str) -> Self:
        """Return the introduction of the doorbell with this key to the owner that it pinned."""
        card = DoorbellCard(sshsig.verify_key_of(key).hex(), owner)
        signed = strictjson.dump(_introduced(card, credential))
        return cls(card, credential, sshsig.sign(key, sshsig.INTRODUCTION, signed).hex())

    def encode(self) -> bytes:
        """Return the file."""
        return strictjson.dump({**_introduced(self.card, self.credential), "signature": self.signature}) + b"\n"


def _introduced(card: DoorbellCard, credential: str) -> dict[str, Any]:
    return {"v": 1, "what": "introduction", "key": card.key, "owner": card.owner, "credential": credential}


@dataclass(frozen=True, slots=True)
class RelayCard:
    """Where a relay is reached and the key that signs its receipts, in hex. Given to the owner.

    `ca` is the relay's own CA certificate, DER in base64, which everybody pins who can; empty where there is none: on
    loopback without TLS, or behind a certificate that is trusted publicly.
    """

    mqtt: str
    http: str
    receipt_key: str
    ca: str = ""

    def fields(self) -> dict[str, str]:
        """Return what is written of it, inside a bundle as well."""
        return {"mqtt": self.mqtt, "http": self.http, "receipt_key": self.receipt_key, "ca": self.ca}

    def encode(self) -> bytes:
        """Return the file."""
        return strictjson.dump({"v": 1, "what": "relay", **self.fields()}) + b"\n"


@dataclass(frozen=True, slots=True)
class OwnerBundle:
    """What a doorbell pins: the first readers document as a frame, and the relay. Given to the doorbell."""

    readers: bytes
    relay: RelayCard

    def encode(self) -> bytes:
        """Return the file."""
        readers = base64.b64encode(self.readers).decode("ascii")
        return strictjson.dump({"v": 1, "what": "bundle", "readers": readers, "relay": self.relay.fields()}) + b"\n"


_KEYS: dict[str, dict[str, type]] = {
    "doorbell": {"key": str, "owner": str},
    "owner": {"key": str, "token_hash": str},
    "introduction": {"key": str, "owner": str, "credential": str, "signature": str},
    "relay": {"mqtt": str, "http": str, "receipt_key": str, "ca": str},
    "bundle": {"readers": str, "relay": dict},
}


def parse_card(data: bytes) -> DoorbellCard | OwnerCard | Introduction | RelayCard | OwnerBundle:
    """Parse any of the five files; FormatError or SignatureError on anything else."""
    value = strictjson.load(data, "card", MAX_FILE_BYTES)
    what = value.get("what")
    if not isinstance(what, str) or what not in _KEYS or value.get("v") != 1:
        raise FormatError(
            "card: does not say that it is a doorbell's, an owner's, a relay's, an introduction or a bundle, version 1"
        )
    strictjson.exact_keys(value, {"v": int, "what": str, **_KEYS[what]}, f"{what} card")
    match what:
        case "doorbell":
            return DoorbellCard(_key(value["key"]), _key(value["owner"]))
        case "owner":
            return OwnerCard(_key(value["key"]), check_hash(value["token_hash"], "token's hash"))
        case "introduction":
            return _introduction(value)
        case "relay":
            return _relay(value)
        case _:
            strictjson.exact_keys(value["relay"], _KEYS["relay"], "bundle's relay")
            return OwnerBundle(_base64(value["readers"], "readers document"), _relay(value["relay"]))


def _introduction(value: dict[str, Any]) -> Introduction:
    card = DoorbellCard(_key(value["key"]), _key(value["owner"]))
    credential = check_hash(value["credential"], "doorbell's credential")
    signature = value["signature"]
    if not _SIGNATURE.match(signature):
        raise FormatError("card: its signature is not 128 lower-case hex digits")
    signed = strictjson.dump(_introduced(card, credential))
    sshsig.verify(bytes.fromhex(card.key), sshsig.INTRODUCTION, signed, bytes.fromhex(signature))
    return Introduction(card, credential, signature)


def _relay(value: dict[str, Any]) -> RelayCard:
    ca = _base64(value["ca"], "CA certificate")
    if ca and (len(ca) > MAX_CA_BYTES or ca[0] != DER_SEQUENCE):
        raise FormatError(f"card: its CA certificate is not DER of at most {MAX_CA_BYTES} bytes")
    return RelayCard(_url(value["mqtt"], "mqtt"), _url(value["http"], "http"), _key(value["receipt_key"]), value["ca"])


def _key(text: str) -> str:
    sshsig.check_key(bytes.fromhex(check_hash(text, "key in the card")))
    return text


def _url(text: str, scheme: str) -> str:
    known = text.startswith((f"{scheme}://", f"{scheme}s://"))
    if not text.isascii() or not text.isprintable() or len(text) > 256 or not known:
        raise FormatError(f"card: its {scheme} address does not begin with {scheme}:// or {scheme}s://")
    return text


def _base64(text: str, what: str) -> bytes:
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        data = b""
    if base64.b64encode(data).decode("ascii") != text:  # the round trip refuses spare bits
        raise FormatError(f"card: its {what} is not base64")
    return data
