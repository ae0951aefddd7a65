"""Whether the relay can be reached from here, and is the one that the owner's bundle names."""

import socket
import ssl
from collections.abc import Callable
from urllib.parse import urlsplit

from sealbell.doctor.finding import Finding, failure, ok
from sealbell.home import Home, HomeError
from sealbell.link import read_link
from sealbell.seams import Clock
from sealbell.uplink.tls import Trust, why_not

CONNECT_TIMEOUT_S = 3.0
# Connects to a host and port and, with a context, checks who answers.
Connect = Callable[[str, int, ssl.SSLContext | None], None]

_HINTS = {
    "not-allowed": "it is not enrolled there, or was revoked: give its introduction.json to `sealbell-owner pin`",
    "no-receipts": (
        "the broker takes what is sent, and no relay signs for it: ask the relay's operator whether it serves"
    ),
    "certificate-not-trusted": (
        "another machine answers there, or the relay has a new CA: pin a new bundle of the owner's, made with its card"
    ),
    "certificate-name": "the relay's certificate is for other addresses: ask its operator for its card as it is now",
    "certificate-dates": "is this clock right (timedatectl)? if so, the relay's certificate was not renewed in time",
    "tls-failed": "what answers there speaks no TLS, or an old one: is it the relay's port for doorbells?",
}


def connect(host: str, port: int, context: ssl.SSLContext | None) -> None:
    """Open a connection, check who answers, and close it again; OSError if nobody does, ssl.SSLError if another."""
    with socket.create_connection((host, port), CONNECT_TIMEOUT_S) as line:
        if context is not None:
            context.wrap_socket(line, server_hostname=host).close()


def told(home: Home, clock: Clock) -> Finding | None:
    """What the network process itself says of its connection; None if it said nothing lately."""
    link = read_link(home.inbox)
    now_ms = clock.now_us() // 1_000
    if link is None or not link.fresh(clock.boot, now_ms):
        return None
    for_s = max(0, now_ms - link.since_ms) // 1_000
    if link.connected:
        return ok("relay", f"the uplink has been connected to {link.host} for {for_s} s")
    said = f"the uplink has not been connected to {link.host} for {for_s} s: {link.why.replace('-', ' ')}"
    return failure("relay", said, _HINTS.get(link.why, "see the lines about wi-fi"))


def reached(home: Home, connect: Connect, synced: Callable[[], bool]) -> Finding:
    """Knock at the address that the owner's bundle names. Says nothing of whether the relay lets us in."""
    try:
        relay = home.relay()
        address = urlsplit(relay.mqtt)
        host, port = address.hostname, address.port
        context = Trust(relay.ca, synced).context() if address.scheme == "mqtts" else None
    except (HomeError, ValueError) as error:
        return failure("relay", str(error).partition("\n")[0], f"run `sealbell init {home.folder} --owner BUNDLE`")
    if host is None or port is None:
        return failure("relay", f"{address.geturl()} is no mqtt://HOST:PORT", "ask the relay's operator for its card")
    try:
        connect(host, port, context)
    except ssl.SSLError as error:
        why = why_not(error)
        return failure("relay", f"who answers at {host}:{port} is not believed: {why.replace('-', ' ')}", _HINTS[why])
    except OSError as error:
        why = (error.strerror or str(error) or "no answer").lower()
        return failure("relay", f"nobody answers at {host}:{port}: {why}", "is the network up, and the relay running?")
    return ok("relay", f"answers at {host}:{port}")
