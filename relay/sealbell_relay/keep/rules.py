"""When a clip's days are over, and whether the relay's clock may be believed about that. Pure.

Theory. A wrong clock must never delete. A relay's clock may be years off in either direction, before a time server is
reached or after somebody typed a date, and what was receipted meanwhile carries wrong arrivals for ever. So

- nothing is deleted unless a doorbell's own clock, set by the network and heard in this run, agrees with the relay's,
  and the relay's has gone no other way since than its monotonic one: one wrong clock deletes nothing;
- a clip is as young as the younger of two words: the relay's signed arrival of its newest part, and the doorbell's
  clock in that part's record, if that was set;
- a time before this program could have run anywhere is no time, and a time in the future is not over.

A relay that hears nobody deletes nothing. Nothing comes in then, either.
"""

from dataclasses import dataclass

DAY_MS = 86_400_000
AGREE_MS = 3_600_000
NO_TIME_BEFORE_MS = 1_767_225_600_000  # 2026-01-01: nothing was ever received earlier
BUCKET_SHIFT = 24  # a bucket's six digits are the upper 24 of the 48 bits of a clip's time


@dataclass(frozen=True, slots=True)
class Moment:
    """When something arrived by the relay's clock, and when it was made by the doorbell's: None if that was not set."""

    arrived_ms: int
    made_ms: int | None


def is_over(newest: Moment, days: int, now_ms: int) -> bool:
    """Whether a clip whose newest part has this moment has been kept for `days`."""
    cutoff_ms = now_ms - days * DAY_MS
    times = [newest.arrived_ms] + ([newest.made_ms] if newest.made_ms is not None else [])
    return all(NO_TIME_BEFORE_MS <= time_ms < cutoff_ms for time_ms in times)


def may_hold_over(bucket: str, days: int, now_ms: int) -> bool:
    """Whether clips in a bucket may be over, by the doorbell's time in their names.

    A clip arrives after its name's time, unless the doorbell's clock was ahead: so buckets of the future are looked at,
    too, and a clip from a clock that was ahead by less than its days goes late by at most that.
    """
    begin_ms = int(bucket, 16) << BUCKET_SHIFT
    return begin_ms < now_ms - days * DAY_MS or begin_ms > now_ms + DAY_MS


class Witness:
    """What a doorbell's clock said, to hold the relay's against. Monotonic times in seconds. One writer at a time."""

    def __init__(self) -> None:
        self._last: tuple[int, float] | None = None

    def hear(self, wall_ms: int, now_ms: int, monotonic_s: float) -> None:
        """A doorbell whose clock was set said `wall_ms` just now. One that disagrees is no witness, and no veto."""
        if abs(wall_ms - now_ms) <= AGREE_MS:
            self._last = now_ms, monotonic_s

    def confirms(self, now_ms: int, monotonic_s: float) -> bool:
        """Whether the relay's clock, which says `now_ms`, was confirmed in this run and has not jumped since."""
        if self._last is None or now_ms < NO_TIME_BEFORE_MS:
            return False
        confirmed_ms, at_s = self._last
        return abs(confirmed_ms + (monotonic_s - at_s) * 1_000 - now_ms) <= AGREE_MS
