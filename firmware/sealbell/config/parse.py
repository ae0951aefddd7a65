"""From the file's text to Settings, or to everything that is wrong with it at once."""

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from sealbell.config.checks import cross_check, row
from sealbell.config.errors import Problem, SettingsError
from sealbell.config.keys import Key, Table, tables
from sealbell.config.settings import Settings

DEFAULT_PATH = Path("/etc/sealbell/sealbell.toml")
MAX_SETTINGS_BYTES = 65_536
MAX_SHOWN_CHARS = 40
MAX_PROBLEMS = 50
TABLES = tables(Settings)


def read_settings(path: Path) -> Settings:
    """Read a settings file; SettingsError if it cannot be read or obeyed."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SETTINGS_BYTES + 1)
    except OSError as error:
        says = f"cannot be read: {(error.strerror or 'unknown').lower()}"
        raise SettingsError(path, [Problem((), says)]) from None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        if len(data) <= MAX_SETTINGS_BYTES:
            raise SettingsError(path, [Problem((), "is not text in utf-8")]) from None
        text = data.decode("utf-8", errors="replace")  # cut in a character: too long is what it is
    return parse_settings(text, path)


def settings_in_force(given: Path | None, default: Path = DEFAULT_PATH) -> tuple[Path | None, Settings]:
    """Return the file that counts and what it says: the one given, else the default one, else none and all defaults."""
    if given is None and not default.exists():
        return None, Settings()
    path = given or default
    return path, read_settings(path)


def parse_settings(text: str, file: Path | None = None) -> Settings:
    """Return the settings that `text` (TOML 1.0) asks for; `file` is its name in messages.

    SettingsError, with all that is wrong: first what no key allows, then what does not fit together. What is wrong
    with a key is told once: checks that compare it with others wait until it is right.
    """
    reading = _Reading()
    settings = reading.settings(_toml(text, file))
    wrong = {where for problem in reading.problems for where in problem.at}
    unfit = [problem for problem in cross_check(settings) if not wrong.intersection(problem.at)]
    problems = reading.problems + unfit
    if problems:
        more = len(problems) - MAX_PROBLEMS
        hint = f"there are {more} more" if more > 0 else "docs/configuration.md says what every key takes"
        raise SettingsError(file, problems[:MAX_PROBLEMS], hint)
    return settings


def _toml(text: str, file: Path | None) -> dict[str, Any]:
    if len(text.encode("utf-8", errors="replace")) > MAX_SETTINGS_BYTES:
        raise SettingsError(file, [Problem((), f"is longer than {MAX_SETTINGS_BYTES} bytes")])
    try:
        return tomllib.loads(text)
    except ValueError as error:  # tomllib's own error is one, and so is a number of too many digits
        raise SettingsError(file, [Problem((), f"is not toml: {_lower(str(error))}")]) from None
    except RecursionError:
        raise SettingsError(file, [Problem((), "is not toml: brackets too deep")]) from None


class _Reading:
    """Reads on after what is wrong, and keeps a list of it."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def settings(self, tree: dict[str, Any]) -> Settings:
        """Return the tables; those that are wrong, with defaults in the place of what is wrong."""
        self._unknown(tree)
        values: dict[str, Any] = {}
        for table in TABLES:
            if table.name in tree:
                found = tree[table.name]
                values[table.attribute] = self._once(table, found) if table.limit is None else self._rows(table, found)
        return Settings(**values)

    def _unknown(self, tree: dict[str, Any]) -> None:
        known = [table.name for table in TABLES]
        for name, value in tree.items():
            if name in known:
                continue
            near = get_close_matches(name[:MAX_SHOWN_CHARS], known, n=1)
            homes = [table.heading for table in TABLES if name in {key.name for key in table.keys}]
            hint = ""
            if near:
                hint = f"; did you mean {next(table.heading for table in TABLES if table.name == near[0])}?"
            elif homes and not isinstance(value, dict):
                hint = f"; it belongs below {' or '.join(homes)}"
            self._note(shown(name), f"is unknown{hint}")

    def _once(self, table: Table, found: object) -> Any:
        if not isinstance(found, dict):
            self._note(table.heading, f"is {kind(found)}, takes a table: a line {table.heading}, its keys below it")
            return table.holds()
        return table.holds(**self._keys(table, table.heading, found))

    def _rows(self, table: Table, found: object) -> tuple[Any, ...]:
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            self._note(table.heading, f"is {kind(found)}, takes a line {table.heading} for each, its keys below it")
            return ()
        limit = table.limit or 0
        if len(found) > limit:
            self._note(table.heading, f"there are {len(found)}, and {limit} at most are allowed")
        before = len(self.problems)
        taken = [self._keys(table, row(table.name, number), each) for number, each in enumerate(found[:limit], 1)]
        if len(self.problems) > before:
            return ()  # what is there of them cannot be compared with anything
        return tuple(table.holds(**values) for values in taken)

    def _keys(self, table: Table, at: str, found: dict[str, Any]) -> dict[str, Any]:
        known = {key.name: key for key in table.keys}
        values: dict[str, Any] = {}
        for name, value in found.items():
            if name in known:
                self._value(values, known[name], f"{at} {name}", value)
            else:
                self._note(f"{at} {shown(name)}", f"is unknown{_belongs(name, table, known)}")
        for key in table.keys:
            if key.required and key.name not in found:
                self._note(f"{at} {key.name}", f"is missing, takes {key.rule.takes}")
        return values

    def _value(self, values: dict[str, Any], key: Key, at: str, found: object) -> None:
        try:
            values[key.attribute] = key.rule.read(found)
        except ValueError as error:
            unit = f" ({key.rule.unit})" if key.rule.unit else ""
            hint = f"; {error}" if str(error) else ""
            self._note(at, f"is {shown(found)}, takes {key.rule.takes}{unit}{hint}")

    def _note(self, at: str, says: str) -> None:
        self.problems.append(Problem((at,), says))


def _belongs(name: str, table: Table, known: dict[str, Key]) -> str:
    homes = [other.heading for other in TABLES if other is not table and name in {key.name for key in other.keys}]
    if homes:
        return f"; it belongs below {' or '.join(homes)}"
    near = get_close_matches(name[:MAX_SHOWN_CHARS], known, n=1)
    return f"; did you mean {near[0]}?" if near else f"; known are {', '.join(known)}"


def kind(found: object) -> str:
    """Return what sort of TOML value this is."""
    kinds: dict[type, str] = {dict: "a table", list: "a list", str: "text", bool: "true or false"}
    kinds |= {int: "a number", float: "a number"}
    return kinds.get(type(found), "a date or a time")


def shown(found: object) -> str:
    """Return a value as a message may show it: short, in ascii, and never a whole table."""
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, str):
        text = ascii(found[:MAX_SHOWN_CHARS])[1:-1]
        return f'"{text}{"..." if len(found) > MAX_SHOWN_CHARS else ""}"'
    if isinstance(found, int | float):
        return "a very long number" if abs(found) > 10**MAX_SHOWN_CHARS else str(found)
    if isinstance(found, list):
        return f"a list of {len(found)}"
    return kind(found)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
