"""What a doorbell shows the broker, as hashes only: 32 random bytes in hex, said once over TLS when it is enrolled.

    credentials/{doorbell}     {"bcrypt":"$2b$...","pbkdf2":"$7$...","v":1}: for NATS and for Mosquitto

Both hashes are as cheap as their brokers allow. Stretching is for secrets that can be guessed, and nobody guesses 256
random bits; but a thousand doorbells come back at once after a broker's restart, and each costs it one hash.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator

import bcrypt

from sealbell_relay.broker.accounts import Account, doorbell_account
from sealbell_relay.errors import DamagedError, RelayError
from sealbell_relay.store.store import Store
from sealbell_wire.errors import FormatError
from sealbell_wire.ids import check_hash, check_id

CREDENTIALS = "credentials"
MAX_OBJECT_BYTES = 512
BCRYPT_COST = 4  # the least: 2^4 rounds
PBKDF2_ROUNDS = 101  # what mosquitto_passwd writes
SALT_BYTES = 12

_OBJECT = re.compile(
    rb'\{"bcrypt":"(\$2b\$04\$[./A-Za-z0-9]{53})","pbkdf2":"(\$7\$101\$[A-Za-z0-9+/]{16}\$[A-Za-z0-9+/]{86}==)","v":1\}\n'
)


class Credentials:
    """The doorbells' credentials in a store. Every method may raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def enrol(self, doorbell: str, secret_hex: str) -> bool:
        """Keep what `doorbell` will show; False if that was done before. RelayError if it showed another one then."""
        name = f"{CREDENTIALS}/{check_id(doorbell, 'doorbell')}"
        secret = check_hash(secret_hex, "doorbell's credential").encode("ascii")
        if self._store.put(name, _encode(*hashes(secret))):
            return True
        account = self.account(doorbell)
        if account is not None and bcrypt.checkpw(secret, account.bcrypt.encode("ascii")):
            return False
        raise RelayError(
            "this doorbell is enrolled already, with another credential",
            hint="a doorbell draws key and credential once; set up anew it is another doorbell",
        )

    def account(self, doorbell: str) -> Account | None:
        """Return what a broker has to be told of `doorbell`; None if it has no credential. DamagedError if unusable."""
        name = f"{CREDENTIALS}/{doorbell}"
        data = self._store.read(name, 0, MAX_OBJECT_BYTES)
        if data is None:
            return None
        try:
            return doorbell_account(check_id(doorbell, "doorbell"), *parse(data))
        except FormatError as damage:
            raise DamagedError(f"the store holds a damaged {name}: {damage}") from damage

    def names(self) -> list[str]:
        """Return the ids of all that have a credential, sorted."""
        return [entry.name for entry in self._store.list(CREDENTIALS).objects]

    def all(self) -> Iterator[Account]:
        """Yield everyone's account, sorted by id."""
        yield from self.accounts(self.names())

    def accounts(self, names: Iterable[str]) -> Iterator[Account]:
        """Yield the accounts of those who have one."""
        for name in names:
            if account := self.account(name):
                yield account

    def remove(self, doorbell: str) -> None:
        """Forget what `doorbell` showed: it has ended."""
        self._store.remove(f"{CREDENTIALS}/{doorbell}")


def hashes(secret: bytes) -> tuple[str, str]:
    """Return the bcrypt and the PBKDF2-SHA512 of a secret, as NATS and Mosquitto read them."""
    salt = secrets.token_bytes(SALT_BYTES)
    key = hashlib.pbkdf2_hmac("sha512", secret, salt, PBKDF2_ROUNDS)
    pbkdf2 = f"$7${PBKDF2_ROUNDS}${base64.b64encode(salt).decode('ascii')}${base64.b64encode(key).decode('ascii')}"
    return bcrypt.hashpw(secret, bcrypt.gensalt(BCRYPT_COST)).decode("ascii"), pbkdf2


def parse(data: bytes) -> tuple[str, str]:
    """Return the bcrypt and the PBKDF2 that an object holds; FormatError on anything else."""
    found = _OBJECT.fullmatch(data)
    if not found:
        raise FormatError("it does not hold two hashes of a credential")
    return found[1].decode("ascii"), found[2].decode("ascii")


def _encode(bcrypt_hash: str, pbkdf2: str) -> bytes:
    return f'{{"bcrypt":"{bcrypt_hash}","pbkdf2":"{pbkdf2}","v":1}}\n'.encode("ascii")
