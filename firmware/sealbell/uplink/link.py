"""Tells the rest of the doorbell whether the relay is reached, by a file in the inbox (sealbell/link.py)."""

import logging
import os
import re
from collections.abc import Callable
from pathlib import Path

from sealbell.link import LINK, MAX_HOST_CHARS, TOLD_EVERY_MS, Link
from sealbell.seams import Clock
from sealbell.spool import reason

WIRELESS = Path("/proc/self/net/wireless")  # of /proc the unit shows processes alone (ProcSubset=pid)
MAX_WIRELESS_BYTES = 4_096
_MODE = 0o640  # the camera process reads it by the group
_TEMPORARY = ".link-new"
# name, status, quality of the link, level in dBm: `wlan0: 0000   54.  -56.  -256 ...`
_LEVEL = re.compile(r"^\s*[^\s:]+:\s+[0-9a-f]+\s+\S+\s+(-[0-9]{1,3})\.?\s", re.MULTILINE)
_log = logging.getLogger(__name__)


def wifi_dbm(wireless: Path = WIRELESS) -> int | None:
    """Return the strength of the first Wi-Fi in the kernel's table, -200 to 0 dBm; None where there is none."""
    try:
        with wireless.open("rb") as file:
            text = file.read(MAX_WIRELESS_BYTES).decode("ascii", "replace")
    except OSError:
        return None
    found = _LEVEL.search(text)
    return max(-200, int(found[1])) if found else None


class LinkTeller:
    """Keeps the file as the connection is: `tell` is called every turn, and writes only what is new or old enough."""

    def __init__(
        self, inbox: Path, host: str, clock: Clock, why: Callable[[], str], dbm: Callable[[], int | None] = wifi_dbm
    ) -> None:
        """`why` says in words joined by hyphens why there is no connection."""
        self._inbox = inbox
        self._host = host[:MAX_HOST_CHARS]
        self._clock = clock
        self._why = why
        self._dbm = dbm
        self._connected = False
        self._since_ms = self._now_ms()
        self._told: Link | None = None
        self._failed = False

    def changed(self, *, connected: bool) -> None:
        """The connection stands now, or is gone."""
        if connected != self._connected:
            self._connected, self._since_ms = connected, self._now_ms()
        self.tell()

    def tell(self) -> None:
        """Write the file if there is something new to tell; a disk that refuses is logged once, and costs no more."""
        now_ms = self._now_ms()
        why = "" if self._connected else self._why()
        old = self._told
        if (
            old
            and (old.connected, old.since_ms, old.why) == (self._connected, self._since_ms, why)
            and now_ms < old.told_ms + TOLD_EVERY_MS
        ):
            return
        link = Link(self._clock.boot, now_ms, self._connected, self._since_ms, self._host, why, self._dbm())
        self._told = link
        try:
            self._write(link.encode())
        except OSError as error:
            if not self._failed:
                _log.error("the inbox %s takes no word of the connection: %s", self._inbox, reason(error))
            self._failed = True

    def _write(self, data: bytes) -> None:
        # Not synced: after a power cut it tells of another boot, and counts for nothing.
        temporary = self._inbox / _TEMPORARY
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, _MODE)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, _MODE)
            file.write(data)
        temporary.replace(self._inbox / LINK)

    def _now_ms(self) -> int:
        return self._clock.now_us() // 1_000
