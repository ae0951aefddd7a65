"""What may be posted to enrol somebody, parsed strictly. Pure; raises RequestError 400 only.

The messages never hold what was posted: it may be a secret with a letter too many.
"""

from dataclasses import dataclass, field

from sealbell_relay.errors import RequestError
from sealbell_wire import sshsig, strictjson
from sealbell_wire.enrolment import Introduction, OwnerCard, parse_card
from sealbell_wire.errors import FormatError, WireError
from sealbell_wire.ids import check_hash
from sealbell_wire.invite import invite_hash, parse_invite

MAX_BODY_BYTES = 4_096
HEX_DIGITS = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Joining:
    """Who wants to be enrolled as an owner: a card that its key signed, and an invite's hash, None if it is none."""

    card: OwnerCard
    invite: str | None = field(repr=False)


def parse_joining(body: bytes) -> Joining:
    """Parse `{"invite", "card", "signature"}`. An invite that is none is for whoever knows all others to refuse."""
    try:
        value = strictjson.load(body, "body", MAX_BODY_BYTES)
        strictjson.exact_keys(value, {"invite": str, "card": dict, "signature": str}, "body")
        card = parse_card(strictjson.dump(value["card"]))
        if not isinstance(card, OwnerCard):
            raise FormatError("body: its card is not an owner's")
        sshsig.verify(bytes.fromhex(card.key), sshsig.OWNER, card.encode(), _signature(value["signature"]))
    except WireError as error:
        raise RequestError(400, str(error)) from None
    try:
        return Joining(card, invite_hash(parse_invite(value["invite"])))
    except FormatError:
        return Joining(card, None)


def parse_introduction(body: bytes) -> Introduction:
    """Parse a doorbell's introduction, the file as it is."""
    try:
        if len(body) > MAX_BODY_BYTES:
            raise FormatError(f"body: longer than {MAX_BODY_BYTES} bytes")
        card = parse_card(body)
    except WireError as error:
        raise RequestError(400, str(error)) from None
    if not isinstance(card, Introduction):
        raise RequestError(400, "the body is not a doorbell's introduction")
    return card


def parse_phone(body: bytes) -> str:
    """Parse `{"token_hash"}` and return it."""
    try:
        value = strictjson.load(body, "body", MAX_BODY_BYTES)
        strictjson.exact_keys(value, {"token_hash": str}, "body")
        return check_hash(value["token_hash"], "token's hash")
    except WireError as error:
        raise RequestError(400, str(error)) from None


def _signature(text: str) -> bytes:
    if len(text) != 2 * sshsig.SIGNATURE_BYTES or not HEX_DIGITS.issuperset(text):
        raise FormatError("body: its signature is not 128 lower-case hex digits")
    return bytes.fromhex(text)
