"""Whether the relay can be reached from here."""

import socket
from collections.abc import Callable
from urllib.parse import urlsplit

from sealbell.doctor.finding import Finding, failure, ok
from sealbell.home import Home, HomeError
from sealbell.link import read_link
from sealbell.seams import Clock

CONNECT_TIMEOUT_S = 3.0
Connect = Callable[[str, int], None]


def connect(host: str, port: int) -> None:
    """Open a connection and close it again; OSError if nobody answers."""
    socket.create_connection((host, port), CONNECT_TIMEOUT_S).close()


def told(home: Home, clock: Clock) -> Finding | None:
    """What the network process itself says of its connection; None if it said nothing lately."""
    link = read_link(home.inbox)
    now_ms = clock.now_us() // 1_000
    if link is None or not link.fresh(clock.boot, now_ms):
        return None
    for_s = max(0, now_ms - link.since_ms) // 1_000
    if link.connected:
        return ok("relay", f"the uplink has been connected to {link.host} for {for_s} s")
    why = link.why.replace("-", " ")
    return failure(
        "relay", f"the uplink has not been connected to {link.host} for {for_s} s: {why}", "see the lines about wi-fi"
    )


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
