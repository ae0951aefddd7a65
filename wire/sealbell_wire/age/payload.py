"""The payload of an age file: a nonce and chunks of 64 KiB, each sealed for itself (C2SP age.md, "Payload").

    payload = nonce (16) || chunk 0 || ... || chunk n-1
    chunk i = ChaCha20-Poly1305(key = HKDF(file key, salt = nonce, "payload"), nonce = i (11, big endian) || last (1))

Every chunk but the last holds exactly 64 KiB of plaintext; the last holds at least one byte, unless it is the only
one. So a writer needs one byte more before it may write a full chunk as not the last.
"""

import io

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sealbell_wire.age.errors import HeaderFailure, PayloadFailure

NONCE_BYTES = 16
CHUNK_BYTES = 64 * 1024
TAG_BYTES = 16
SEALED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES


def sealed_size(plaintext_bytes: int) -> int:
    """How many bytes the payload of so much plaintext takes."""
    chunks = max(1, -(-plaintext_bytes // CHUNK_BYTES))
    return NONCE_BYTES + plaintext_bytes + chunks * TAG_BYTES


def seal(file_key: bytes, nonce: bytes, plaintext: bytes, head: bytes = b"") -> bytes:
    """The payload of `plaintext`, under a 16-byte `nonce` that must be fresh for every file, behind `head`."""
    cipher = _cipher(file_key, nonce)
    source = memoryview(plaintext)
    # BytesIO hands out the one buffer into which every chunk is sealed: no chunk and no payload is ever copied.
    payload = io.BytesIO(bytes(len(head) + sealed_size(len(plaintext))))
    with payload.getbuffer() as target:
        at = len(head) + NONCE_BYTES
        target[:at] = head + nonce
        for counter, start in enumerate(range(0, max(1, len(plaintext)), CHUNK_BYTES)):
            chunk = source[start : start + CHUNK_BYTES]
            end = at + len(chunk) + TAG_BYTES
            last = end == len(target)
            cipher.encrypt_into(_chunk_nonce(counter, last=last), chunk, None, target[at:end])
            at = end
    return payload.getvalue()


class Reader:
    """Opens a payload that arrives in pieces, holding one chunk and the piece, and releases what is authenticated."""

    def __init__(self, file_key: bytes) -> None:
        self._file_key = file_key
        self._cipher: ChaCha20Poly1305 | None = None
        self._counter = 0
        self._pending = bytearray()

    def feed(self, piece: bytes) -> bytes:
        """The plaintext that `piece` completes, perhaps none. Raises PayloadFailure."""
        self._pending += piece
        if self._cipher is None:
            if len(self._pending) < NONCE_BYTES:
                return b""
            self._cipher = _cipher(self._file_key, bytes(self._pending[:NONCE_BYTES]))
            del self._pending[:NONCE_BYTES]
        released: list[bytes] = []
        while len(self._pending) >= SEALED_CHUNK_BYTES:
            sealed = self._pending[:SEALED_CHUNK_BYTES]
            chunk = self._open(self._cipher, sealed, last=False)
            if chunk is None:
                if len(self._pending) == SEALED_CHUNK_BYTES:
                    break  # a full chunk may be the last: the end, or one byte more, will tell
                raise self._altered_or_trailed(self._cipher, sealed, released)
            released.append(chunk)
            del self._pending[:SEALED_CHUNK_BYTES]
            self._counter += 1
        return b"".join(released)

    def finish(self) -> bytes:
        """The plaintext of the last chunk, once there is nothing more to feed.

        Raises PayloadFailure, and HeaderFailure when not even the nonce is whole, as the age vectors have it.
        """
        if self._cipher is None:
            raise HeaderFailure("the file ends within the payload's nonce")
        if self._counter and len(self._pending) == TAG_BYTES:
            raise PayloadFailure("the last chunk is empty")
        chunk = self._open(self._cipher, self._pending, last=True)
        if chunk is None:
            raise PayloadFailure(f"the file is cut, or chunk {self._counter} is altered")
        return chunk

    def _open(self, cipher: ChaCha20Poly1305, sealed: bytearray, *, last: bool) -> bytes | None:
        try:
            return cipher.decrypt(_chunk_nonce(self._counter, last=last), sealed, None)
        except InvalidTag:
            return None

    def _altered_or_trailed(self, cipher: ChaCha20Poly1305, sealed: bytearray, released: list[bytes]) -> PayloadFailure:
        last = self._open(cipher, sealed, last=True)
        if last is None:
            return PayloadFailure(f"chunk {self._counter} is altered", b"".join(released))
        return PayloadFailure("something follows the last chunk", b"".join([*released, last]))


def _cipher(file_key: bytes, nonce: bytes) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(HKDF(SHA256(), 32, salt=nonce, info=b"payload").derive(file_key))


def _chunk_nonce(counter: int, *, last: bool) -> bytes:
    return (counter << 8 | last).to_bytes(12, "big")
