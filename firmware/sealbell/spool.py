"""The two folders where watch and uplink meet, full of sealed files only.

Maildir's habit: a temporary name, fsync, rename, fsync of the folder; what has its final name is committed. A FIFO in
the outbox rings at each commit, so that the uplink need not poll. Names tell what the uplink needs without parsing:
`CLIP-SEQ-KIND-COUNTER.part`, or `.drop` for what a full outbox dropped. Beside them lies `health`, and what a failing
card spoilt lies there as `damaged-NAME`, for a person to look at.
"""

import contextlib
import functools
import os
import re
from dataclasses import dataclass
from pathlib import Path

BELL = ".bell"
HEALTH = "health"  # the doorbell's newest word of itself, replaced and never deleted
SET_ASIDE = "damaged-"  # before the name of a file that the card spoilt: no listing shows it
MAX_REMEMBERED_NAMES = 8_192  # the outbox is listed at every turn, and an outage of a day leaves thousands
_NAME = re.compile(r"([0-9a-f]{32})-([0-9]{6})-([nivf])([mp])-([0-9]{1,16})\.(part|drop)\Z", re.ASCII)
_KINDS = {"n": "notice", "i": "init", "v": "media", "f": "manifest"}
_LETTERS = {kind: letter for letter, kind in _KINDS.items()}


class OutboxError(Exception):
    """Nothing more can be committed, not even that a part was dropped. What was committed before is untouched."""


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One committed file. `pressed` says that it is footage of a press; `counter` is its clip's number."""

    clip: str
    seq: int
    kind: str
    pressed: bool
    counter: int
    dropped: bool = False

    @property
    def name(self) -> str:
        """The file's name."""
        mark = "p" if self.pressed else "m"
        end = "drop" if self.dropped else "part"
        return f"{self.clip}-{self.seq:06d}-{_LETTERS[self.kind]}{mark}-{self.counter}.{end}"


@functools.lru_cache(MAX_REMEMBERED_NAMES)
def parse_name(name: str) -> Entry | None:
    """Return the entry that a file name means, None if it is not one of ours."""
    if not (match := _NAME.match(name)):
        return None
    clip, seq, letter, mark, counter, end = match.groups()
    return Entry(clip, int(seq), _KINDS[letter], mark == "p", int(counter), end == "drop")


def listing(folder: Path) -> list[Entry]:
    """Return what is committed, oldest first; where a drop was cut short by a crash, the dropped form counts."""
    found: dict[tuple[str, int], Entry] = {}
    # Names alone, since a Path for each would double the time; they sort as their entries do, and faster.
    for name in sorted(os.listdir(folder)):  # noqa: PTH208 - see above
        entry = parse_name(name)
        if entry and (entry.dropped or (entry.clip, entry.seq) not in found):
            found[entry.clip, entry.seq] = entry
    return list(found.values())


def hang_bell(folder: Path) -> None:
    """Make sure that the outbox has its bell; whichever process starts first hangs it."""
    with contextlib.suppress(FileExistsError):
        os.mkfifo(folder / BELL, 0o600)


def reason(error: OSError) -> str:
    """Return why the system refused, for a message."""
    return (error.strerror or str(error)).lower()
