"""sd_notify(3) of systemd: ready, stopping, and that the event loop still turns."""

import asyncio
import contextlib
import os
import socket

ALIVE_S = 10.0  # a third of the unit's WatchdogSec


class Notifier:
    """Speaks to systemd if it started us, else to nobody."""

    def __init__(self, address: str | None) -> None:
        self._address = "\0" + address[1:] if address and address.startswith("@") else address

    @classmethod
    def from_environment(cls) -> "Notifier":
        """Return the notifier for the socket that systemd named."""
        return cls(os.environ.get("NOTIFY_SOCKET"))

    def ready(self) -> None:
        """Serving: units that wait for this one may go on."""
        self._say("READY=1")

    def stopping(self) -> None:
        """Asked to end, and finishing what was begun."""
        self._say("STOPPING=1")

    async def keep_alive(self, every_s: float = ALIVE_S) -> None:
        """Say again and again that the event loop turns; returns only by cancellation."""
        while True:
            self._say("WATCHDOG=1")
            await asyncio.sleep(every_s)

    def _say(self, line: str) -> None:
        if not self._address:
            return
        # systemd restarts us if it hears nothing, so a lost datagram needs no handling of its own.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.connect(self._address)
            sock.send(line.encode())
