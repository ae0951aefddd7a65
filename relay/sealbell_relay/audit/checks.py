"""What is wrong with one stored object: rules on its name and its bytes, for fsck. Pure: no I/O, no clock.

They ask again what was asked when the object was taken (ingest.py, allow.py, healths.py), of what the disk gives today.
"""

from dataclasses import dataclass

from sealbell_relay.store.stored import MAX_RECEIPT_BYTES, Link, parse_head
from sealbell_wire import sshsig
from sealbell_wire.chain import check_joins, check_kinds
from sealbell_wire.enrolment import DoorbellCard, OwnerCard, parse_card
from sealbell_wire.errors import ContradictionError, FormatError, SignatureError, WireError
from sealbell_wire.health import parse_health, verify_health
from sealbell_wire.limits import MAX_PART_BYTES
from sealbell_wire.part import Part, parse_part, verify_part
from sealbell_wire.receipt import MAGIC as RECEIPT_MAGIC
from sealbell_wire.receipt import parse_receipt
from sealbell_wire.record import Kind
from sealbell_wire.statement import take_statement

MAX_OBJECT_BYTES = MAX_PART_BYTES + MAX_RECEIPT_BYTES

PART_ADVICE = "put this file back from a backup; without one leave it: its owner reads the part as missing"
PACK_ADVICE = "put this file back from a backup; without one leave it: its owner reads the parts in it as missing"
MIXED_ADVICE = (
    "a relay refuses such a part, so a file was put here by hand or two folders were mixed: compare with a backup"
)
KINDS_ADVICE = "its doorbell signed it so, and nothing here can mend it: tell the owner, whose tools refuse the part"
CARD_ADVICE = "move the file away, then let it in again with its own card: sealbell-relay allow DIR CARD"
ALLOW_ADVICE = "let it in again with the same card: sealbell-relay allow DIR CARD"
POINTER_ADVICE = "it opens nothing to anybody; move it away"
HEALTH_ADVICE = "leave it: the doorbell's next message, due every 15 minutes, takes its place"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and what to do about it."""

    what: str
    advice: str


def check_part(
    place: tuple[str, str, int], dropped: bool, data: bytes, doorbell_key: bytes, receipt_key: bytes | None
) -> tuple[Link | None, list[Fault]]:
    """Check a stored part whose name says (doorbell, clip, seq) and whether it is the dropped form.

    `receipt_key` is None if it is lost: then a receipt's signature is not checked. Returns the part's link if its
    doorbell signed its record, even where the bytes behind it are damaged, and all that is wrong.
    """
    try:
        message_bytes = parse_head(data).message_bytes
        part = parse_part(data[:message_bytes])
    except FormatError as error:
        return None, [Fault(f"is damaged: {error}" if data else "is empty", PART_ADVICE)]
    record = part.record
    if (record.doorbell, record.clip, record.seq) != place:
        return None, [Fault("holds another part than its name says", MIXED_ADVICE)]
    faults = []
    if dropped != (part.sealed is None):
        faults.append(Fault("holds a part under the ending of a dropped one, or the other way round", MIXED_ADVICE))
    try:
        verify_part(part, doorbell_key)
    except SignatureError as error:
        return None, [Fault(f"is not what its doorbell signed: {error}", PART_ADVICE)]
    except (ContradictionError, FormatError) as error:
        faults.append(Fault(f"is damaged: {error}", PART_ADVICE))
    if wrong := _receipt_fault(part, data[message_bytes:], receipt_key):
        faults.append(Fault(wrong, PART_ADVICE))
    return Link(record, part.hash, part.sealed is None), faults


def _receipt_fault(part: Part, receipt: bytes, receipt_key: bytes | None) -> str | None:
    if not receipt:
        return "has lost its receipt"
    try:
        text, signature, after = take_statement(receipt, RECEIPT_MAGIC)
        if receipt_key is not None:
            sshsig.verify(receipt_key, sshsig.RECEIPT, text, signature)
        said = parse_receipt(text)
    except SignatureError:
        return "has a receipt that this relay's key did not sign"
    except FormatError as error:
        return f"has a damaged receipt: {error}"
    if after:
        return f"has {len(after)} bytes after its receipt"
    record, verdict = part.record, "stored" if part.sealed is not None else "dropped"
    if (said.doorbell, said.clip, said.seq, said.record) != (record.doorbell, record.clip, record.seq, part.hash):
        return "has the receipt of another part"
    return None if said.verdict == verdict else f"has a receipt that says {said.verdict}, not {verdict}"


class ClipChain:
    """Whether the parts of one clip agree. Takes links in order of seq, of one seq the dropped form first."""

    def __init__(self) -> None:
        self._before: Link | None = None
        self._end: int | None = None
        self._kinds: list[Kind] = []

    def add(self, link: Link) -> Fault | None:
        """Hold a part against the one before it and against the clip's end."""
        before, self._before = self._before, link
        record = link.record
        if before is not None and before.record.seq == record.seq:
            same = before.hash == link.hash
            return None if same else Fault("is another part than the dropped one of its number", MIXED_ADVICE)
        if record.seq == len(self._kinds):  # up to the first hole: only there can the order of kinds be told
            self._kinds.append(record.kind)
        if self._end is not None:
            return Fault(f"comes after part {self._end}, the signed end of its clip", MIXED_ADVICE)
        if record.final:
            self._end = record.seq
        if before is not None and before.record.seq + 1 == record.seq:
            try:
                check_joins(before.record, before.hash, record)
            except ContradictionError as error:
                return Fault(f"does not join the part before it: {error}", MIXED_ADVICE)
        return None

    def close(self) -> Fault | None:
        """Check the order of kinds, once all parts were added."""
        if self._end is not None:
            del self._kinds[self._end + 1 :]  # what comes after the end was told already
        try:
            check_kinds(self._kinds)
        except ContradictionError as error:
            return Fault(f"holds parts in an order that no clip has: {error}", KINDS_ADVICE)
        return None


def check_doorbell(doorbell: str, data: bytes) -> tuple[DoorbellCard | None, list[Fault]]:
    """Check the card of a doorbell; returns it unless it is not this doorbell's."""
    card, faults = _card(data)
    if not isinstance(card, DoorbellCard):
        return None, faults or [Fault("is not a doorbell's card", CARD_ADVICE)]
    if card.doorbell != doorbell:
        return None, [Fault("is the card of another doorbell", CARD_ADVICE)]
    return card, faults


def check_owner(key: str, data: bytes) -> tuple[OwnerCard | None, list[Fault]]:
    """Check the card of an owner; returns it unless it is not this owner's."""
    card, faults = _card(data)
    if not isinstance(card, OwnerCard):
        return None, faults or [Fault("is not an owner's card", CARD_ADVICE)]
    if card.key != key:
        return None, [Fault("is the card of another owner", CARD_ADVICE)]
    return card, faults


def _card(data: bytes) -> tuple[object, list[Fault]]:
    try:
        card = parse_card(data)
    except WireError as error:
        return None, [Fault(f"is a damaged card: {error}" if data else "is empty", CARD_ADVICE)]
    return card, [] if card.encode() == data else [Fault("is a card with its spacing changed", CARD_ADVICE)]


def check_health(doorbell: str, number: int, data: bytes, doorbell_key: bytes) -> list[Fault]:
    """Check a kept health message whose name says `number`."""
    try:
        health = parse_health(data)
        verify_health(health, doorbell_key)
    except WireError as error:
        return [Fault(f"is damaged: {error}" if data else "is empty", HEALTH_ADVICE)]
    if health.beat.number != number:
        return [Fault(f"holds message {health.beat.number}, not the one that its name says", HEALTH_ADVICE)]
    return []
