"""MQTT topics (SPEC 8): lower case, digits and hyphens only, at most seven slashes, clean for every broker."""

import re
from dataclasses import dataclass

from sealbell_wire.errors import FormatError
from sealbell_wire.ids import check_id, shard
from sealbell_wire.limits import MAX_SEQ

ROOT = "sb/1"
MAX_TOPIC_CHARS = 128
_SEQ = re.compile(r"(0|[1-9][0-9]{0,4})\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class UpTopic:
    """What a doorbell published: `kind` is part, have, hello or health; `clip` and `seq` where the kind has them."""

    doorbell: str
    kind: str
    clip: str | None = None
    seq: int | None = None


def _base(doorbell: str) -> str:
    return f"{ROOT}/{shard(doorbell)}/{doorbell}"


def part(doorbell: str, clip: str, seq: int) -> str:
    """Return the topic on which a doorbell publishes one part."""
    return f"{_base(doorbell)}/up/part/{clip}/{seq}"


def have(doorbell: str, clip: str) -> str:
    """Return the topic of the resume question: which parts of this clip are stored?"""
    return f"{_base(doorbell)}/up/have/{clip}"


def health(doorbell: str) -> str:
    """Return the topic on which a doorbell publishes its health."""
    return f"{_base(doorbell)}/up/health"


def receipt(doorbell: str, clip: str) -> str:
    """Return the topic on which the relay sends receipts of one clip's parts."""
    return f"{_base(doorbell)}/dn/receipt/{clip}"


def down_filter(doorbell: str) -> str:
    """Return the filter that a doorbell subscribes to: everything below its own `dn`, nothing else."""
    return f"{_base(doorbell)}/dn/#"


def up_of(doorbell: str) -> str:
    """Return the filter of all that a doorbell may publish: everything below its own `up`, nothing else."""
    return f"{_base(doorbell)}/up/#"


def up_filter(shard_digits: str = "+") -> str:
    """Return the filter that a relay subscribes to, for one shard or for all."""
    return f"{ROOT}/{shard_digits}/+/up/#"


def news(doorbell: str) -> str:
    """Return the topic on which relays tell each other what they stored of a doorbell's; no doorbell may use it."""
    return f"{_base(doorbell)}/news"


def news_filter() -> str:
    """Return the filter of all news, which relays alone may publish and hear."""
    return f"{ROOT}/+/+/news"


def beat(relay: str) -> str:
    """Return the topic on which a relay says that it lives, by an id that it drew when it started."""
    return f"{ROOT}/relay/{relay}/beat"


def beat_filter() -> str:
    """Return the filter on which relays hear each other live."""
    return f"{ROOT}/relay/+/beat"


def parse_up(topic: str) -> UpTopic:
    """Parse a topic under some doorbell's `up/`; FormatError if it is anything else."""
    if len(topic) > MAX_TOPIC_CHARS or not topic.startswith(f"{ROOT}/"):
        raise FormatError("the topic is not one of sealbell's")
    match topic.split("/")[2:]:
        case [digits, doorbell, "up", "part", clip, seq]:
            parsed = UpTopic(doorbell, "part", check_id(clip, "clip in the topic"), _seq(seq))
        case [digits, doorbell, "up", "have", clip]:
            parsed = UpTopic(doorbell, "have", check_id(clip, "clip in the topic"))
        case [digits, doorbell, "up", ("hello" | "health") as kind]:
            parsed = UpTopic(doorbell, kind)
        case _:
            raise FormatError("the topic is not below a doorbell's up/")
    if digits != shard(check_id(doorbell, "doorbell in the topic")):
        raise FormatError("the topic's shard is not its doorbell's")
    return parsed


def parse_receipt_topic(topic: str, doorbell: str) -> str:
    """Return the clip named by a receipt topic of `doorbell`; FormatError if it is anything else."""
    prefix = f"{_base(doorbell)}/dn/receipt/"
    if len(topic) > MAX_TOPIC_CHARS or not topic.startswith(prefix):
        raise FormatError("the topic is not this doorbell's receipts")
    return check_id(topic[len(prefix) :], "clip in the topic")


def parse_news(topic: str) -> str:
    """Return the doorbell that a news topic speaks of; FormatError if it is anything else."""
    match topic.split("/") if len(topic) <= MAX_TOPIC_CHARS else ():
        case ["sb", "1", _, doorbell, "news"] if topic == news(check_id(doorbell, "doorbell in the topic")):
            return doorbell
    raise FormatError("the topic is not a doorbell's news")


def parse_beat(topic: str) -> str:
    """Return the relay that a beat is of; FormatError if it is anything else."""
    match topic.split("/") if len(topic) <= MAX_TOPIC_CHARS else ():
        case ["sb", "1", "relay", relay, "beat"]:
            return check_id(relay, "relay in the topic")
    raise FormatError("the topic is not a relay's beat")


def _seq(text: str) -> int:
    if not _SEQ.match(text) or int(text) > MAX_SEQ:
        raise FormatError("the part number in the topic is not a number within limits")
    return int(text)
