"""Make a part: one age file to all readers, hidden in number, under one signed record (SPEC 5)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sealbell_wire import sshsig
from sealbell_wire.age.decoy import Decoy, PostQuantumRecipient
from sealbell_wire.age.file import Head
from sealbell_wire.age.mlkem768x25519 import HybridRecipient
from sealbell_wire.limits import STANZAS_PER_HEADER
from sealbell_wire.part import Part
from sealbell_wire.record import Record


@dataclass(frozen=True, slots=True)
class Draft:
    """A part before it is sealed: its record with head, body and size still empty, and the plaintext."""

    record: Record
    plaintext: bytes


def hide_number(readers: Sequence[HybridRecipient], decoy: Decoy) -> list[PostQuantumRecipient]:
    """Return the readers filled up to a multiple of four by a decoy, so that nobody counts readers in a header."""
    if not readers:
        raise ValueError("a part is sealed to at least one reader")
    return [*readers, *[decoy] * (-len(readers) % STANZAS_PER_HEADER)]


def seal_part(draft: Draft, head: Head, key: Ed25519PrivateKey) -> Part:
    """Seal the draft's plaintext under `head`, made for this part alone, and sign its record by `key`, the doorbell's.

    Raises RuntimeError if something was sealed under that head before.
    """
    sealed = head.seal(draft.plaintext)
    record = replace(
        draft.record,
        head=hashlib.sha256(sealed.head).hexdigest(),
        body=hashlib.sha256(sealed.body).hexdigest(),
        size=len(sealed.file),
    )
    text = record.encode()
    return Part(record, text, sshsig.sign(key, sshsig.PART, text), sealed.file)


def drop_part(part: Part, key: Ed25519PrivateKey) -> Part:
    """Return what travels in the place of a part that a full outbox drops: its record, and that it was dropped."""
    return Part(
        part.record,
        part.record_bytes,
        part.signature,
        None,
        sshsig.sign(key, sshsig.DROPPED, part.record_bytes),
    )
