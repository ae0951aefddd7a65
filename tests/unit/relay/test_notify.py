"""What systemd hears of a relay."""

import asyncio
import socket
from pathlib import Path

import pytest

from sealbell_relay.notify import Notifier


def hear(sock: socket.socket) -> str:
    sock.settimeout(5.0)
    return sock.recv(100).decode()


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_hears_when_it_serves_lives_and_stops(tmp_path: Path, *, abstract: bool) -> None:
    name = f"@{tmp_path}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind("\0" + name[1:] if abstract else name)
        notifier = Notifier(name)
        notifier.ready()
        assert hear(sock) == "READY=1"
        notifier.stopping()
        assert hear(sock) == "STOPPING=1"

        async def live() -> None:
            task = asyncio.create_task(notifier.keep_alive(0.001))
            for _ in range(3):
                assert await asyncio.to_thread(hear, sock) == "WATCHDOG=1"
            task.cancel()

        asyncio.run(live())


def test_nobody_listens_and_nothing_happens(tmp_path: Path) -> None:
    Notifier(None).ready()
    Notifier(str(tmp_path / "nobody")).ready()
