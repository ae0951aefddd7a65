"""What the status light shows and what systemd is told, from what went by. Pure: times are handed in."""

from collections import deque
from collections.abc import Sequence, Set

from sealbell.items import ClipBegins, ClipEnds, Draft, LightCode, Packet, Press, Seen, Trouble

RINGING_US = 5_000_000
RATE_PICTURES = 60
DARK_US = 5_000_000  # no picture for so long is no watching
BLIND = {Trouble.CAMERA_STALLED, Trouble.CAMERA_FAILING}
TOLD_OTHERWISE = {Trouble.RELAY_AWAY, Trouble.CLOCK_UNSYNCED}  # by a code of its own, and by health


class Status:
    """Remembers as much as the light needs. One thread tells it what was seen, and asks."""

    def __init__(self) -> None:
        self._recording = False
        self._rang_us: int | None = None
        self._pictures_us: deque[int] = deque(maxlen=RATE_PICTURES)

    def note(self, item: Seen | None, drafts: Sequence[Draft]) -> None:
        """Take what was seen, if anything was, and what came of it."""
        match item:
            case Press():
                self._rang_us = item.t_us
            case Packet():
                self._pictures_us.append(item.t_us)
            case _:
                pass
        for draft in drafts:
            if isinstance(draft, ClipBegins | ClipEnds):
                self._recording = isinstance(draft, ClipBegins)

    def code(self, now_us: int, troubles: Set[Trouble]) -> LightCode:
        """Return what the light shows: the person at the door first, then what the household must know."""
        if self._rang_us is not None and now_us - self._rang_us < RINGING_US:
            return LightCode.RINGING
        if self._recording and not troubles & BLIND:
            return LightCode.RECORDING
        if troubles - TOLD_OTHERWISE:
            return LightCode.TROUBLE
        if not self._pictures_us:
            return LightCode.STARTING
        return LightCode.RELAY_AWAY if Trouble.RELAY_AWAY in troubles else LightCode.WATCHING

    def line(self, now_us: int, troubles: Set[Trouble]) -> str:
        """Return one line for `systemctl status` and the doctor."""
        times_us = self._pictures_us
        if not times_us:
            said = "waiting for the first picture"
        elif now_us - times_us[-1] > DARK_US:
            said = f"no picture for {(now_us - times_us[-1]) // 1_000_000} s"
        else:
            rate = (len(times_us) - 1) * 1e6 / max(1, times_us[-1] - times_us[0])
            said = f"{'recording' if self._recording else 'watching'}: {rate:.1f} pictures a second"
        return "; ".join([said, *sorted(troubles)])
