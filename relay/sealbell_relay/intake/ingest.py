"""What becomes of a message from a doorbell: pure rules, no I/O, no clock, no key of the relay's (SPEC 5 to 8).

The order is what makes them safe: length, grammar, topic, enrolment, signature and hashes, and only then what is
stored under the name and beside it. Nothing that is not proven to be the doorbell's own is ever compared or kept.

    stored under the name      message                        verdict
    -----------------------    ---------------------------    -----------------------------------------
    nothing                    joins its stored neighbours    Store
    nothing                    does not                       Refuse contradicts-neighbour, after-end, ...
    the same record            the same record                Resend the receipt that is stored
    the same record, dropped   the same record, whole         Store: the part counts from now on
    another record             any                            Refuse differs-from-stored
"""

from dataclasses import dataclass

from sealbell_relay.store.stored import Link
from sealbell_wire.chain import check_joins
from sealbell_wire.errors import ContradictionError, FormatError, SignatureError
from sealbell_wire.limits import MAX_PART_BYTES
from sealbell_wire.part import Part, parse_part, verify_part
from sealbell_wire.topics import UpTopic


@dataclass(frozen=True, slots=True)
class Around:
    """What is stored of the clip where a part belongs: under its own seq, beside it, and the highest seq of all."""

    same: Link | None = None
    before: Link | None = None
    after: Link | None = None
    highest: Link | None = None


@dataclass(frozen=True, slots=True)
class Store:
    """Keep the message, then say so."""


@dataclass(frozen=True, slots=True)
class Resend:
    """The part is kept already, under `kept`: say so again with the receipt that is stored with it."""

    kept: Link


@dataclass(frozen=True, slots=True)
class Refuse:
    """Keep nothing. `reason` is what the receipt says, `detail` what the log says.

    `proven` only if the doorbell signed the part and its bytes are the signed ones: only then may a refusal name the
    part's record. Whoever overheard a record could otherwise send it with other bytes and have the relay refuse the
    doorbell's own part.
    """

    reason: str
    detail: str
    proven: bool


Verdict = Store | Resend | Refuse


def admit(topic: UpTopic, message: bytes) -> Part | Refuse:
    """Parse a message that came on a `part` topic; nothing in the part returned is proven yet."""
    if len(message) > MAX_PART_BYTES:
        return Refuse("too-large", f"{len(message)} bytes are more than {MAX_PART_BYTES}", proven=False)
    try:
        part = parse_part(message)
    except FormatError as error:
        return Refuse("malformed", str(error), proven=False)
    record = part.record
    if (record.doorbell, record.clip, record.seq) != (topic.doorbell, topic.clip, topic.seq):
        return Refuse("wrong-topic", "the record names another doorbell, clip or part than its topic", proven=False)
    return part


def prove(part: Part, verify_key: bytes) -> Refuse | None:
    """Return None if the doorbell with this key signed the part and exactly these bytes."""
    try:
        verify_part(part, verify_key)
    except SignatureError as error:
        return Refuse("forged-signature", str(error), proven=False)
    except (ContradictionError, FormatError) as error:
        return Refuse("forged-content", str(error), proven=False)
    return None


def judge(part: Part, around: Around) -> Verdict:
    """Decide on a proven part by what is stored around it."""
    if around.same is not None:
        return _judge_again(part, around.same)
    record, highest = part.record, around.highest
    if highest is not None and highest.record.final and record.seq > highest.record.seq:
        return Refuse("after-end", f"the clip ended with part {highest.record.seq}", proven=True)
    if highest is not None and record.final and highest.record.seq > record.seq:
        return Refuse("end-before-stored", f"part {highest.record.seq} of the clip is stored", proven=True)
    try:
        if around.before is not None:
            check_joins(around.before.record, around.before.hash, record)
        if around.after is not None:
            check_joins(record, part.hash, around.after.record)
    except ContradictionError as error:
        return Refuse("contradicts-neighbour", str(error), proven=True)
    return Store()


def _judge_again(part: Part, kept: Link) -> Verdict:
    # The record holds the hashes of head and body, and both were checked: one record can have only one content.
    if kept.hash != part.hash:
        return Refuse("differs-from-stored", "another part of this number is stored", proven=True)
    if kept.dropped and part.sealed is not None:
        return Store()
    return Resend(kept)
