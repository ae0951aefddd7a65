"""What a key may hold. Each rule turns a TOML value into ours and back, and says in words what it takes."""

import re
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Protocol

from sealbell.config.drawing import read_drawing
from sealbell.pins import HEADER

MAX_LABEL_CHARS = 32
MAX_SOURCE_CHARS = 256
MINUTES_PER_DAY = 1_440
FIRST_PIN, LAST_PIN = min(HEADER), max(HEADER)  # BCM numbers, all between are there
NOT_FITTED = "none"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SYSTEM_ZONE = "system"

Plain = str | int | float | bool | list[str]


class Rule(Protocol):
    """Rules are values: frozen dataclasses."""

    @property
    def takes(self) -> str:
        """What is allowed, to be read after the word "takes"."""

    @property
    def unit(self) -> str:
        """The unit in words; empty where there is none."""

    def read(self, found: object) -> Any:
        """Return our value of a TOML one. ValueError if it is not allowed, with a hint or with no text."""

    def plain(self, value: Any) -> Plain:
        """Return the TOML value of ours."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number, or an even one."""

    least: int
    most: int
    unit: str = ""
    even: bool = False

    @property
    def takes(self) -> str:
        """See Rule."""
        return f"{'an even' if self.even else 'a whole'} number from {self.least} to {self.most}"

    def read(self, found: object) -> int:
        """See Rule; True is no number here."""
        if isinstance(found, bool) or not isinstance(found, int):
            raise ValueError
        if not self.least <= found <= self.most or (self.even and found % 2):
            raise ValueError
        return found

    def plain(self, value: int) -> Plain:
        """See Rule."""
        return value


@dataclass(frozen=True, slots=True)
class Real:
    """A number with or without a decimal point."""

    least: float
    most: float
    unit: str = ""

    @property
    def takes(self) -> str:
        """See Rule."""
        return f"a number from {self.least:g} to {self.most:g}"

    def read(self, found: object) -> float:
        """See Rule."""
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise ValueError
        if not self.least <= found <= self.most:  # nan is in no range
            raise ValueError
        return float(found)

    def plain(self, value: float) -> Plain:
        """See Rule."""
        return value


@dataclass(frozen=True, slots=True)
class Flag:
    """Yes or no."""

    unit: str = ""

    @property
    def takes(self) -> str:
        """See Rule."""
        return "true or false"

    def read(self, found: object) -> bool:
        """See Rule."""
        if not isinstance(found, bool):
            raise ValueError
        return found

    def plain(self, value: bool) -> Plain:
        """See Rule."""
        return value


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words or numbers."""

    options: Sequence[str] | Sequence[int]
    unit: str = ""

    @property
    def takes(self) -> str:
        """See Rule."""
        words = [_quoted(option) if isinstance(option, str) else str(option) for option in self.options]
        return f"{', '.join(words[:-1])} or {words[-1]}"

    def read(self, found: object) -> str | int:
        """See Rule."""
        for option in self.options:
            if type(found) is type(option) and found == option:
                return option
        raise ValueError(nearest(found, [option for option in self.options if isinstance(option, str)]))

    def plain(self, value: str | int) -> Plain:
        """See Rule."""
        return value


@dataclass(frozen=True, slots=True)
class Label:
    """A name for people."""

    unit: str = ""

    @property
    def takes(self) -> str:
        """See Rule."""
        return f"1 to {MAX_LABEL_CHARS} printable characters"

    def read(self, found: object) -> str:
        """See Rule."""
        if not isinstance(found, str) or not 1 <= len(found) <= MAX_LABEL_CHARS or not found.isprintable():
            raise ValueError
        return found

    def plain(self, value: str) -> Plain:
        """See Rule."""
        return value


PI, DRAWN, FOOTAGE = "picamera", "drawn:", "footage:"


@dataclass(frozen=True, slots=True)
class Source:
    """Where pictures come from."""

    unit: str = ""

    @property
    def takes(self) -> str:
        """See Rule."""
        return '"picamera", "drawn:WxH@FPS:BITS" or "footage:PATH"'

    def read(self, found: object) -> str:
        """See Rule."""
        if not isinstance(found, str) or len(found) > MAX_SOURCE_CHARS or not found.isprintable():
            raise ValueError
        if found.startswith(DRAWN):
            read_drawing(found.removeprefix(DRAWN))
        elif found != PI and (found == FOOTAGE or not found.startswith(FOOTAGE)):
            raise ValueError(nearest(found, [PI]))
        return found

    def plain(self, value: str) -> Plain:
        """See Rule."""
        return value


@dataclass(frozen=True, slots=True)
class Pin:
    """A BCM number; None for a part that is not fitted."""

    unit: str = "BCM number"

    @property
    def takes(self) -> str:
        """See Rule."""
        return f'a whole number from {FIRST_PIN} to {LAST_PIN}, or "{NOT_FITTED}"'

    def read(self, found: object) -> int | None:
        """See Rule."""
        return None if found == NOT_FITTED else Whole(FIRST_PIN, LAST_PIN).read(found)

    def plain(self, value: int | None) -> Plain:
        """See Rule."""
        return NOT_FITTED if value is None else value


_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_MIDNIGHT = "24:00"


@dataclass(frozen=True, slots=True)
class TimeOfDay:
    """A minute of the day, written as a clock shows it; an `end` may also be the midnight after."""

    end: bool = False
    unit: str = "local time"

    @property
    def takes(self) -> str:
        """See Rule."""
        return f'"HH:MM", from "00:00" to "{_MIDNIGHT if self.end else "23:59"}"'

    def read(self, found: object) -> int:
        """See Rule: 0 to 1439, or 1440 for the midnight after."""
        if self.end and found == _MIDNIGHT:
            return MINUTES_PER_DAY
        if not isinstance(found, str) or not (match := _TIME.fullmatch(found)):
            raise ValueError
        return int(match[1]) * 60 + int(match[2])

    def plain(self, value: int) -> Plain:
        """See Rule."""
        return f"{value // 60:02}:{value % 60:02}"


@dataclass(frozen=True, slots=True)
class Days:
    """Days of the week: our value is a tuple of their numbers, Monday 0, in the week's order."""

    unit: str = ""

    @property
    def takes(self) -> str:
        """See Rule."""
        return f"a list of {', '.join(map(_quoted, DAYS))}"

    def read(self, found: object) -> tuple[int, ...]:
        """See Rule; no day twice, and at least one."""
        if not isinstance(found, list) or not 1 <= len(found) <= len(DAYS):
            raise ValueError
        unknown = [day for day in found if not isinstance(day, str) or day not in DAYS]
        if unknown:
            raise ValueError(nearest(unknown[0], DAYS))
        if len(set(found)) != len(found):
            raise ValueError("it names a day twice")
        return tuple(number for number, day in enumerate(DAYS) if day in found)

    def plain(self, value: tuple[int, ...]) -> Plain:
        """See Rule."""
        return [DAYS[number] for number in value]


@dataclass(frozen=True, slots=True)
class TimeZone:
    """A time zone that this machine knows (Debian's tzdata); None for the machine's own."""

    unit: str = ""

    @property
    def takes(self) -> str:
        """See Rule."""
        return f'"{SYSTEM_ZONE}" or a name such as "Europe/Lisbon" that tzdata has'

    def read(self, found: object) -> str | None:
        """See Rule."""
        if found == SYSTEM_ZONE:
            return None
        if not isinstance(found, str):
            raise ValueError
        try:
            return zoneinfo.ZoneInfo(found).key
        except (zoneinfo.ZoneInfoNotFoundError, OSError, ValueError):  # a folder of zones, a path out of it
            raise ValueError(nearest(found, sorted(zoneinfo.available_timezones()))) from None

    def plain(self, value: str | None) -> Plain:
        """See Rule."""
        return SYSTEM_ZONE if value is None else value


def _quoted(word: str) -> str:
    return f'"{word}"'


def nearest(found: object, known: Sequence[str]) -> str:
    """Return "did you mean ...?", or nothing if none of `known` is near."""
    near = get_close_matches(found[:MAX_LABEL_CHARS], known, n=1) if isinstance(found, str) else []
    return f'did you mean "{near[0]}"?' if near else ""
