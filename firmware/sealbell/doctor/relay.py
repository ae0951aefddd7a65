"""Whether the relay can be reached from here."""

import socket
from collections.abc import Callable
from urllib.parse import urlsplit

from sealbell.doctor.finding import Finding, failure, ok
from sealbell.home import Home, HomeError

CONNECT_TIMEOUT_S = 3.0
Connect = Callable[[str, int], None]


def connect(host: str, port: int) -> None:
    """Open a connection and close it again; OSError if nobody answers."""
    socket.create_connection((host, port), CONNECT_TIMEOUT_S).close()


def reached(home: Home, connect: Connect) -> Finding:
    """Knock at the address that the owner's bundle names. Says nothing of whether the relay lets us in."""
    try:
        address = urlsplit(home.relay().mqtt)
        host, port = address.hostname, address.port
    except (HomeError, ValueError) as error:
        return failure("relay", str(error).partition("\n")[0], f"run `sealbell init {home.folder} --owner BUNDLE`")
    if host is None or port is None:
        return failure("relay", f"{address.geturl()} is no mqtt://HOST:PORT", "ask the relay's operator for its card")
    try:
        connect(host, port)
    except OSError as error:
        why = (error.strerror or str(error) or "no answer").lower()
        return failure("relay", f"nobody answers at {host}:{port}: {why}", "is the network up, and the relay running?")
    return ok("relay", f"answers at {host}:{port}")
