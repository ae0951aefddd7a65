"""The word on the connection, as whoever reads it must take it: from a process that may have been broken into."""

import json
import os
from pathlib import Path

import pytest

from sealbell.link import LINK, MAX_LINK_BYTES, STALE_MS, Link, parse_link, read_link
from sealbell_wire.errors import FormatError

BOOT = "b0" * 16
STANDS = Link(BOOT, 9_000, True, 5_000, "relay.example", "", -56)
AWAY = Link(BOOT, 9_000, False, 5_000, "127.0.0.1", "name-unknown", None)


@pytest.mark.parametrize("link", [STANDS, AWAY])
def test_link_comes_back_as_it_was_written(link: Link, tmp_path: Path) -> None:
    (tmp_path / LINK).write_bytes(link.encode())
    assert read_link(tmp_path) == link


@pytest.mark.parametrize("link", [STANDS, AWAY])
def test_link_cut_at_any_byte_or_with_bytes_after_is_refused(link: Link) -> None:
    whole = link.encode().strip()
    for data in (*(whole[:at] for at in range(len(whole))), whole + b"x", whole + whole, whole + b"\0"):
        with pytest.raises(FormatError):
            parse_link(data)


@pytest.mark.parametrize(
    "changes",
    [
        {"v": 2},
        {"boot": "b0"},
        {"told_ms": -1},
        {"since_ms": -1},
        {"connected": 1},
        {"host": ""},
        {"host": "a b"},
        {"host": "h\x1b[2J"},
        {"host": "h" * 254},
        {"why": "refused"},
        {"connected": False, "why": ""},
        {"connected": False, "why": "Because\n"},
        {"connected": False, "why": "a-b-c-d-e"},
        {"connected": False, "why": "x" * 33},
        {"dbm": 1},
        {"dbm": -201},
        {"dbm": True},
        {"dbm": "loud"},
        {"more": 1},
    ],
    ids=str,
)
def test_link_that_says_what_it_cannot_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(FormatError):
        parse_link(json.dumps(json.loads(STANDS.encode()) | changes).encode())


def test_inbox_without_a_link_says_nothing(tmp_path: Path) -> None:
    assert read_link(tmp_path) is None
    assert read_link(tmp_path / "not there") is None


def test_broken_network_process_cannot_hang_or_lead_astray_who_reads(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(STANDS.encode())
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / LINK).symlink_to(elsewhere)
    assert read_link(inbox) is None, "a link to another file is not followed"
    (inbox / LINK).unlink()
    os.mkfifo(inbox / LINK)
    assert read_link(inbox) is None, "a pipe is not waited for"
    (inbox / LINK).unlink()
    (inbox / LINK).mkdir()
    assert read_link(inbox) is None
    (inbox / LINK).rmdir()
    (inbox / LINK).write_bytes(STANDS.encode() + b" " * MAX_LINK_BYTES)
    assert read_link(inbox) is None, "no more is read than a link may hold"


def test_link_of_another_boot_or_of_long_ago_is_not_fresh() -> None:
    assert STANDS.fresh(BOOT, 9_000)
    assert STANDS.fresh(BOOT, 9_000 + STALE_MS)
    assert not STANDS.fresh(BOOT, 9_001 + STALE_MS)
    assert not STANDS.fresh("b1" * 16, 9_000)
    assert not Link(BOOT, STALE_MS + 2, True, 0, "h", "", None).fresh(BOOT, 1), "from the future"
