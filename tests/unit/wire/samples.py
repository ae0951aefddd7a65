"""Records, parts and keys that the wire's tests start from, and hypothesis strategies for them."""

import hashlib
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import strategies as st

from sealbell_wire import ids, sshsig
from sealbell_wire.limits import MAX_INTEGER, MAX_PART_BYTES, MAX_SEQ
from sealbell_wire.part import Part
from sealbell_wire.record import Record, record_hash


def key_of(label: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(label.encode()).digest())


DOORBELL, OTHER_DOORBELL, ROOT, PHONE, RELAY = map(key_of, ("doorbell", "other doorbell", "root", "phone", "relay"))
VERIFY_KEY = sshsig.verify_key_of(DOORBELL)
DOORBELL_ID = ids.doorbell_id(VERIFY_KEY)
CLIP = "0190f3a1b2c3" + "5a" * 10
HEAD = b"age-encryption.org/v1\n-> mlkem768x25519 c2hhcmU\nYm9keQ\n--- " + b"A" * 43 + b"\n"

hashes = st.binary(min_size=32, max_size=32).map(bytes.hex).filter(lambda text: text != ids.ZERO_HASH)
names = st.binary(min_size=16, max_size=16).map(bytes.hex)
numbers = st.integers(0, MAX_INTEGER)


@st.composite
def records(draw: st.DrawFn) -> Record:
    """Any record that the grammar knows."""
    seq = draw(st.integers(0, MAX_SEQ))
    kind = "notice" if seq == 0 else draw(st.sampled_from(("notice", "init", "media", "manifest")))
    return Record(
        doorbell=draw(names),
        clip=draw(names),
        seq=seq,
        kind=kind,
        prev=draw(hashes) if seq else ids.ZERO_HASH,
        head=draw(hashes),
        body=draw(hashes),
        size=draw(st.integers(0, MAX_PART_BYTES)),
        final=kind == "manifest",
        boot=draw(names),
        monotonic_ms=draw(numbers),
        wall_ms=draw(numbers),
        synced=draw(st.booleans()),
        keyframe=draw(st.booleans()) if kind == "media" else None,
        counter=draw(st.integers(1, MAX_INTEGER)) if seq == 0 else None,
        last=draw(hashes) if seq == 0 else None,
    )


def a_record(seq: int = 2, kind: str = "media", prev: str = "11" * 32) -> Record:
    """One record of DOORBELL, whose age file is HEAD alone."""
    return Record(
        doorbell=DOORBELL_ID,
        clip=CLIP,
        seq=seq,
        kind=kind,
        prev=prev if seq else ids.ZERO_HASH,
        head=hashlib.sha256(HEAD).hexdigest(),
        body=hashlib.sha256(b"").hexdigest(),
        size=len(HEAD),
        final=kind == "manifest",
        boot="44" * 16,
        monotonic_ms=61_000 + seq,
        wall_ms=1_720_000_000_000 + seq,
        synced=True,
        keyframe=True if kind == "media" else None,
        counter=1 if seq == 0 else None,
        last=ids.ZERO_HASH if seq == 0 else None,
    )


def part_of(record: Record, body: bytes = b"", key: Ed25519PrivateKey = DOORBELL, head: bytes = HEAD) -> Part:
    """A part over this age file, whose record names it and is signed by `key`."""
    record = replace(
        record,
        head=hashlib.sha256(head).hexdigest(),
        body=hashlib.sha256(body).hexdigest(),
        size=len(head) + len(body),
    )
    text = record.encode()
    return Part(record, text, sshsig.sign(key, sshsig.PART, text), head + body)


def a_clip(media: int, *, counter: int = 1, last: str = ids.ZERO_HASH, clip: str = CLIP) -> list[Record]:
    """The records of a whole clip with so many media parts, each naming the one before."""
    kinds = ["notice", "init", *["media"] * media, "manifest"]
    chained: list[Record] = []
    for seq, kind in enumerate(kinds):
        prev = record_hash(chained[-1].encode()) if chained else ids.ZERO_HASH
        record = replace(a_record(seq, kind, prev), clip=clip)
        chained.append(replace(record, counter=counter, last=last) if seq == 0 else record)
    return chained
