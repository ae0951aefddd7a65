"""What relays tell each other of parts that they stored: a line each, `{relay} {clip} {seq} part|dropped`.

Only relays may publish it, and losing it costs a follower a few seconds. It is parsed strictly all the same.
"""

import re

from sealbell_relay.follow.hub import Stored
from sealbell_wire.errors import FormatError
from sealbell_wire.limits import MAX_SEQ

MAX_LINES = 1_024  # in one message: those that waited together
_LINE = re.compile(rb"([0-9a-f]{32}) ([0-9a-f]{32}) (0|[1-9][0-9]{0,4}) (part|dropped)\Z")
_MAX_LINE_BYTES = 32 + 1 + 32 + 1 + 5 + 1 + len("dropped") + 1


def line(relay: str, stored: Stored) -> bytes:
    """Return the line that says that `relay` stored a part."""
    return f"{relay} {stored.clip} {stored.seq} {'dropped' if stored.dropped else 'part'}\n".encode("ascii")


def parse(message: bytes) -> list[tuple[str, Stored]]:
    """Return (relay, part) of each line, the parts without their data; FormatError if any of it is anything else."""
    if len(message) > MAX_LINES * _MAX_LINE_BYTES or not message.endswith(b"\n"):
        raise FormatError("the news is too long, or cut")
    found: list[tuple[str, Stored]] = []
    for text in message[:-1].split(b"\n"):
        match = _LINE.match(text)
        if not match or int(match[3]) > MAX_SEQ:
            raise FormatError("the news is not lines of relay, clip, number and kind")
        relay, clip = match[1].decode(), match[2].decode()
        found.append((relay, Stored(clip, int(match[3]), match[4] == b"dropped", None)))
    return found
