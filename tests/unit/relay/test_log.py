"""Log lines: one line a line whatever a peer wrote, and a bound on how many."""

import io
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
