"""The readers document: who may open a doorbell's clips and what each may do (SPEC 10).

Signed by the owner's root, or by a phone with the right that the version before lists. It travels only sealed.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sealbell_wire import sshsig, strictjson
from sealbell_wire.errors import ContradictionError, FormatError, SignatureError
from sealbell_wire.ids import ZERO_HASH, ZERO_ID, check_hash, check_id, check_name
from sealbell_wire.limits import MAX_READERS, MAX_STATEMENT_BYTES
from sealbell_wire.statement import encode_statement, take_statement

MAGIC = b"SBK1"
# An age1pq1 recipient string (C2SP age.md) of 1,959 characters, its checksum and its key not looked at.
_RECIPIENT = re.compile(r"age1pq1[qpzry9x8gf2tvdw0s3jn54khce6mua7l]{1952}\Z", re.ASCII)

Role = Literal["root", "phone"]
Right = Literal["readers", "orders"]


@dataclass(frozen=True, slots=True)
class Reader:
    """One who may open. `recipient` is an `age1pq1...` string, `signing_key` 32 bytes in hex."""

    name: str
    recipient: str
    signing_key: str
    role: Role
    rights: tuple[Right, ...]


@dataclass(frozen=True, slots=True)
class Readers:
    """One version of the document.

    `doorbell` is 32 zeros in version 1, which is written before the doorbell has drawn its key and is taken only by
    pinning. `owner` is the root's signing key of this `generation`, in hex; `next_owner` the SHA-256 of the next
    generation's; `before` the hash of the version before, 64 zeros in version 1.
    """

    doorbell: str
    version: int
    generation: int
    owner: str
    next_owner: str
    before: str
    entries: tuple[Reader, ...]

    @property
    def root(self) -> Reader:
        """The root's entry, which a parsed document always has: whoever holds the words can open every clip."""
        return next(entry for entry in self.entries if entry.role == "root")

    def encode(self) -> bytes:
        """Return the text that is signed."""
        return strictjson.dump(
            {
                "v": 1,
                "doorbell": self.doorbell,
                "version": self.version,
                "generation": self.generation,
                "owner": self.owner,
                "next_owner": self.next_owner,
                "before": self.before,
                "entries": [
                    {
                        "name": e.name,
                        "recipient": e.recipient,
                        "signing_key": e.signing_key,
                        "role": e.role,
                        "rights": list(e.rights),
                    }
                    for e in self.entries
                ],
            }
        )


@dataclass(frozen=True, slots=True)
class SignedReaders:
    """A document as it was carried: what is signed is `text`, never a re-serialisation."""

    readers: Readers
    text: bytes
    signature: bytes

    @property
    def hash(self) -> str:
        """SHA-256 of the carried text, in hex: what init parts, notices and health name."""
        return hashlib.sha256(self.text).hexdigest()

    def encode(self) -> bytes:
        """Return the frame."""
        return encode_statement(MAGIC, self.text, self.signature)


def sign_readers(readers: Readers, key: Ed25519PrivateKey) -> SignedReaders:
    """Return the document signed by `key`, the root's or that of a phone with the right."""
    text = readers.encode()
    return SignedReaders(readers, text, sshsig.sign(key, sshsig.READERS, text))


def parse_signed_readers(data: bytes) -> SignedReaders:
    """Parse a frame with nothing after it. Checks grammar, not who signed."""
    text, signature, after = take_statement(data, MAGIC)
    if after:
        raise FormatError("readers: bytes after the document")
    return SignedReaders(parse_readers(text), text, signature)


_KEYS: dict[str, type] = {
    "v": int, "doorbell": str, "version": int, "generation": int, "owner": str, "next_owner": str, "before": str,
    "entries": list,
}  # fmt: skip
_ENTRY_KEYS: dict[str, type] = {
    "name": str,
    "recipient": str,
    "signing_key": str,
    "role": str,
    "rights": list,
}


def parse_readers(text: bytes) -> Readers:
    """Parse the text of a readers document; FormatError on anything but the grammar of SPEC 10."""
    value = strictjson.load(text, "readers", MAX_STATEMENT_BYTES)
    strictjson.exact_keys(value, _KEYS, "readers")
    if value["v"] != 1 or value["version"] < 1 or value["generation"] < 0:
        raise FormatError("readers: its version numbers are not ones this program knows")
    if not 1 <= len(value["entries"]) <= MAX_READERS:
        raise FormatError(f"readers: not 1 to {MAX_READERS} entries")
    readers = Readers(
        check_id(value["doorbell"], "readers' doorbell"),
        value["version"],
        value["generation"],
        check_hash(value["owner"], "readers' owner key"),
        check_hash(value["next_owner"], "readers' next owner hash"),
        check_hash(value["before"], "readers' version before"),
        tuple(_entry(item) for item in value["entries"]),
    )
    if (readers.version == 1) != (readers.before == ZERO_HASH):
        raise FormatError("readers: only version 1 has no version before")
    if [entry.signing_key for entry in readers.entries if entry.role == "root"] != [readers.owner]:
        raise FormatError("readers: the owner's root is not listed exactly once, so nothing could be recovered")
    for field in ("recipient", "signing_key"):
        if len({getattr(entry, field) for entry in readers.entries}) != len(readers.entries):
            raise FormatError(f"readers: two entries share a {field.replace('_', ' ')}")
    return readers


def _entry(item: Any) -> Reader:
    if not isinstance(item, dict):
        raise FormatError("readers: an entry is not an object")
    strictjson.exact_keys(item, _ENTRY_KEYS, "readers' entry")
    if not _RECIPIENT.match(item["recipient"]):
        raise FormatError("readers: a recipient is not post-quantum")
    if item["role"] not in get_args(Role):
        raise FormatError("readers: a role is not root or phone")
    rights = item["rights"]
    if not all(isinstance(r, str) and r in get_args(Right) for r in rights) or len(set(rights)) != len(rights):
        raise FormatError("readers: a right is not readers or orders")
    signing_key = check_hash(item["signing_key"], "readers' signing key")
    sshsig.check_key(bytes.fromhex(signing_key))
    name = check_name(item["name"], "reader's name")
    return Reader(name, item["recipient"], signing_key, cast(Role, item["role"]), tuple(rights))


def check_pinned(signed: SignedReaders) -> None:
    """Raise WireError unless this is a first version, signed by the root that it names: what pinning takes."""
    if signed.readers.version != 1 or signed.readers.doorbell != ZERO_ID:
        raise ContradictionError("readers: only a first version, written for no doorbell yet, can be pinned")
    sshsig.verify(bytes.fromhex(signed.readers.owner), sshsig.READERS, signed.text, signed.signature)


def check_succeeds(new: SignedReaders, current: SignedReaders, doorbell: str) -> None:
    """Raise WireError unless a doorbell that holds `current` may take `new` (SPEC 10, rules 1 to 5)."""
    if new.readers.doorbell != doorbell:
        raise ContradictionError("readers: the document is another doorbell's")
    if new.readers.generation == current.readers.generation + 1:
        # Whatever its version: one who saw the words could have used up every number of the old generation.
        if hashlib.sha256(bytes.fromhex(new.readers.owner)).hexdigest() != current.readers.next_owner:
            raise ContradictionError("readers: the next generation's key is not the one that was announced")
        sshsig.verify(bytes.fromhex(new.readers.owner), sshsig.READERS, new.text, new.signature)
        return
    same_root = (new.readers.generation, new.readers.owner, new.readers.next_owner) == (
        current.readers.generation, current.readers.owner, current.readers.next_owner,
    )  # fmt: skip
    if not same_root:
        raise ContradictionError("readers: only the next generation's key can replace the owner's")
    if new.readers.version <= current.readers.version:
        raise ContradictionError(f"readers: version {new.readers.version} is not newer than the one in force")
    if _signed_by(new, current.readers.owner):
        return
    _check_phone_succeeds(new, current)


def _check_phone_succeeds(new: SignedReaders, current: SignedReaders) -> None:
    if new.readers.before != current.hash or new.readers.version != current.readers.version + 1:
        raise ContradictionError("readers: the document was written over another version than the one in force")
    if new.readers.root != current.readers.root:
        raise ContradictionError("readers: only the owner's words can change the root's entry")
    allowed = [e.signing_key for e in current.readers.entries if "readers" in e.rights]
    if not any(_signed_by(new, key) for key in allowed):
        raise SignatureError("readers: not signed by the owner, nor by a phone that may change readers")


def _signed_by(signed: SignedReaders, key_hex: str) -> bool:
    try:
        sshsig.verify(bytes.fromhex(key_hex), sshsig.READERS, signed.text, signed.signature)
    except SignatureError:
        return False
    return True
