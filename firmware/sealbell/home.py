"""The doorbell's folder: `state` (its key, for its owner alone), `outbox`, `inbox`, what it pinned, its card.

`mqtt.credential` is what it shows the broker, `introduction.json` what it hands its owner once: card and credential.
"""

import errno
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sealbell_wire.enrolment import (
    MAX_FILE_BYTES,
    DoorbellCard,
    Introduction,
    OwnerBundle,
    RelayCard,
    parse_card,
)
from sealbell_wire.errors import FormatError, WireError
from sealbell_wire.ids import check_hash
from sealbell_wire.readers import SignedReaders, check_pinned, parse_signed_readers

SEED_BYTES = 32
MAX_SECRET_BYTES = 128
CREDENTIAL_BYTES = 32
KEY, CREDENTIAL, INTRODUCTION = "signing.key", "mqtt.credential", "introduction.json"
NONE = "none"  # what the unit hands over where there is no file, so that we start and say what to do


Secret = TypeVar("Secret")


class HomeError(Exception):
    """The doorbell's folder is not what it must be."""


@dataclass(frozen=True, slots=True)
class Home:
    """Paths below the doorbell's folder, and the folder in which systemd hands over what root alone may read there."""

    folder: Path
    credentials: Path | None = None

    @property
    def outbox(self) -> Path:
        """Sealed parts on their way to the relay."""
        return self.folder / "outbox"

    @property
    def inbox(self) -> Path:
        """Sealed orders on their way to the camera process."""
        return self.folder / "inbox"

    @property
    def _signing_key(self) -> Path:
        return self.folder / "state" / KEY

    def signing_key(self) -> Ed25519PrivateKey:
        """Return the doorbell's signing key, the one that was handed over before the one in `state`.

        HomeError if there is none, or if what was handed over is none.
        """
        return self._secret("signing key", self._signing_key, _read_key)

    def credential(self) -> str:
        """Return what the doorbell shows the broker, 32 bytes in hex; found like the signing key, also its errors."""
        return self._secret("broker credential", self.folder / CREDENTIAL, _read_credential)

    def readers(self) -> SignedReaders:
        """Return the pinned readers document, checked again."""
        signed = parse_signed_readers(self._bundle().readers)
        check_pinned(signed)
        return signed

    def relay(self) -> RelayCard:
        """Return the pinned relay."""
        return self._bundle().relay

    def card(self) -> DoorbellCard:
        """Return the doorbell's public card."""
        card = self._read_card("card.json")
        if not isinstance(card, DoorbellCard):
            raise HomeError(f"{self.folder / 'card.json'} is not a doorbell's card")
        return card

    def _secret(self, what: str, path: Path, read: Callable[[Path], Secret]) -> Secret:
        if self.credentials is not None:
            try:
                return read(self.credentials / path.name)
            except FileNotFoundError:  # a unit that hands over other things
                pass
            except (OSError, ValueError, FormatError) as error:
                raise HomeError(
                    f"{self.credentials / path.name}: the {what} handed over cannot be read: {_reason(error)}\n"
                    f"hint: LoadCredential= of the unit says of which file it is a copy: {path}?"
                ) from None
        try:
            return read(path)
        except (OSError, ValueError, FormatError) as error:
            raise self._missing(what, error) from None

    def _bundle(self) -> OwnerBundle:
        bundle = self._read_card("bundle.json")
        if not isinstance(bundle, OwnerBundle):
            raise HomeError(f"{self.folder / 'bundle.json'} is not an owner's bundle")
        return bundle

    def _read_card(self, name: str) -> object:
        try:
            return read_card(self.folder / name)
        except (OSError, WireError) as error:
            raise self._missing(name, error) from None

    def _missing(self, what: str, error: Exception) -> HomeError:
        return HomeError(
            f"{self.folder}: its {what} cannot be read: {_reason(error)}\n"
            f"hint: `sealbell init {self.folder} --owner BUNDLE` sets a doorbell up;"
            f" if it was before, remove {self.folder / 'card.json'} first"
        )


def _read_key(path: Path) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text(encoding="ascii").strip()))


def _read_credential(path: Path) -> str:
    with path.open("rb") as file:
        text = file.read(MAX_SECRET_BYTES + 1).decode("ascii").strip()
    if text == NONE:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    return check_hash(text, "credential")


def _reason(error: Exception) -> str:
    return str(error.strerror if isinstance(error, OSError) else error).lower()


def read_card(path: Path) -> object:
    """Return the card in a file; OSError or WireError if there is none."""
    with path.open("rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise FormatError(f"card: longer than {MAX_FILE_BYTES} bytes")
    return parse_card(data)


def set_up(folder: Path, bundle_file: Path, random_bytes: Callable[[int], bytes]) -> DoorbellCard:
    """Make a doorbell's folder: draw its signing key and credential, pin the owner's bundle, write its card.

    HomeError if the folder already holds a doorbell or the bundle cannot be pinned; nothing is left half made.
    """
    home = Home(folder)
    if (folder / "card.json").exists():
        raise HomeError(
            f"{folder} already is a doorbell's\nhint: keys are drawn once; choose another folder, or delete this one"
        )
    try:
        bundle = read_card(bundle_file)
        if not isinstance(bundle, OwnerBundle):
            raise HomeError(f"{bundle_file} is not an owner's bundle\nhint: `sealbell-owner init` writes bundle.json")
        signed = parse_signed_readers(bundle.readers)
        check_pinned(signed)
    except WireError as error:
        raise HomeError(f"{bundle_file} cannot be pinned: {error}") from None
    except OSError as error:
        raise HomeError(f"{bundle_file} cannot be read: {(error.strerror or 'unknown').lower()}") from None
    seed, credential = random_bytes(SEED_BYTES), random_bytes(CREDENTIAL_BYTES).hex()
    key = Ed25519PrivateKey.from_private_bytes(seed)
    introduction = Introduction.sign(key, signed.readers.owner, credential)
    try:
        with _as_owner_of(folder):
            for part in (folder, home.outbox, home.inbox, folder / "state"):
                part.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(home._signing_key, seed.hex().encode() + b"\n", 0o600)
            _write(folder / CREDENTIAL, credential.encode() + b"\n", 0o600)
            _write(folder / INTRODUCTION, introduction.encode(), 0o600)
            _write(folder / "bundle.json", bundle.encode(), 0o644)
            _write(folder / "card.json", introduction.card.encode(), 0o644)
    except OSError as error:
        raise HomeError(f"{folder} cannot be set up: {(error.strerror or 'unknown').lower()}") from None
    return introduction.card


@contextmanager
def _as_owner_of(folder: Path) -> Iterator[None]:
    """Root acts as whom the folder belongs to, who could lead it elsewhere by a link, and must read the key."""
    if os.geteuid() != 0 or not folder.is_dir() or (owner := folder.stat()).st_uid == 0:
        yield
        return
    group = os.getegid()
    os.setegid(owner.st_gid)
    os.seteuid(owner.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)


def _write(path: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)  # whatever root's umask: both processes read what was pinned
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def describe(card: DoorbellCard) -> str:
    """Return a card as JSON for programs."""
    return json.dumps({"doorbell": card.doorbell, "key": card.key, "owner": card.owner})
