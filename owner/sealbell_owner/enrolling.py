"""How an owner, the doorbells and the phones become known to a relay. Its refusals are told in our own words."""

from dataclasses import dataclass

from sealbell_owner.errors import OwnerError, UnreachableError
from sealbell_owner.home import Home
from sealbell_owner.relay import ACCEPTED, Relay
from sealbell_wire import sshsig, strictjson
from sealbell_wire.enrolment import Introduction
from sealbell_wire.errors import FormatError
from sealbell_wire.ids import check_hash
from sealbell_wire.invite import new_invite, parse_invite
from sealbell_wire.limits import MAX_JSON_BYTES

MAX_PHONES = 256
MAX_DAY_CHARS = 10

NO_INVITE = (
    "the relay does not take this invite: it is unknown, used, expired or cancelled",
    "ask the relay's operator for another one",
)
OTHER_OWNER = (
    "the relay knows this owner with another token, or has revoked it",
    "ask the relay's operator; an owner of new words is another owner",
)
OTHERS_DOORBELL = ("the relay says that the doorbell is bound to another owner", "set it up with this owner's bundle")
OTHER_DOORBELL = (
    "the relay does not take the doorbell: it was revoked there, has another credential there, or there are too many",
    "set the doorbell up anew: it draws new keys, and is another doorbell then",
)
NO_PHONE = ("the relay adds phones for the owner's own token only", "add it with the folder that `init` made")
OTHER_PHONE = (
    "the relay does not take the phone: its token was revoked, is known already, or there are too many",
    None,
)

Says = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone as the relay lists it: SHA-256 of its token in hex, and the day on which it was added."""

    token_hash: str
    added: str


def read_invite(typed: str) -> str:
    """Return an invite as it is written, from what somebody typed; OwnerError, not repeating it, if it is none."""
    try:
        return new_invite(parse_invite(typed.strip()))
    except FormatError as error:
        raise OwnerError(str(error), "8 groups of 4 letters and digits, as the relay's operator gave them") from None


def join(home: Home, invite: str) -> bool:
    """Enrol this owner at the relay; False if that was done before. OwnerError says why not."""
    owner, card = home.owner(), home.card()
    body = {
        "invite": invite,
        "card": strictjson.load(card.encode(), "card"),
        "signature": sshsig.sign(home.key(), sshsig.OWNER, card.encode()).hex(),
    }
    relay = Relay(owner.relay, token=None)
    return _done(relay.post("/v1/owners", strictjson.dump(body)), {403: NO_INVITE, 409: OTHER_OWNER})


def enrol_doorbell(relay: Relay, introduction: Introduction) -> bool:
    """Enrol a doorbell at the relay, so that it may connect; False if that was done before. OwnerError says why not."""
    answer = relay.post("/v1/doorbells", introduction.encode())
    return _done(answer, {403: OTHERS_DOORBELL, 409: OTHER_DOORBELL})


def add_phone(relay: Relay, token_hash: str) -> bool:
    """Let a phone show its token, known by its SHA-256; False if that was done before. OwnerError says why not."""
    answer = relay.post("/v1/phones", strictjson.dump({"token_hash": token_hash}))
    return _done(answer, {403: NO_PHONE, 409: OTHER_PHONE})


def phones(relay: Relay) -> list[Phone]:
    """Return the phones that may show a token as this owner: the relay's word alone."""
    return parse_phones(relay.get_json("/v1/phones"))


def parse_phones(data: bytes) -> list[Phone]:
    """Parse the relay's list of phones; FormatError on anything else."""
    value = strictjson.load(data, "phones", MAX_JSON_BYTES)
    strictjson.exact_keys(value, {"phones": list}, "phones")
    if len(value["phones"]) > MAX_PHONES:
        raise FormatError(f"phones: more than {MAX_PHONES}")
    return [_phone(entry) for entry in value["phones"]]


def _phone(entry: object) -> Phone:
    if not isinstance(entry, dict):
        raise FormatError("phones: an entry is not an object")
    strictjson.exact_keys(entry, {"token_hash": str, "added": str}, "phone")
    day = entry["added"]
    if len(day) != MAX_DAY_CHARS or not set(day) <= set("0123456789-"):
        raise FormatError("phone: its day is not written YYYY-MM-DD")
    return Phone(check_hash(entry["token_hash"], "token's hash"), day)


def _done(answer: int, refusals: dict[int, Says]) -> bool:
    if answer in ACCEPTED:
        return ACCEPTED[answer]
    if answer in refusals:
        raise OwnerError(*refusals[answer])
    if answer == 404:
        raise OwnerError(
            "the relay cannot enrol anybody over HTTP", "ask its operator, who can: `sealbell-relay allow`"
        )
    raise UnreachableError(f"the relay answered with status {answer}", "try again later")
