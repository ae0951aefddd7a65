"""What was heard of a doorbell before: so that neither the relay nor another card takes it back unnoticed. Pure."""

from dataclasses import dataclass, replace
from hashlib import sha256

from sealbell_wire import strictjson
from sealbell_wire.errors import FormatError
from sealbell_wire.health import Beat, Health
from sealbell_wire.ids import check_hash, check_id
from sealbell_wire.limits import MAX_INTEGER, MAX_SEQ
from sealbell_wire.report import Tip

MAX_BOOTS = 64
MAX_HEARD_BYTES = 16_384
AN_OLDER_CARD = "an older card was put in, or two doorbells use one key"


@dataclass(frozen=True, slots=True)
class Heard:
    """The health message with the highest number that was believed, and how far the doorbell ever was.

    `text` is SHA-256 of its signed text; `counter`, `clip` and `seq` the furthest tip of all messages; `boots` the
    boots that were over when `boot` was first heard, newest last.
    """

    number: int
    text: str
    boot: str
    monotonic_ms: int
    counter: int
    clip: str
    seq: int
    boots: tuple[str, ...] = ()


_KEYS: dict[str, type] = {
    "v": int, "doorbell": str, "number": int, "text": str, "boot": str, "monotonic_ms": int, "counter": int,
    "clip": str, "seq": int, "boots": list,
}  # fmt: skip


def remember(heard: Heard | None, health: Health, tip: Tip) -> Heard:
    """Return memory with a message that was opened; an older one than is remembered changes nothing."""
    beat, text = health.beat, sha256(health.text).hexdigest()
    new = Heard(beat.number, text, beat.boot, beat.monotonic_ms, tip.counter, tip.clip, tip.seq)
    if heard is None:
        return new
    if beat.number <= heard.number:
        return heard
    boots = heard.boots if beat.boot == heard.boot else (*heard.boots, heard.boot)[-MAX_BOOTS:]
    if _went_back(tip, heard):
        new = replace(new, counter=heard.counter, clip=heard.clip, seq=heard.seq)
    return replace(new, boots=boots)


def contradictions(heard: Heard, health: Health, tip: Tip) -> list[str]:
    """Return what of a message cannot be so if one doorbell with one card is whole and the relay is honest."""
    beat = health.beat
    if beat.number < heard.number:
        return ["the relay shows an older word of the doorbell than it showed before"]
    if beat.number == heard.number and sha256(health.text).hexdigest() != heard.text:
        return ["two doorbells use one key: each signed a message of this number"]
    if _is_over(beat, heard):
        return ["two doorbells use one key: one speaks that had fallen silent when the other started"]
    if _went_back(tip, heard):
        said = f"it says that its newest clip is number {tip.counter}, part {tip.seq}"
        return [f"{said}, and said {heard.counter}, part {heard.seq} before: {AN_OLDER_CARD}"]
    return []


def encode_heard(doorbell: str, heard: Heard) -> bytes:
    """Return the file of a doorbell."""
    value = {key: getattr(heard, key) for key in _KEYS.keys() - {"v", "doorbell", "boots"}}
    return strictjson.dump({**value, "v": 1, "doorbell": doorbell, "boots": list(heard.boots)}) + b"\n"


def parse_heard(data: bytes, doorbell: str) -> Heard:
    """Parse the file of `doorbell`; FormatError on anything else."""
    value = strictjson.load(data, "heard file", MAX_HEARD_BYTES)
    strictjson.exact_keys(value, _KEYS, "heard file")
    if value["v"] != 1 or value["doorbell"] != doorbell or len(value["boots"]) > MAX_BOOTS:
        raise FormatError("heard file: is another doorbell's, of another version, or too long")
    if not all(0 <= value[key] <= MAX_INTEGER for key in ("number", "monotonic_ms", "counter")):
        raise FormatError("heard file: a number is out of range")
    if not (0 <= value["seq"] <= MAX_SEQ and all(isinstance(boot, str) for boot in value["boots"])):
        raise FormatError("heard file: a part's number is out of range, or a boot is not text")
    return Heard(
        value["number"],
        check_hash(value["text"], "heard text"),
        check_id(value["boot"], "heard boot"),
        value["monotonic_ms"],
        value["counter"],
        check_id(value["clip"], "heard clip"),
        value["seq"],
        tuple(check_id(boot, "heard boot") for boot in value["boots"]),
    )


def _went_back(tip: Tip, heard: Heard) -> bool:
    other_clip = tip.counter == heard.counter and tip.clip != heard.clip
    return other_clip or (tip.counter, tip.seq) < (heard.counter, heard.seq)


def _is_over(beat: Beat, heard: Heard) -> bool:
    # A boot that came back stays in `boots`, so that this is said for as long as it speaks.
    return beat.boot in heard.boots or (beat.boot == heard.boot and beat.monotonic_ms < heard.monotonic_ms)
