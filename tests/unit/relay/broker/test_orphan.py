"""A broker that outlived its relay is ended; whoever has its number by now is not."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from sealbell_relay.broker import orphan


def test_a_broker_left_behind_is_ended_and_a_stranger_is_not(tmp_path: Path) -> None:
    argument = str(tmp_path / "nats.conf")
    waits = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    left = subprocess.Popen([*waits, argument], stdin=subprocess.PIPE)
    stranger = subprocess.Popen([*waits, "other"], stdin=subprocess.PIPE)
    pid_file = tmp_path / "nats.pid"
    try:
        pid_file.write_text(f"{stranger.pid}\n")
        asyncio.run(orphan.end(pid_file, argument))
        assert stranger.poll() is None
        pid_file.write_text(f"{left.pid}\n")
        asyncio.run(orphan.end(pid_file, argument))
        assert left.wait(10) == -9
        asyncio.run(orphan.end(pid_file, argument))
    finally:
        for process in (left, stranger):
            process.kill()
            process.communicate()


@pytest.mark.parametrize("text", [None, b"", b"x", b"0", b"1", b"-1", b"99999999999999999999", b"\xff"])
def test_a_pid_file_that_names_nobody_is_passed_over(tmp_path: Path, text: bytes | None) -> None:
    pid_file = tmp_path / "nats.pid"
    if text is not None:
        pid_file.write_bytes(text)
    asyncio.run(orphan.end(pid_file, "nats.conf"))
