"""Where a broker listens, as it is written on cards and command lines."""

import re
from dataclasses import dataclass

from sealbell_relay.errors import RelayError

MAX_PORT = 65_535
_ADDRESS = re.compile(
    r"mqtt(?P<tls>s?)://(\[(?P<v6>[0-9A-Fa-f:.]{2,45})\]|(?P<name>[A-Za-z0-9.-]{1,200})):(?P<port>[1-9][0-9]{0,4})\Z",
    re.ASCII,
)
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound here


@dataclass(frozen=True, slots=True)
class Address:
    """Where a broker is reached, and whether it speaks TLS."""

    host: str
    port: int
    tls: bool = False

    @property
    def url(self) -> str:
        """The address as it stands on a card."""
        return f"{'mqtts' if self.tls else 'mqtt'}://{bracketed(self.host)}:{self.port}"


def bracketed(host: str) -> str:
    """Return a host as it stands in a URL: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def from_here(host: str) -> str:
    """Return where a program of this machine reaches what listens on `host`: loopback, if it listens everywhere."""
    return _ANY.get(host, host)


def parse_address(text: str) -> Address:
    """Parse `mqtt://HOST:PORT` or `mqtts://HOST:PORT`; RelayError on anything else."""
    found = _ADDRESS.match(text)
    if not found or not 0 < int(found["port"]) <= MAX_PORT:
        raise RelayError(
            "the broker's address is not mqtt://HOST:PORT or mqtts://HOST:PORT",
            hint="for example mqtt://127.0.0.1:1883",
        )
    return Address(found["v6"] or found["name"], int(found["port"]), bool(found["tls"]))
