"""Log lines: one line a line whatever a peer wrote, and a bound on how many."""

import io
import json
import logging

from hypothesis import given
from hypothesis import strategies as st

from sealbell_relay.log import MAX_LINES_PER_MINUTE, MAX_VALUE_CHARS, LibraryLines, Log, escape


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_line_says_level_what_and_fields() -> None:
    stream = io.StringIO()
    log = Log(stream, Clock())
    log.info("stored", doorbell="ab12", seq=3)
    log.warn("refused", reason="forged-signature", detail="does not fit")
    log.error("store-fails")
    assert stream.getvalue() == (
        "info stored doorbell=ab12 seq=3\n"
        "warn refused reason=forged-signature detail='does not fit'\n"
        "error store-fails\n"
    )


@given(st.text(max_size=2 * MAX_VALUE_CHARS))
def test_nothing_a_peer_writes_breaks_out_of_its_value(text: str) -> None:
    shown = escape(text)
    assert shown.isascii()
    assert shown.isprintable()
    assert " " not in shown or shown[0] in "'\""
    assert len(shown) <= 10 * MAX_VALUE_CHARS + 2


def test_escape_sequences_and_line_ends_are_shown_not_obeyed() -> None:
    assert escape("\x1b[2J\r\nerror fake") == "'\\x1b[2J\\r\\nerror fake'"


def test_a_flood_is_cut_and_counted() -> None:
    clock = Clock()
    stream = io.StringIO()
    log = Log(stream, clock)
    for _ in range(1_000):
        log.warn("refused")
    log.info("other")
    assert stream.getvalue().count("warn refused\n") == MAX_LINES_PER_MINUTE
    assert "info other\n" in stream.getvalue()
    clock.now = 61
    log.warn("refused")
    assert stream.getvalue().endswith(f"warn refused left_out={1_000 - MAX_LINES_PER_MINUTE}\n")


def test_what_libraries_say_is_escaped_and_without_a_stack() -> None:
    stream = io.StringIO()
    logger = logging.getLogger("sealbell-test-library")
    logger.propagate = False
    handler = LibraryLines(Log(stream, Clock()))
    logger.addHandler(handler)
    try:
        raise ValueError("peer\ntext")
    except ValueError:
        logger.exception("bad %s", "mes\x1bsage")
    finally:
        logger.removeHandler(handler)
    logger.debug("quiet")
    assert stream.getvalue() == (
        "warn library name=sealbell-test-library says='bad mes\\x1bsage' error='ValueError: peer\\ntext'\n"
    )


def test_as_json_each_line_is_an_object_in_printable_ascii() -> None:
    stream = io.StringIO()
    log = Log(stream, Clock(), form="json", wall_ms=lambda: 1_790_000_000_005)
    log.warn("refused", detail="\x1b[2J\u2028\x7f\r\nerror fake", seq=3, raw=b"\xff")
    line = stream.getvalue()
    assert line.endswith("\n")
    assert line[:-1].isascii()
    assert line[:-1].isprintable()
    assert json.loads(line) == {
        "time": "2026-09-21T14:13:20.005Z",
        "level": "warn",
        "what": "refused",
        "fields": {"detail": "\x1b[2J\u2028\x7f\r\nerror fake", "seq": 3, "raw": "b'\\xff'"},
    }


def test_lines_below_the_level_are_left_out() -> None:
    stream = io.StringIO()
    log = Log(stream, Clock(), level="warn")
    log.info("usual")
    log.warn("refused")
    log.error("fails")
    assert stream.getvalue() == "warn refused\nerror fails\n"
