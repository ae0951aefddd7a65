"""What motion does now: the mode in force, by the week's schedule, and that mode's action. A press asks nobody here.

Theory. The schedule's entries are spans of the local week; the last one that holds the moment is in force, else `now`.
An entry belongs to the day on which it begins: it holds a minute of that day from its beginning on, or, if it goes over
midnight, a minute of the next day before its end. Only what the clock on the wall shows is compared, so a day of 23 or
25 hours needs no rule of its own: an entry that would begin in the hour that is skipped begins after it, and an hour
that comes twice is in the entry twice.

While wall time was never set from outside it may be anything, and the schedule cannot be known. Then `now` is in force,
since it is what the owner chose for all times that nothing is said of. But "ignore" might then ignore the very hours
that the schedule wants watched, and what is not recorded cannot be had later; so it records instead and calls nobody.
Without a schedule no clock is needed and "ignore" is what it says.

An owner's order to change the mode is a change of `now` (dataclasses.replace), and that is all the state there is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from sealbell.clock import LocalTime
from sealbell.config import Settings
from sealbell.config.settings import Action, Entry, Mode

DAYS_PER_WEEK = 7


@dataclass(frozen=True, slots=True)
class Modes:
    """Which mode is in force when, and what motion does in each."""

    now: Mode
    schedule: tuple[Entry, ...]
    motion: Mapping[Mode, Action]

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return what the settings say."""
        modes = settings.modes
        motion: dict[Mode, Action] = {"home": modes.home, "away": modes.away, "quiet": modes.quiet}
        return cls(settings.mode.now, settings.schedule, motion)

    def in_force(self, local: LocalTime | None) -> Mode:
        """Return the mode at a local time; None if the clock was never set from outside."""
        if local is not None:
            for entry in reversed(self.schedule):
                if holds(entry, local):
                    return entry.mode
        return self.now

    def on_motion(self, local: LocalTime | None) -> Action:
        """Return what motion does at a local time; None if the clock was never set from outside."""
        action = self.motion[self.in_force(local)]
        blind = local is None and bool(self.schedule)
        return "record" if blind and action == "ignore" else action


def holds(entry: Entry, local: LocalTime) -> bool:
    """Return whether an entry of the schedule is in force at a local time."""
    today, yesterday = local.weekday, (local.weekday - 1) % DAYS_PER_WEEK
    if entry.begins < entry.ends:
        return today in entry.days and entry.begins <= local.minute < entry.ends
    return (today in entry.days and local.minute >= entry.begins) or (
        yesterday in entry.days and local.minute < entry.ends
    )
