"""Tries, from inside a unit's sandbox, what the unit must not be able to do, and prints as JSON what came of it.

`python3 probe.py HOST:PORT FILE...`: which sockets there are, who is reached, which device nodes and files open.
"""

import contextlib
import errno
import json
import os
import socket
import stat
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

FAMILIES = ("AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET", "AF_BLUETOOTH", "AF_VSOCK", "AF_ALG")
OUTSIDE = ("192.0.2.1", 9)  # an address for documentation (RFC 5737): a route to it is a way out
CONNECT_S = 2.0


def tried(attempt: Callable[[], object]) -> str:
    """Return "yes", or the name of the error."""
    try:
        attempt()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, type(error).__name__)
    return "yes"


def opened(path: str, flags: int) -> str:
    """Return what comes of opening a file."""
    return tried(lambda: os.close(os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)))


def made(family: str) -> str:
    """Return what comes of making a socket, of whichever type the family has."""
    kinds = (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET)
    answers = [tried(partial(_make, family, kind)) for kind in kinds]
    return "yes" if "yes" in answers else answers[0]


def _make(family: str, kind: int) -> None:
    socket.socket(getattr(socket, family), kind).close()


def send(address: tuple[str, int]) -> None:
    """Send a datagram."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sock:
        sock.sendto(b"out", address)


def devices() -> list[str]:
    """Return the device nodes of this sandbox."""
    found = []
    for folder, _, names in os.walk("/dev"):
        for path in (f"{folder}/{name}" for name in names):
            with contextlib.suppress(OSError):
                if stat.S_IFMT(Path(path).lstat().st_mode) in (stat.S_IFCHR, stat.S_IFBLK):
                    found.append(path)
    return sorted(found)


def main() -> None:
    """Try everything."""
    host, port = sys.argv[1].rsplit(":", 1)
    results = {
        "sockets": {family: made(family) for family in FAMILIES},
        "relay": tried(lambda: socket.create_connection((host, int(port)), CONNECT_S).close()),
        "datagram": tried(lambda: send(OUTSIDE)),
        "interfaces": sorted(path.name for path in Path("/sys/class/net").glob("*")),
        "devices": {path: opened(path, os.O_RDWR) for path in devices()},
        "files": {path: opened(path, os.O_RDONLY) for path in sys.argv[2:]},
        "written": {path: opened(path, os.O_WRONLY) for path in sys.argv[2:]},
    }
    print("probe " + json.dumps(results))


if __name__ == "__main__":
    main()
