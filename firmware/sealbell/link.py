"""The link: how the network process tells by a small file in the inbox whether the relay is reached, and why not.

Written by the uplink; read by the camera process (health, status light) and the doctor, who take it for a stranger's.
"""

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from sealbell_wire import strictjson
from sealbell_wire.errors import FormatError, WireError
from sealbell_wire.ids import check_id

LINK = "link"
MAX_LINK_BYTES = 1_024
MAX_HOST_CHARS = 253  # RFC 1035, section 2.3.4
TOLD_EVERY_MS = 60_000
STALE_MS = 3 * TOLD_EVERY_MS
_HOST = re.compile(r"[A-Za-z0-9.:_-]{1,253}\Z", re.ASCII)
_WHY = re.compile(r"[a-z]+(-[a-z]+){0,3}\Z", re.ASCII)
_KEYS: dict[str, type] = {
    "v": int, "boot": str, "told_ms": int, "connected": bool, "since_ms": int, "host": str, "why": str,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Link:
    """Times are monotonic milliseconds of the boot `boot` (32 hex digits).

    `why` is words joined by hyphens, empty if connected; `dbm` the Wi-Fi's strength, None where there is none.
    """

    boot: str
    told_ms: int
    connected: bool
    since_ms: int
    host: str
    why: str
    dbm: int | None

    def encode(self) -> bytes:
        """Return the file."""
        value = {
            "v": 1, "boot": self.boot, "told_ms": self.told_ms, "connected": self.connected,
            "since_ms": self.since_ms, "host": self.host, "why": self.why, "dbm": self.dbm,
        }  # fmt: skip
        return strictjson.dump(value) + b"\n"

    def fresh(self, boot: str, now_ms: int) -> bool:
        """Whether the network process told it lately: it does at every change and every TOLD_EVERY_MS."""
        return self.boot == boot and now_ms - STALE_MS <= self.told_ms <= now_ms + STALE_MS


def parse_link(data: bytes) -> Link:
    """Parse the file; FormatError on anything else."""
    value = strictjson.load(data, "link", MAX_LINK_BYTES)
    dbm = value.pop("dbm", "")
    strictjson.exact_keys(value, _KEYS, "link")
    if dbm is not None and not (type(dbm) is int and -200 <= dbm <= 0):
        raise FormatError("link: the strength of the wi-fi is neither -200 to 0 dbm nor nothing")
    if value["v"] != 1 or not _HOST.match(value["host"]) or min(value["told_ms"], value["since_ms"]) < 0:
        raise FormatError("link: is of another version, names no host, or holds a negative time")
    why = value["why"]
    if not (why == "" if value["connected"] else _WHY.match(why) and len(why) <= 32):
        raise FormatError("link: says why the relay is away if and only if it is, in words")
    boot = check_id(value["boot"], "link's boot")
    return Link(boot, value["told_ms"], value["connected"], value["since_ms"], value["host"], why, dbm)


def read_link(inbox: Path) -> Link | None:
    """Return what the network process told last; None if nothing that can be read lies there."""
    try:
        # Whoever broke into the network process may have put a pipe or a link to somewhere else in its place.
        descriptor = os.open(inbox / LINK, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
            return parse_link(file.read(MAX_LINK_BYTES + 1))
    except (OSError, WireError):
        return None
