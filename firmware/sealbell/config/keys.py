"""How a key is declared: a field of a frozen dataclass that carries its rule and its line of documentation."""

from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from sealbell.config.rules import Rule

_DECLARED = "sealbell.key"
_ROWS = "sealbell.rows"


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a table. `attribute` is its field; `default` is MISSING where it must be given, as `example` shows."""

    name: str
    attribute: str
    rule: Rule
    line: str
    default: Any
    example: Any

    @property
    def required(self) -> bool:
        """Whether there is no default."""
        return self.default is MISSING


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the file. `limit` is how many of it there may be; None for a table that there is once."""

    name: str
    attribute: str
    holds: type
    limit: int | None

    @property
    def heading(self) -> str:
        """As it stands in the file."""
        return f"[{self.name}]" if self.limit is None else f"[[{self.name}]]"

    @property
    def keys(self) -> tuple[Key, ...]:
        """What may stand in it, in the order of its declaration."""
        return tuple(
            Key(name or each.name, each.name, rule, line, each.default, example)
            for each in fields(self.holds)
            for rule, line, name, example in [each.metadata[_DECLARED]]
        )

    @property
    def line(self) -> str:
        """What it is for."""
        return (self.holds.__doc__ or "").partition("\n")[0]


def key(rule: Rule, line: str, default: Any = MISSING, *, name: str | None = None, example: Any = None) -> Any:
    """Declare a key; `name` if it is not the field's, as with words that are Python's."""
    return field(default=default, metadata={_DECLARED: (rule, line, name, default if example is None else example)})


def table(holds: type) -> Any:
    """Declare a table that there is once; absent, it is all defaults."""
    return field(default_factory=holds, metadata={_ROWS: (holds, None, None)})


def rows(name: str, holds: type, limit: int) -> Any:
    """Declare a table that there may be up to `limit` times."""
    return field(default=(), metadata={_ROWS: (holds, name, limit)})


def tables(settings: type) -> tuple[Table, ...]:
    """Return the tables that were declared in a class."""
    return tuple(
        Table(name or each.name, each.name, holds, limit)
        for each in fields(settings)
        for holds, name, limit in [each.metadata[_ROWS]]
    )
