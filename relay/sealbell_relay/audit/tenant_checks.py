"""What is wrong with one object that lets somebody in or keeps somebody out: rules for fsck. Pure: no I/O, no clock."""

from sealbell_relay.audit.checks import Fault
from sealbell_relay.broker.credentials import parse as parse_credential
from sealbell_relay.tenants.allow import DAY
from sealbell_relay.tenants.endings import DELETED, REVOKED, Kind
from sealbell_wire.enrolment import OwnerCard, parse_card
from sealbell_wire.errors import FormatError, WireError
from sealbell_wire.ids import ZERO_ID
from sealbell_wire.tombstone import MAGIC, read_tombstone

CREDENTIAL_ADVICE = "put it back from a backup: until then the doorbell cannot connect; or set the doorbell up anew"
PHONE_ADVICE = "its owner revokes it and adds the phone again; until then whoever shows that token gets an error"
INVITE_ADVICE = "nobody is let in by it; move it away, and make another: sealbell-relay invite DIR"
ENDED_ADVICE = "leave it: what has ended stays ended whatever stands here; a backup may hold who ended it"


def check_credential(data: bytes) -> list[Fault]:
    """Check the hashes of a doorbell's credential."""
    try:
        parse_credential(data)
    except FormatError as error:
        return [Fault(f"is damaged: {error}" if data else "is empty", CREDENTIAL_ADVICE)]
    return []


def check_phone(data: bytes) -> list[Fault]:
    """Check the day on which a phone was added."""
    return [] if DAY.match(data.decode("ascii", "replace")) else [Fault("is not a day", PHONE_ADVICE)]


def check_invite(data: bytes) -> list[Fault]:
    """Check until when an invite may be used."""
    return [] if data.isdigit() else [Fault("is not a time", INVITE_ADVICE)]


def check_ending(kind: Kind, name: str, data: bytes) -> list[Fault]:
    """Check who ended something: an owner by a tombstone that names it, the operator, or an invite's owner."""
    if kind != "clip" and data.startswith((REVOKED, DELETED)):
        return []
    try:
        if kind == "invite":
            return [] if isinstance(parse_card(data), OwnerCard) else [Fault("is no owner's card", ENDED_ADVICE)]
        if not data.startswith(MAGIC):
            return [Fault("does not say who ended it", ENDED_ADVICE)]
        stone = read_tombstone(data)
    except WireError as error:
        return [Fault(f"is damaged: {error}", ENDED_ADVICE)]
    meant = {"clip": f"{stone.doorbell}/{stone.name}", "doorbell": stone.doorbell, "token": stone.name}[stone.kind]
    same = (stone.kind, meant) == (kind, name) and (stone.kind != "token" or stone.doorbell == ZERO_ID)
    return [] if same else [Fault("holds the tombstone of something else", ENDED_ADVICE)]
