"""Every parser of the wire outside age, fed whole, cut at each byte, and with bytes after.

Garbage and changed bytes: tests/fuzz.
"""

from collections.abc import Callable

import pytest

from sealbell_wire import (
    content,
    enrolment,
    health,
    part,
    readers,
    receipt,
    record,
    report,
    resumption,
    retention,
    strictjson,
    tombstone,
)
from sealbell_wire.errors import FormatError, WireError
from sealbell_wire.statement import take_statement
from unit.wire.operations import CASES, bytes_of, place_of

MAX_BYTES = 8_000  # larger inputs are cut in their first and last bytes only
EDGE_BYTES = 400
Parser = Callable[[bytes], object]


def nothing_after(parse: Callable[[bytes], tuple[bytes, bytes, bytes]]) -> Parser:
    def whole(data: bytes) -> bytes:
        text, _, after = parse(data)
        if after:
            raise FormatError("bytes after")
        return text

    return whole


PARSERS: dict[str, Callable[[content.Place | None], Parser]] = {
    "json": lambda _: lambda data: strictjson.load(data, "test"),
    "record": lambda _: record.parse_record,
    "part": lambda _: part.parse_part,
    "receipts": lambda _: nothing_after(lambda data: take_statement(data, receipt.MAGIC)),
    "readers": lambda _: readers.parse_signed_readers,
    "card": lambda _: enrolment.parse_card,
    "notice": lambda place: lambda data: content.read_notice(data, place),
    "init": lambda place: lambda data: content.read_init(data, place),
    "manifest": lambda place: lambda data: content.read_manifest(data, place),
    "beat": lambda _: health.parse_beat,
    "health": lambda _: health.parse_health,
    "report": lambda _: lambda data: report.read_report(data, KEY, NUMBER),
    "tombstone": lambda _: tombstone.read_tombstone,
    "retention": lambda _: retention.read_retention,
    "resumption": lambda _: resumption.read_resumption,
}
NUMBER = next(case["input"]["number"] for case in CASES.values() if case["do"] == "report")
KEY = next(case["input"]["key"] for case in CASES.values() if case["do"] == "report")
# Padding is meant to be cut off or to grow, and an answer may hold no receipt or several: these are tried without.
FREELY_ENDED = {"contents: an init part", "receipts: several", "receipts: none", "parts: exactly at the limit"}
WHOLE = [name for name, case in CASES.items() if case["expect"] == "ok" and case["do"] in PARSERS]
WHOLE = [name for name in WHOLE if name not in FREELY_ENDED]


def input_of(name: str) -> tuple[bytes, Parser]:
    case = CASES[name]
    data = bytes_of(case["input"]["bytes"])
    text = case["do"] in ("json", "card", "manifest")
    place = place_of(case["input"]) if "place" in case["input"] else None
    return (data.strip() if text else data), PARSERS[case["do"]](place)


@pytest.mark.parametrize("name", WHOLE)
def test_whole_input_is_taken(name: str) -> None:
    data, parse = input_of(name)
    parse(data)


@pytest.mark.parametrize("name", WHOLE)
def test_input_cut_at_any_byte_is_refused(name: str) -> None:
    data, parse = input_of(name)
    cuts = range(len(data))
    for at in cuts if len(data) <= MAX_BYTES else (*cuts[:EDGE_BYTES], *cuts[-EDGE_BYTES:]):
        with pytest.raises(FormatError):
            parse(data[:at])


@pytest.mark.parametrize("after", [b"\0", b"x", b"\n\n}", b"SBP1", b"\xff" * 100], ids=bytes.hex)
@pytest.mark.parametrize("name", WHOLE)
def test_bytes_after_the_input_are_refused(name: str, after: bytes) -> None:
    data, parse = input_of(name)
    if CASES[name]["do"] == "init":
        parse(data + after)  # what follows the binding box is the film's business
    else:
        with pytest.raises(FormatError):
            parse(data + after)


@pytest.mark.parametrize(
    "name", [name for name, case in CASES.items() if case["do"] == "media" and "ok" in case["expect"]]
)
def test_a_media_part_cut_in_its_binding_box_is_refused(name: str) -> None:
    given = CASES[name]["input"]
    data = bytes_of(given["bytes"])
    for at in range(int.from_bytes(data[:4], "big")):
        with pytest.raises(WireError):
            content.check_media(data[:at], place_of(given))


def test_an_answer_cut_within_a_receipt_is_refused() -> None:
    given = CASES["receipts: several"]["input"]
    message, key = bytes_of(given["bytes"]), bytes.fromhex(given["key"])
    one = len(message) - len(message.split(b"SBR1", 1)[1]) - 4
    ends = {0, *(at for at in range(one, len(message)) if message[at : at + 4] == b"SBR1")}
    for at in range(len(message)):
        if at in ends:
            receipt.read_receipts(message[:at], key)
        else:
            with pytest.raises(WireError):
                receipt.read_receipts(message[:at], key)


def test_every_parser_is_among_them() -> None:
    assert {CASES[name]["do"] for name in WHOLE} == PARSERS.keys()
