"""The owner's folder: keys, pinned doorbells, and what was seen of them. Mode 0700, its files 0600.

owner.json and identity.txt are secret; bundle.json goes to a doorbell and card.json to the relay. The words are
never here.
"""

import contextlib
import fcntl
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sealbell_owner import history, keys
from sealbell_owner.clip import Trust
from sealbell_owner.errors import OwnerError
from sealbell_owner.files import make_folder, read_file, show, write_file
from sealbell_owner.gone import Gone
from sealbell_owner.heard import MAX_HEARD_BYTES, Heard, encode_heard, parse_heard
from sealbell_owner.history import Seen
from sealbell_owner.statements import Statements
from sealbell_wire import sshsig, strictjson
from sealbell_wire.age.keys import MAX_IDENTITY_FILE_CHARS, Identity, parse_identity_file
from sealbell_wire.enrolment import (
    MAX_FILE_BYTES,
    DoorbellCard,
    Introduction,
    OwnerBundle,
    OwnerCard,
    RelayCard,
    parse_card,
)
from sealbell_wire.errors import FormatError, WireError
from sealbell_wire.ids import check_hash, check_name

IDENTITY, OWNER, BUNDLE, CARD = "identity.txt", "owner.json", "bundle.json", "card.json"
DOORBELLS, SEEN, LOCK = "doorbells", "seen", "lock"
MAX_DOORBELLS = 256

Card = TypeVar("Card", DoorbellCard, RelayCard)


@dataclass(frozen=True, slots=True)
class Pin:
    """A doorbell whose key this owner trusts; `key` is 32 bytes in hex, `name` the owner's own word for it."""

    doorbell: str
    key: str
    name: str


def read_card(path: Path, kind: type[Card]) -> Card:
    """Return the card in a file if it is of this kind; OwnerError otherwise."""
    try:
        card = parse_card(read_file(path, MAX_FILE_BYTES))
    except WireError as error:
        raise OwnerError(f"{show(path)} is refused: {error}") from None
    if not isinstance(card, kind):
        wanted = "relay's" if kind is RelayCard else "doorbell's"
        raise OwnerError(f"{show(path)} is not a {wanted} card", "cards are named card.json or relay.json")
    return card


def read_doorbell(path: Path) -> DoorbellCard | Introduction:
    """Return how a doorbell introduces itself in a file, with its credential or without; OwnerError otherwise."""
    try:
        card = parse_card(read_file(path, MAX_FILE_BYTES))
    except WireError as error:
        raise OwnerError(f"{show(path)} is refused: {error}") from None
    if not isinstance(card, DoorbellCard | Introduction):
        raise OwnerError(f"{show(path)} introduces no doorbell", "`sealbell init` wrote introduction.json")
    return card


def check_free(folder: Path) -> None:
    """Raise OwnerError unless an owner can be made there."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OwnerError(f"{show(folder)} is not empty", "an owner is made in a folder of its own")


def make_home(folder: Path, entropy: bytes, relay: RelayCard) -> "Home":
    """Make an owner's folder from the words' 32 bytes; OwnerError if something is there already."""
    check_free(folder)
    root, readers = keys.derive_root(entropy, 0), keys.first_readers(entropy)
    make_folder(folder / DOORBELLS)
    make_folder(folder / SEEN)
    folder.chmod(0o700)
    recipient = f"# sealbell owner, generation {root.generation}\n# public key: {root.identity.recipient}\n"
    write_file(folder / IDENTITY, f"{recipient}{root.identity.encode()}\n".encode("ascii"))
    write_file(folder / BUNDLE, OwnerBundle(readers.encode(), relay).encode())
    card = OwnerCard(root.verify_key.hex(), hashlib.sha256(root.token).hexdigest())
    write_file(folder / CARD, card.encode())
    # Last, since a folder with this file is taken for a whole one.
    owner = {"v": 1, "generation": root.generation, "signing_seed": root.signing_seed.hex(), "token": root.token.hex()}
    write_file(folder / OWNER, strictjson.dump({**owner, "readers": readers.hash, "relay": relay.fields()}) + b"\n")
    return Home(folder)


_OWNER_KEYS: dict[str, type] = {
    "v": int, "generation": int, "signing_seed": str, "token": str, "readers": str, "relay": dict,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Owner:
    """What owner.json holds: keys in hex, the hash of the readers document this owner wrote, the relay."""

    signing_seed: str = field(repr=False)
    token: str = field(repr=False)
    readers: str
    relay: RelayCard


class Home:
    """An owner's folder that is there. Whatever is in it is checked again: a restored copy may be anything."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def owner(self) -> Owner:
        """Return the owner's keys and relay; OwnerError if they are not there, damaged, or open to others."""
        path = self.folder / OWNER
        if not path.exists():
            raise OwnerError(f"there is no owner in {show(self.folder)}", "make one with `sealbell-owner init`")
        with _naming(path):
            value = strictjson.load(self._secret(path, MAX_FILE_BYTES), "owner file")
            strictjson.exact_keys(value, _OWNER_KEYS, "owner file")
            seed, token = check_hash(value["signing_seed"], "signing seed"), check_hash(value["token"], "token")
            relay = parse_card(strictjson.dump({"v": 1, "what": "relay", **value["relay"]}))
            if value["v"] != 1 or not isinstance(relay, RelayCard):
                raise FormatError("owner file: is not of version 1")
            return Owner(seed, token, check_hash(value["readers"], "readers' hash"), relay)

    def key(self) -> Ed25519PrivateKey:
        """Return the root's signing key."""
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(self.owner().signing_seed))

    def card(self) -> OwnerCard:
        """Return what the relay is to know of this owner."""
        token = bytes.fromhex(self.owner().token)
        return OwnerCard(sshsig.verify_key_of(self.key()).hex(), hashlib.sha256(token).hexdigest())

    def identities(self) -> list[Identity]:
        """Return the age identities that open this owner's clips."""
        path = self.folder / IDENTITY
        with _naming(path):
            try:
                return parse_identity_file(self._secret(path, MAX_IDENTITY_FILE_CHARS).decode("ascii"))
            except UnicodeDecodeError:
                raise FormatError("identity file: is not text") from None

    def trust(self, pin: Pin) -> Trust:
        """Return whom to believe about the clips of a pinned doorbell."""
        return Trust(bytes.fromhex(pin.key), bytes.fromhex(self.owner().relay.receipt_key), self.identities())

    def pin(self, card: DoorbellCard, name: str) -> Pin:
        """Trust a doorbell from now on, or give it another name; OwnerError if it is bound to another owner."""
        if card.owner != sshsig.verify_key_of(self.key()).hex():
            raise OwnerError(
                "this doorbell is bound to another owner",
                "set it up with this owner's bundle: `sealbell init FOLDER --owner bundle.json`",
            )
        if any(pin.name == name and pin.doorbell != card.doorbell for pin in self.pins()):
            raise OwnerError(f"another doorbell is called {name!r} already", "choose a name by --name")
        pin = Pin(card.doorbell, card.key, check_name(name, "doorbell's name"))
        make_folder(self.folder / DOORBELLS)
        value = {"v": 1, "name": pin.name, "key": card.key, "owner": card.owner}
        write_file(self.folder / DOORBELLS / f"{card.doorbell}.json", strictjson.dump(value) + b"\n")
        return pin

    def pins(self) -> list[Pin]:
        """Return the pinned doorbells, by name."""
        folder = self.folder / DOORBELLS
        paths = sorted(folder.glob("*.json"))[:MAX_DOORBELLS] if folder.is_dir() else []
        return sorted((self._read_pin(path) for path in paths), key=lambda pin: (pin.name, pin.doorbell))

    def choose(self, wanted: str | None) -> list[Pin]:
        """Return the doorbells meant by a name or an id's beginning, or all but deleted ones; OwnerError if none is."""
        pins = self.pins()
        if not pins:
            raise OwnerError("no doorbell is pinned", "pin one with `sealbell-owner pin DIR CARD`")
        if wanted is None:
            left = [pin for pin in pins if pin.doorbell not in self.statements().deleted_doorbells()]
            if not left:
                raise OwnerError(
                    "every doorbell that was pinned is deleted", "pin another: `sealbell-owner pin DIR CARD`"
                )
            return left
        chosen = [pin for pin in pins if pin.name == wanted] or [p for p in pins if p.doorbell.startswith(wanted)]
        if len(chosen) != 1:
            what = "more than one doorbell is" if chosen else "no doorbell is"
            raise OwnerError(f"{what} meant by {wanted!r}", "list them with `sealbell-owner doorbells DIR`")
        return chosen

    def memory(self, pin: Pin) -> dict[str, Seen]:
        """Return what was seen of a doorbell's clips."""
        path = self.folder / SEEN / f"{pin.doorbell}.json"
        if not path.exists():
            return {}
        with _naming(path):
            return history.parse_memory(read_file(path, history.MAX_SEEN_BYTES), pin.doorbell)

    def remember(self, pin: Pin, seen: Iterable[Seen]) -> None:
        """Add to what was seen, beside other commands that may do the same."""
        make_folder(self.folder / SEEN)
        with (self.folder / LOCK).open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            old = self.memory(pin)
            new = history.remember(old, seen)
            if new != old:
                path = self.folder / SEEN / f"{pin.doorbell}.json"
                write_file(path, history.encode_memory(pin.doorbell, new))

    def statements(self) -> Statements:
        """Return what this owner ended, and for how long clips are kept."""
        relay_key = bytes.fromhex(self.owner().relay.receipt_key)
        return Statements(self.folder, sshsig.verify_key_of(self.key()).hex(), relay_key)

    def gone(self, pin: Pin, now_ms: int) -> Gone:
        """Return what of a doorbell is rightly gone."""
        return self.statements().gone(pin.doorbell, now_ms)

    def heard(self, pin: Pin) -> Heard | None:
        """Return what was heard of a doorbell's health; None if nothing was."""
        path = self._heard_file(pin)
        if not path.exists():
            return None
        with _naming(path):
            return parse_heard(read_file(path, MAX_HEARD_BYTES), pin.doorbell)

    def keep_heard(self, pin: Pin, change: Callable[[Heard | None], Heard]) -> None:
        """Replace what was heard by what `change` makes of it, beside other commands that may do the same."""
        make_folder(self.folder / SEEN)
        with (self.folder / LOCK).open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            old = self.heard(pin)
            new = change(old)
            if new != old:
                write_file(self._heard_file(pin), encode_heard(pin.doorbell, new))

    def _heard_file(self, pin: Pin) -> Path:
        return self.folder / SEEN / f"{pin.doorbell}.health.json"

    def _read_pin(self, path: Path) -> Pin:
        with _naming(path):
            value = strictjson.load(read_file(path, MAX_FILE_BYTES), "pin")
            strictjson.exact_keys(value, {"v": int, "name": str, "key": str, "owner": str}, "pin")
            name = check_name(value.pop("name"), "doorbell's name")
            card = parse_card(strictjson.dump({**value, "what": "doorbell"}))
            if not isinstance(card, DoorbellCard) or path.name != f"{card.doorbell}.json":
                raise FormatError("pin: is not the doorbell's after which it is named")
            return Pin(card.doorbell, card.key, name)

    def _secret(self, path: Path, limit_bytes: int) -> bytes:
        data = read_file(path, limit_bytes)
        if path.stat().st_mode & 0o077:
            raise OwnerError(f"{show(path)} can be read by others", f"close it with `chmod 600 {path}`")
        return data


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except WireError as error:
        raise OwnerError(f"{show(path)} is damaged: {error}", "restore it, or recover the owner by the words") from None
