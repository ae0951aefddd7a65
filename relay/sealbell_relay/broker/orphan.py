"""Ends a broker that outlived its relay, found by its pid file and known by its command line."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from sealbell_relay.errors import BrokerError

END_S = 5.0
POLL_S = 0.01


async def end(pid_file: Path, argument: str) -> None:
    """Kill the process named in `pid_file` if its command line holds `argument`; return once it is gone.

    Any other process that got the number since is left alone. BrokerError if it cannot be ended.
    """
    pid = read_pid(pid_file)
    if pid is None or argument not in command_line(pid):
        return
    try:
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(END_S):
            while argument in command_line(pid):
                await asyncio.sleep(POLL_S)
    except ProcessLookupError:
        return
    except (PermissionError, TimeoutError):
        raise BrokerError(
            f"process {pid}, a broker that an earlier relay left behind, cannot be ended", hint=f"kill -9 {pid}"
        ) from None


def read_pid(pid_file: Path) -> int | None:
    """Return the process that a pid file names; None if it names none that could be a broker."""
    try:
        text = pid_file.read_text("ascii")[:16].strip()
    except (OSError, UnicodeDecodeError):
        return None
    return int(text) if text.isdecimal() and int(text) > 1 else None


def command_line(pid: int) -> str:
    """Return a process' command line; empty if there is none."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").replace("\0", " ")
        except OSError:
            return ""
    command = ["/bin/ps", "-o", "command=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, check=False).stdout.decode("utf-8", "replace")  # noqa: S603 - fixed
