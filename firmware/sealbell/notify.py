"""sd_notify(3) of systemd: ready, still alive, a status line. The only module that opens an AF_UNIX socket."""

import contextlib
import os
import socket


class Notifier:
    """Speaks to systemd if it started us, else to nobody."""

    def __init__(self, address: str | None) -> None:
        self._address = "\0" + address[1:] if address and address.startswith("@") else address

    @classmethod
    def from_environment(cls) -> "Notifier":
        """Return the notifier for the socket that systemd named."""
        return cls(os.environ.get("NOTIFY_SOCKET"))

    def ready(self) -> None:
        """Started: units that wait for this one may go on."""
        self._say("READY=1")

    def alive(self) -> None:
        """Every stage has made progress since the last call."""
        self._say("WATCHDOG=1")

    def status(self, text: str) -> None:
        """Say in a line what is going on."""
        self._say(f"STATUS={text}")

    def _say(self, line: str) -> None:
        if not self._address:
            return
        # systemd restarts us if it hears nothing, so a lost datagram needs no handling of its own.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.connect(self._address)
            sock.send(line.encode())
