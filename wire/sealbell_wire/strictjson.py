"""JSON as the wire allows it (SPEC 2): UTF-8, ASCII keys, no duplicate keys, whole numbers that fit, nothing deep."""

import json
import re
from typing import Any, NoReturn

from sealbell_wire.errors import FormatError
from sealbell_wire.limits import MAX_INTEGER, MAX_JSON_BYTES, MAX_JSON_DEPTH

# A string, perhaps cut, or one bracket outside of any string.
_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]+|\\.)*"?|[\[\]{}]', re.DOTALL)


def dump(value: dict[str, Any]) -> bytes:
    """Return `value` as the wire writes it: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def load(data: bytes, what: str, limit_bytes: int = MAX_JSON_BYTES) -> dict[str, Any]:
    """Parse one JSON object; FormatError naming `what` on anything that the wire forbids."""
    if len(data) > limit_bytes:
        raise FormatError(f"{what}: longer than {limit_bytes} bytes")
    _check_depth(data, what)

    def refuse(_: str) -> NoReturn:
        raise FormatError(f"{what}: holds a number that is not whole")

    def whole(text: str) -> int:
        if len(text.lstrip("-")) > 16 or abs(int(text)) > MAX_INTEGER or text == "-0":
            raise FormatError(f"{what}: holds a number beyond 2^53-1, or a negative zero")
        return int(text)

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) != len(pairs):
            raise FormatError(f"{what}: holds a key twice")
        if not all(key.isascii() for key, _ in pairs):
            raise FormatError(f"{what}: holds a key that is not ascii")
        return dict(pairs)

    try:
        value = json.loads(
            data.decode("utf-8"),
            parse_float=refuse,
            parse_constant=refuse,
            parse_int=whole,
            object_pairs_hook=once,
        )
        dump({"": value})  # an escaped half of a surrogate pair parses, but is not text
    except (UnicodeError, json.JSONDecodeError):
        raise FormatError(f"{what}: is not json in utf-8") from None
    if not isinstance(value, dict):
        raise FormatError(f"{what}: is not one json object")
    return value


def _check_depth(data: bytes, what: str) -> None:
    # Counted before the parser runs, since that one recurses.
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(data):
        match data[found.start()]:
            case 0x5B | 0x7B:  # [ {
                depth += 1
            case 0x5D | 0x7D:  # ] }
                depth -= 1
        if depth > MAX_JSON_DEPTH:
            raise FormatError(f"{what}: nested deeper than {MAX_JSON_DEPTH}")


def exact_keys(value: dict[str, Any], keys: dict[str, type], what: str) -> None:
    """Raise FormatError unless `value` has exactly these keys with values of exactly these types."""
    if value.keys() != keys.keys():
        raise FormatError(f"{what}: its keys are not exactly {', '.join(sorted(keys))}")
    for key, kind in keys.items():
        if type(value[key]) is not kind:
            raise FormatError(f"{what}: {key} is not a {kind.__name__}")
