"""age keys as people and files carry them: `age1...`, `age1pq1...`, `AGE-SECRET-KEY-1...`, `AGE-SECRET-KEY-PQ-1...`.

A key is made from 32 random bytes: `X25519Identity(seed)` or `HybridIdentity(seed)`.
"""

from sealbell_wire.age import mlkem768x25519, x25519
from sealbell_wire.age.decoy import PostQuantumRecipient
from sealbell_wire.age.mlkem768x25519 import HybridIdentity, HybridRecipient
from sealbell_wire.age.x25519 import X25519Identity, X25519Recipient
from sealbell_wire.errors import FormatError

Recipient = X25519Recipient | PostQuantumRecipient
Identity = X25519Identity | HybridIdentity

MAX_IDENTITIES = 256
MAX_IDENTITY_FILE_CHARS = 1 << 20  # each identity with its recipient in a comment, as age-keygen writes it


def parse_recipient(text: str) -> X25519Recipient | HybridRecipient:
    """The public key in `text`, of either kind. Raises FormatError, which never quotes it."""
    # No X25519 key begins so: the digit 1 is not among the letters of keys.
    if text.startswith(f"{mlkem768x25519.RECIPIENT_PREFIX}1"):
        return HybridRecipient.from_string(text)
    if text.startswith(f"{x25519.RECIPIENT_PREFIX}1"):
        return X25519Recipient.from_string(text)
    raise FormatError("this is not a recipient: one begins with age1 or age1pq1")


def parse_identity(text: str) -> Identity:
    """The secret key in `text`, of either kind. Raises FormatError, which never quotes it."""
    if text.startswith(f"{mlkem768x25519.IDENTITY_PREFIX}1"):
        return HybridIdentity.from_string(text)
    if text.startswith(f"{x25519.IDENTITY_PREFIX}1"):
        return X25519Identity.from_string(text)
    raise FormatError("this is not an identity: one begins with AGE-SECRET-KEY-1 or AGE-SECRET-KEY-PQ-1")


def parse_identity_file(text: str) -> list[Identity]:
    """The identities in `text`, one a line, between empty lines and comments that begin with `#`.

    Raises FormatError, which names the line and never quotes it.
    """
    if len(text) > MAX_IDENTITY_FILE_CHARS:
        raise FormatError(f"an identity file has at most {MAX_IDENTITY_FILE_CHARS} characters")
    identities: list[Identity] = []
    for number, line in enumerate(text.split("\n"), start=1):
        key = line.strip()
        if not key or key.startswith("#"):
            continue
        if len(identities) == MAX_IDENTITIES:
            raise FormatError(f"an identity file has at most {MAX_IDENTITIES} identities")
        try:
            identities.append(parse_identity(key))
        except FormatError as error:
            raise FormatError(f"line {number}: {error}") from None
    if not identities:
        raise FormatError("there is no identity in it")
    return identities
