"""docs/api.md says what docs/openapi.json says, and of limits what the program holds."""

import json
import sys

from docs.pages import ROOT, page
from sealbell_relay.http import gate, guards, limits, notices, owners, server, slots

sys.path.insert(0, str(ROOT / "docs"))

import write_api

DESCRIPTION = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))


def test_the_tables_are_those_of_the_description() -> None:
    text = page("docs/api.md").text
    assert write_api.page(text, DESCRIPTION) == text


def test_the_limits_are_those_of_the_program() -> None:
    said = page("docs/api.md").section("Limits")
    patience, room = gate.Patience(), gate.Room()
    assert f"{server.MAX_LINE_BYTES // 1024} KiB each, {server.MAX_HEADERS} headers" in said
    assert f"{guards.MAX_BODY_BYTES // 1024} KiB, within {patience.body_s:g} s, " in said
    assert " or ".join(f"`{each}`" for each in sorted(guards.CONTENT_TYPES)) in said
    assert f"its first request is whole | {patience.header_s:g} s" in said
    assert f"between two requests | {patience.keep_alive_s:g} s" in said
    assert f"| {room.of_network}, and {room.all:,} or" in said
    for rate in (limits.STRANGER, limits.OWNER):
        assert f"{rate.burst:,} at once, {rate.per_second:g} a second" in said
    assert f"| {slots.MAX_STREAMS_PER_OWNER}, {slots.MAX_STREAMS} |" in said
    assert owners.SLOW_CLIENT_S == notices.SLOW_CLIENT_S
    assert f"one part or event | {owners.SLOW_CLIENT_S:g} s" in said


def test_the_stream_of_notices_is_as_told() -> None:
    told = page("docs/api.md").section("Notices")
    assert f"retry: {notices.RETRY_MS}" in told
    assert f"every {notices.Pace().keep_alive_s:g} seconds" in told
