"""Writes docs/configuration.md and packaging/sealbell.toml from the declaration of the settings: `make docs-config`."""

import sys
from pathlib import Path

from sealbell.config.keys import Key, Table, tables
from sealbell.config.render import commented_defaults, describe, toml_value
from sealbell.config.settings import Settings

ROOT = Path(__file__).parents[1]

BEGINNING = """\
# Configuration

<!-- Written by docs/write_configuration.py from firmware/sealbell/config. -->

The doorbell reads one file of TOML 1.0 when it starts: `/etc/sealbell/sealbell.toml`, or the one that `--config` names.
Everything in it may be left out; an empty file is a working one.

```sh
sealbell config           # every setting in force, as toml, with a comment at each that is not the default
sealbell config --check   # whether the file is in order; exit code 1, and all that is wrong, if it is not
sealbell config --json    # the same for programs, what is wrong too
```

A file that is wrong is not obeyed in part: the doorbell says all that is wrong with it and does not start. A word that
it does not know is wrong too, and it names the nearest one that it knows.

## An example

A house at a street. The neighbour's window is masked, only the path to the door counts, nobody is called in the night,
and on working days everything that moves calls the phone.

```toml
{example}```

## Masks and zones

Both are rectangles in thousandths of the picture, whatever its size: `x` and `y` from the top left corner of the
picture as it is recorded (after `rotate`), `width` and `height` from there.

A **mask** is black in every picture before anything is coded or looked at. A **zone** is where motion in the picture
counts. The detector looks at 40 by 30 cells, and a cell counts if any part of it lies in a zone. So no zone is too
small to see anything, and each reaches up to a cell further than it was drawn: 25 thousandths to either side, 33 up and
down. Someone who is partly in a zone is in it. The PIR knows no zones.

## Modes and the schedule

A mode decides what motion does. A press rings and is recorded in every mode.

- The mode in force is that of the schedule's entry for this time, or else `now` below `[mode]`. Where entries overlap,
  the one further down in the file is in force: write the rule first and its exceptions below.
- An entry belongs to the days on which it begins. If `to` is not after `from` it ends the next day, so `from = "22:00"`
  with `to = "07:00"` on `["sat"]` is over on Sunday morning, and equal times are a whole day.
- Times are those of a clock on the wall. In the night when an hour is left out, an entry that would begin in it begins
  after it; in the night when an hour comes twice, what lies in it is in force twice.
- While the doorbell has not heard the time from outside, it cannot know which entry is meant. Then `now` is in force,
  and if that would ignore motion, motion is recorded: better one clip too many. Without a schedule no clock is needed.
- A time zone needs Debian's `tzdata`, which the package depends on. `"system"` is the machine's own.

## Motion and the PIR

`source` says which sensor counts. With `"both"`, picture and PIR must each have seen something within three seconds of
the other: rain and insects do not warm a PIR, and the sun on a wall has no edges. With `"either"`, a clip that the PIR
alone has caused says so: its trigger is `pir`.

"""
# Not generated: what the example shows, and a test parses it.
EXAMPLE = """\
[[mask]]
name = "neighbour"
x = 0
y = 0
width = 180
height = 400

[[zone]]
name = "path"
x = 250
y = 300
width = 500
height = 700

[modes]
home = "record"
away = "alert"
quiet = "record"

[[schedule]]
mode = "away"
days = ["mon", "tue", "wed", "thu", "fri"]
from = "08:00"
to = "17:00"

[[schedule]]
mode = "quiet"
from = "22:30"
to = "06:30"
"""


def page() -> str:
    """Return docs/configuration.md."""
    sections = [BEGINNING.format(example=EXAMPLE) + "## Every key\n", *(section(table) for table in tables(Settings))]
    return "\n".join(sections)


def section(table: Table) -> str:
    """Return a table of the file as a table of the page."""
    limit = "" if table.limit is None else f" There may be up to {table.limit}."
    rows = [f"| `{key.name}` | {_cell(describe(key))} | {_default(key)} | {_cell(key.line)} |" for key in table.keys]
    head = ["| key | takes | default | what it is |", "|---|---|---|---|"]
    return "\n".join([f"### `{table.heading}`", "", f"{table.line}{limit}", "", *head, *rows, ""])


def _default(key: Key) -> str:
    return "must be given" if key.required else f"`{toml_value(key.rule.plain(key.default))}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main(folder: Path) -> None:
    """Write both files below `folder`."""
    for name, text in (("docs/configuration.md", page()), ("packaging/sealbell.toml", commented_defaults())):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
