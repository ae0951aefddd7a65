"""Whole age files. Head and body are kept apart: records hash them apart, and a release replaces only the head."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from sealbell_wire.age import header, payload
from sealbell_wire.age.errors import HeaderFailure, NoMatch, PayloadFailure, RecipientsError
from sealbell_wire.age.keys import Identity, Recipient

Random = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Sealed:
    """An age file, and how many of its bytes are the head, through the newline of the MAC line."""

    file: bytes
    head_bytes: int

    @property
    def head(self) -> bytes:
        """The header with its MAC."""
        return self.file[: self.head_bytes]

    @property
    def body(self) -> memoryview:
        """The payload, not copied."""
        return memoryview(self.file)[self.head_bytes :]


class Head:
    """The head of one file, made before there is anything to seal: a fresh file key, and its stanzas for `recipients`.

    It seals once and keeps no file key after that, since no two files may share one (SPEC 5.1). Raises RecipientsError.
    """

    __slots__ = ("_file_key", "_head")

    def __init__(self, recipients: Sequence[Recipient], random: Random = os.urandom) -> None:
        self._file_key: bytes | None = random(header.FILE_KEY_BYTES)
        self._head = _head(self._file_key, recipients, random)

    def seal(self, plaintext: bytes, random: Random = os.urandom) -> Sealed:
        """The file of which this is the head. Raises RuntimeError if there is one already."""
        file_key, self._file_key = self._file_key, None
        if file_key is None:
            raise RuntimeError("this head has sealed a file: each file has a file key of its own")
        age_file = payload.seal(file_key, random(payload.NONCE_BYTES), plaintext, self._head)
        return Sealed(age_file, len(self._head))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a head is neither copied nor written: it would seal twice")


def seal(plaintext: bytes, recipients: Sequence[Recipient], random: Random = os.urandom) -> Sealed:
    """An age file for `recipients`, under a fresh file key. Raises RecipientsError."""
    return Head(recipients, random).seal(plaintext, random)


def split(age_file: bytes) -> tuple[bytes, bytes]:
    """Head and body of an age file whose header follows the grammar; nothing is opened. Raises HeaderFailure."""
    end = header.find_end(age_file)
    if end is None:
        raise HeaderFailure("the file ends within its header")
    header.parse(age_file[:end])
    return age_file[:end], age_file[end:]


def unwrap(head: bytes, identities: Sequence[Identity]) -> bytes:
    """The file key of a head that is the one that was sealed.

    Raises HeaderFailure, NoMatch, or MacFailure. The first stanza that opens decides, identity by identity.
    """
    parsed = header.parse(head)
    for identity in identities:
        for stanza in parsed.stanzas:
            file_key = identity.unwrap(stanza)
            if file_key is not None:
                header.verify(parsed, file_key)
                return file_key
    raise NoMatch(f"the file is not sealed to any of the {len(identities)} identities given")


def rewrap(
    head: bytes, identities: Sequence[Identity], recipients: Sequence[Recipient], random: Random = os.urandom
) -> bytes:
    """A head that opens the same body for other recipients, made only if the old one is as it was sealed.

    Raises what `unwrap` raises, and RecipientsError.
    """
    return _head(unwrap(head, identities), recipients, random)


def open_body(file_key: bytes, body: bytes) -> bytes:
    """The plaintext of a whole body.

    Raises PayloadFailure, which holds what was authenticated before it, or HeaderFailure for a cut nonce.
    """
    reader = payload.Reader(file_key)
    released = reader.feed(body)
    try:
        return released + reader.finish()
    except PayloadFailure as failure:
        failure.released = released + failure.released
        raise


def open_file(age_file: bytes, identities: Sequence[Identity]) -> bytes:
    """The plaintext of a whole age file. Raises what `unwrap` and `open_body` raise."""
    head, body = split(age_file)
    return open_body(unwrap(head, identities), body)


class Opener:
    """Opens an age file that arrives in pieces, in bounded memory, handing out plaintext once authenticated."""

    def __init__(self, identities: Sequence[Identity]) -> None:
        self._identities = identities
        self._head = bytearray()
        self._reader: payload.Reader | None = None

    def feed(self, piece: bytes) -> bytes:
        """The plaintext that `piece` completes, perhaps none. Raises what `open_file` raises."""
        if self._reader is not None:
            return self._reader.feed(piece)
        scanned_bytes = len(self._head)
        self._head += piece
        end = header.find_end(self._head, scanned_bytes)
        if end is None:
            return b""
        head, body = bytes(self._head[:end]), bytes(self._head[end:])
        self._head.clear()
        self._reader = payload.Reader(unwrap(head, self._identities))
        return self._reader.feed(body)

    def finish(self) -> bytes:
        """The last plaintext, once there is nothing more to feed. Raises what `open_file` raises."""
        if self._reader is None:
            raise HeaderFailure("the file ends within its header")
        return self._reader.finish()


def _head(file_key: bytes, recipients: Sequence[Recipient], random: Random) -> bytes:
    if not 1 <= len(recipients) <= header.MAX_STANZAS:
        raise RecipientsError(f"a file is sealed to 1 to {header.MAX_STANZAS} recipients, not {len(recipients)}")
    if len({recipient.post_quantum for recipient in recipients}) > 1:
        # C2SP age.md: the weaker stanza would hand the file to whoever records it today and breaks X25519 later.
        raise RecipientsError("post-quantum and X25519 recipients cannot share a header: seal one file for each kind")
    return header.serialise([recipient.wrap(file_key, random) for recipient in recipients], file_key)
