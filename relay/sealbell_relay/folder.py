"""The relay's folder: what lies where, made once, used by one serving relay at a time.

receipt.key   the seed that signs receipts (0600)
broker.credential  what relays show their broker, 32 bytes in hex (0600)
relay.json    the card: where the relay was reached when it served last, and its receipt key
admin         where this machine's programs reached it then: /metrics, /readyz
lock          held while a relay serves
place         which inode and change time `lock` had when it served last: a copy's are others (holds.py)
tls/          its CA, and the certificate in use (sealbell_relay.tls.folder)
broker/       the embedded broker's
store/        everything that is kept
"""

import contextlib
import fcntl
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sealbell_relay.errors import RelayError
from sealbell_wire.enrolment import MAX_FILE_BYTES, RelayCard, parse_card
from sealbell_wire.errors import FormatError, WireError
from sealbell_wire.ids import check_hash

SEED_BYTES = 32
MAX_SECRET_BYTES = 128
NEW = "new"
ADMIN_URL = re.compile(r"http://127\.0\.0\.1:[1-9][0-9]{0,4}\Z", re.ASCII)
OWN = frozenset(
    {"receipt.key", "broker.credential", "relay.json", "admin", "lock", "place", "tls", "broker", "store", NEW}
)


class Folder:
    """Paths and files below one relay's folder. Methods raise RelayError with what to do next."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.store = self.root / "store"
        self.broker = self.root / "broker"
        self.tls = self.root / "tls"
        self.card_file = self.root / "relay.json"
        self.lock_file = self.root / "lock"
        self._place_file = self.root / "place"
        self._admin_file = self.root / "admin"
        self._key_file = self.root / "receipt.key"
        self._credential_file = self.root / "broker.credential"

    @property
    def is_relay(self) -> bool:
        """Whether a relay was made here."""
        return self._key_file.is_file()

    def make(self, seed: bytes) -> None:
        """Make the folder and its receipt key from 32 random bytes; refused where anything else lies already."""
        with self._failures("be made"):
            if self.is_relay:
                raise RelayError(f"{self.root} is a relay's folder already", hint="start it: sealbell-relay serve")
            if self.root.exists() and not {path.name for path in self.root.iterdir()} <= OWN:
                raise RelayError(f"{self.root} holds other files", hint="give a folder that is empty or not there")
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.root.chmod(0o700)
            self._write(self._key_file, seed.hex().encode("ascii") + b"\n")

    def key(self) -> Ed25519PrivateKey:
        """Return the key that signs receipts."""
        with self._failures("be read"):
            if not self.is_relay:
                raise RelayError(f"{self.root} is not a relay's folder", hint="make one: sealbell-relay init")
            text = self._key_file.read_bytes()
        try:
            return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text.decode("ascii")))
        except ValueError:
            raise RelayError(f"{self._key_file} is damaged", hint="put it back from a backup") from None

    def credential(self, draw: Callable[[int], bytes]) -> str:
        """Return what this relay shows its broker, 32 bytes in hex; drawn the first time it is asked for."""
        with self._failures("be read"):
            if not self._credential_file.exists():
                self._write(self._credential_file, draw(SEED_BYTES).hex().encode("ascii") + b"\n")
            text = self._credential_file.read_bytes()[:MAX_SECRET_BYTES]
        try:
            return check_hash(text.decode("ascii").strip(), "broker credential")
        except (UnicodeDecodeError, FormatError):
            raise RelayError(
                f"{self._credential_file} is not 32 bytes in hex",
                hint="put it back from a backup, or remove it here and at every relay of this broker",
            ) from None

    def read_place(self) -> str | None:
        """Return what was written last; None if nothing was."""
        with self._failures("be read"):
            return (
                self._place_file.read_text("utf-8", "replace")[:MAX_SECRET_BYTES].strip()
                if self._place_file.exists()
                else None
            )

    def write_place(self, place: str) -> None:
        """Say which folder this is."""
        with self._failures("be written"):
            self._write(self._place_file, f"{place}\n".encode("ascii"))

    def card(self) -> RelayCard | None:
        """Return the card of the last time the relay served; None if it never did, or its card is damaged."""
        try:
            with self.card_file.open("rb") as file:
                card = parse_card(file.read(MAX_FILE_BYTES + 1))
        except (OSError, WireError):
            return None
        return card if isinstance(card, RelayCard) else None

    def write_card(self, card: RelayCard) -> None:
        """Replace the card at once, never half."""
        with self._failures("be written"):
            self._write(self.card_file, card.encode())

    def admin(self) -> str | None:
        """Return the URL where programs of this machine reach a relay that serves; None if it never did."""
        try:
            text = self._admin_file.read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            return None
        return text if ADMIN_URL.match(text) else None

    def write_admin(self, url: str) -> None:
        """Say where programs of this machine reach the relay."""
        with self._failures("be written"):
            self._write(self._admin_file, url.encode("ascii") + b"\n")

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder for one serving relay; RelayError if another one does. A killed relay holds nothing."""
        with self._failures("be locked"):
            descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise RelayError(
                f"another relay is serving {self.root}", hint="look at it: sealbell-relay status"
            ) from None
        try:
            yield
        finally:
            os.close(descriptor)

    def write(self, path: Path, data: bytes) -> None:
        """Replace a file of the relay's at once, never half, for its user alone."""
        with self._failures("be written"):
            path.parent.mkdir(mode=0o700, exist_ok=True)
            self._write(path, data)

    def _write(self, path: Path, data: bytes) -> None:
        temporary = self.root / NEW
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @contextlib.contextmanager
    def _failures(self, verb: str) -> Iterator[None]:
        try:
            yield
        except OSError as failure:
            raise RelayError(f"{self.root} cannot {verb}: {(failure.strerror or 'failed').lower()}") from failure
