"""Settings as TOML: what is in force, and the file that a package installs (all defaults, commented out)."""

import json
from collections.abc import Iterator

from sealbell.config.keys import Key, Table, tables
from sealbell.config.rules import Plain
from sealbell.config.settings import Settings

_FILE_HEAD = """\
# The doorbell's settings. What is commented out is the default; `sealbell config` prints what is in force, and
# `sealbell config --check` says what is wrong here. The doorbell reads this file when it starts.
"""


def plain_settings(settings: Settings) -> dict[str, object]:
    """Return settings as the TOML tables that would give them."""
    return {
        table.name: _plain_row(table, getattr(settings, table.attribute))
        if table.limit is None
        else [_plain_row(table, each) for each in getattr(settings, table.attribute)]
        for table in tables(Settings)
    }


def in_force(settings: Settings) -> str:
    """Return settings as TOML, every key written out, with a comment at each that is not the default."""
    return "\n".join(block for table in tables(Settings) for block in _blocks(table, settings))


def commented_defaults() -> str:
    """Return a file that changes nothing and shows everything: each key with its line, commented out."""
    return "\n".join([_FILE_HEAD, *(_commented(table) for table in tables(Settings))])


def toml_value(value: Plain) -> str:
    """Return a TOML value: printable text is written the way JSON has it, and so are numbers and lists."""
    return json.dumps(value, ensure_ascii=False)


def describe(key: Key) -> str:
    """Return unit and allowed values in a few words."""
    return f"{key.rule.unit}: {key.rule.takes}" if key.rule.unit else key.rule.takes


def _plain_row(table: Table, row: object) -> dict[str, Plain]:
    return {key.name: key.rule.plain(getattr(row, key.attribute)) for key in table.keys}


def _blocks(table: Table, settings: Settings) -> Iterator[str]:
    found = getattr(settings, table.attribute)
    for each in [found] if table.limit is None else found:
        lines = [table.heading]
        for key in table.keys:
            value = getattr(each, key.attribute)
            changed = not key.required and value != key.default
            comment = f"  # default {toml_value(key.rule.plain(key.default))}" if changed else ""
            lines.append(f"{key.name} = {toml_value(key.rule.plain(value))}{comment}")
        yield "\n".join(lines) + "\n"


def _commented(table: Table) -> str:
    rows = "" if table.limit is None else f" Up to {table.limit} of them."
    lines = [f"# {table.line}{rows}", table.heading if table.limit is None else f"#{table.heading}"]
    for key in table.keys:
        lines.append(f"# {key.line} ({describe(key)})")
        lines.append(f"#{key.name} = {toml_value(key.rule.plain(key.example))}")
    return "\n".join(lines) + "\n"
