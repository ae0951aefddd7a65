"""What a doorbell says of itself, sealed to its readers inside a health message (SPEC 15.2)."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sealbell_wire import sshsig, strictjson
from sealbell_wire.age.file import Head, open_file
from sealbell_wire.age.keys import Identity
from sealbell_wire.errors import ContradictionError, FormatError
from sealbell_wire.health import Beat, Health, verify_health
from sealbell_wire.ids import ZERO_HASH, ZERO_ID, check_hash, check_id, check_name
from sealbell_wire.limits import HEALTH_BYTES, MAX_INTEGER, MAX_SEQ, MAX_TROUBLES

# Words instead of texts, so that nothing that a doorbell (or who broke into it) says reaches a terminal as it came.
_WORD = re.compile(r"[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Tip:
    """The end of the chain: the last committed record, its clip and that clip's counter.

    `hash` is 64 zeros where a damaged card has lost it; then, and only then, clip and number are known and it is not.
    `since_ms` is the monotonic time of the commit, 0 if that was before the camera process started.
    """

    counter: int = 0
    clip: str = ZERO_ID
    seq: int = 0
    hash: str = ZERO_HASH
    since_ms: int = 0


@dataclass(frozen=True, slots=True)
class Link:
    """The connection to the relay as the network process told it: since when, and a word why not, empty if connected.

    `dbm` is the strength of the Wi-Fi, None where there is none.
    """

    connected: bool
    since_ms: int
    why: str
    dbm: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """How a doorbell is. Times are its monotonic milliseconds.

    `dropped` counts parts that a full outbox dropped since `started_ms`, `damaged` files of the outbox that the card
    spoilt; `waiting` is what lies in the outbox, the newest part included, which stays there until the next.
    `troubles` are words with since when; a reader takes any word. `mode` is a word or empty. `throttled` is the
    firmware's bit field, None off a Pi.
    """

    firmware: str
    readers: str
    started_ms: int
    tip: Tip
    dropped: int
    damaged: int
    waiting: int
    waiting_bytes: int
    troubles: tuple[tuple[str, int], ...]
    mode: str
    free_bytes: int | None
    celsius: int | None
    throttled: int | None
    link: Link | None


_NUMBERS = ("started_ms", "dropped", "damaged", "waiting", "waiting_bytes")
_MAYBE = {"free_bytes": (0, MAX_INTEGER), "celsius": (-200, 300), "throttled": (0, 2**32 - 1)}
_KEYS: dict[str, type] = {
    "v": int, "doorbell": str, "number": int, "firmware": str, "readers": str, "tip": dict, "troubles": list,
    "mode": str, **dict.fromkeys(_NUMBERS, int),
}  # fmt: skip
_TIP_KEYS: dict[str, type] = {"counter": int, "clip": str, "seq": int, "hash": str, "since_ms": int}
_LINK_KEYS: dict[str, type] = {"connected": bool, "since_ms": int, "why": str}


def encode_report(doorbell_key: str, number: int, report: Report) -> bytes:
    """Return the plaintext, HEALTH_BYTES long; FormatError if the report says more than fits."""
    value = {**asdict(report), "v": 1, "doorbell": doorbell_key, "number": number}
    value["troubles"] = [list(trouble) for trouble in report.troubles]
    text = strictjson.dump(value)
    if len(text) > HEALTH_BYTES:
        raise FormatError(f"report: {len(text)} bytes are more than {HEALTH_BYTES}")
    return text.ljust(HEALTH_BYTES)


def read_report(plaintext: bytes, doorbell_key: str, number: int) -> Report:
    """Parse a report and check whose it is, and which; FormatError, ContradictionError."""
    if len(plaintext) != HEALTH_BYTES:
        raise FormatError(f"report: is not {HEALTH_BYTES} bytes long")
    value = strictjson.load(plaintext, "report")
    free_bytes, celsius, throttled = (_maybe(value.pop(key, ""), *limits) for key, limits in _MAYBE.items())
    link = _link(value.pop("link", ""))
    strictjson.exact_keys(value, _KEYS, "report")
    if (value["v"], value["doorbell"], value["number"]) != (1, doorbell_key, number):
        raise ContradictionError("report: was sealed by another doorbell or for another message than it came in")
    if len(value["troubles"]) > MAX_TROUBLES:
        raise FormatError(f"report: holds more than {MAX_TROUBLES} troubles")
    return Report(
        firmware=check_name(value["firmware"], "report's firmware version"),
        readers=check_hash(value["readers"], "report's readers"),
        tip=_tip(value["tip"]),
        troubles=tuple(_trouble(item) for item in value["troubles"]),
        mode=_word(value["mode"]) if value["mode"] else "",
        free_bytes=free_bytes,
        celsius=celsius,
        throttled=throttled,
        link=link,
        **{key: _count(value[key]) for key in _NUMBERS},
    )


def seal_health(beat: Beat, plaintext: bytes, age_head: Head, key: Ed25519PrivateKey) -> Health:
    """Seal a report under a head and sign `beat`, whose head, body and size are filled in, by the doorbell's key.

    Raises RuntimeError if something was sealed under that head before.
    """
    sealed = age_head.seal(plaintext)
    head, body = hashlib.sha256(sealed.head).hexdigest(), hashlib.sha256(sealed.body).hexdigest()
    beat = replace(beat, head=head, body=body, size=len(sealed.file))
    text = beat.encode()
    return Health(beat, text, sshsig.sign(key, sshsig.HEALTH, text), sealed.file)


def open_health(health: Health, doorbell_key: bytes, identities: Sequence[Identity]) -> Report:
    """Verify and open a health message; raises WireError as `opening.open_part` does."""
    verify_health(health, doorbell_key)
    return read_report(open_file(health.sealed, identities), doorbell_key.hex(), health.beat.number)


def _tip(value: dict[str, Any]) -> Tip:
    strictjson.exact_keys(value, _TIP_KEYS, "report's tip")
    tip = Tip(
        _count(value["counter"]),
        check_id(value["clip"], "report's clip"),
        _count(value["seq"]),
        check_hash(value["hash"], "report's last record"),
        _count(value["since_ms"]),
    )
    if tip.seq > MAX_SEQ or (tip.counter == 0 and tip != Tip()):
        raise FormatError("report: names a part beyond the last number, or an end without a clip")
    return tip


def _link(value: Any) -> Link | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise FormatError("report: its link is not an object")
    dbm = _maybe(value.pop("dbm", ""), -200, 0)
    strictjson.exact_keys(value, _LINK_KEYS, "report's link")
    why = _word(value["why"]) if value["why"] else ""
    if bool(why) == value["connected"]:
        raise FormatError("report: says why the relay is away if and only if it is")
    return Link(value["connected"], _count(value["since_ms"]), why, dbm)


def _trouble(item: Any) -> tuple[str, int]:
    if not (isinstance(item, list) and [type(field) for field in item] == [str, int]):
        raise FormatError("report: a trouble is not [word, since when]")
    return _word(item[0]), _count(item[1])


def _word(text: str) -> str:
    if not _WORD.match(text):
        raise FormatError("report: holds something other than a word where a word belongs")
    return text


def _count(value: int) -> int:
    if value < 0:
        raise FormatError("report: holds a negative number")
    return value


def _maybe(value: Any, lowest: int, highest: int) -> int | None:
    if value is not None and not (type(value) is int and lowest <= value <= highest):
        raise FormatError("report: holds neither a number within limits nor nothing where one of them belongs")
    return value
