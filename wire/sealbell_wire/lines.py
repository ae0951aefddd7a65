"""What records and receipts share: ASCII, LF, a version line, then `key value` in a fixed order (SPEC 2)."""

import re

from sealbell_wire.errors import FormatError
from sealbell_wire.limits import MAX_INTEGER

_VALUE = re.compile(r"[!-~]+\Z", re.ASCII)
_NUMBER = re.compile(r"(0|[1-9][0-9]{0,15})\Z", re.ASCII)


def encode_lines(version: str, pairs: list[tuple[str, str]]) -> bytes:
    """Return the carried bytes: `version`, then each pair as `key value`, every line ended by LF."""
    return "".join([f"{version}\n", *(f"{key} {value}\n" for key, value in pairs)]).encode("ascii")


class LineReader:
    """Reads such a text key by key in the order the caller asks; FormatError on anything else."""

    def __init__(self, data: bytes, version: str, limit_bytes: int) -> None:
        self._what = version
        if len(data) > limit_bytes:
            raise FormatError(f"{version}: longer than {limit_bytes} bytes")
        try:
            text = data.decode("ascii")
        except UnicodeDecodeError:
            raise FormatError(f"{version}: holds a byte that is not ascii") from None
        lines = text.split("\n")
        if lines[0] != version or lines[-1] != "" or len(lines) < 3:
            raise FormatError(f"{version}: does not begin with its version line or end with a line feed")
        self._lines = lines[1:-1]
        self._next = 0

    def take(self, key: str) -> str:
        """Return the value of the next line, which must carry `key`."""
        if self._next == len(self._lines):
            raise FormatError(f"{self._what}: ends before its {key} line")
        name, _, value = self._lines[self._next].partition(" ")
        if name != key or not _VALUE.match(value):
            raise FormatError(f"{self._what}: line {self._next + 2} is not `{key} VALUE`")
        self._next += 1
        return value

    def number(self, key: str, limit: int = MAX_INTEGER) -> int:
        """Return the next value as a whole number from 0 to `limit`, written without leading zeros."""
        value = self.take(key)
        if not _NUMBER.match(value) or int(value) > limit:
            raise FormatError(f"{self._what}: {key} is not a whole number from 0 to {limit}")
        return int(value)

    def flag(self, key: str) -> bool:
        """Return the next value as a boolean, written 0 or 1."""
        return self.number(key, 1) == 1

    def end(self) -> None:
        """Refuse anything after the last line."""
        if self._next != len(self._lines):
            raise FormatError(f"{self._what}: has lines after its last one")
