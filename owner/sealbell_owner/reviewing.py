"""Holds a listing against what is known, and asks the relay for the owner's own word before it accuses it."""

import contextlib
import time
from collections.abc import Sequence

from sealbell_owner import history
from sealbell_owner.errors import OwnerError
from sealbell_owner.gone import Gone
from sealbell_owner.history import Review
from sealbell_owner.home import Home, Pin
from sealbell_owner.keeping import Keeping
from sealbell_owner.listing import ClipEntry
from sealbell_owner.relay import Relay
from sealbell_owner.source import Source


def reviewed(home: Home, source: Source, pin: Pin, listed: Sequence[ClipEntry], *, to_the_first: bool) -> Review:
    """Review a doorbell's newest clips, newest first, knowing what this owner deleted, here or by another phone."""

    def look() -> Review:
        gone = home.gone(pin, _now_ms())
        key = bytes.fromhex(pin.key)
        return history.review(listed, home.memory(pin), key, to_the_first=to_the_first, gone=gone)

    review = look()
    return look() if review.findings and learned(home, source) else review


def rightly_gone(home: Home, source: Source, pin: Pin, clip: str) -> Gone:
    """Return what is rightly gone of a doorbell that recorded `clip`, which its relay does not show."""
    gone = home.gone(pin, _now_ms())
    return gone if gone.explains(clip) or not learned(home, source) else home.gone(pin, _now_ms())


def learned(home: Home, source: Source) -> bool:
    """Keep what this owner signed elsewhere, if the source is a relay that tells it; whether it did."""
    if not isinstance(source, Relay):
        return False
    with contextlib.suppress(OwnerError):  # the listing was answered, and is judged by what is known
        Keeping(home, source, _now_ms()).learn()
        return True
    return False


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
