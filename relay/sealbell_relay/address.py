"""Where a broker listens, as it is written on cards and command lines."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from sealbell_relay.errors import RelayError


@dataclass(frozen=True, slots=True)
class Address:
    """Where a broker listens."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """The address as it stands on a card."""
        return f"mqtt://{bracketed(self.host)}:{self.port}"


def bracketed(host: str) -> str:
    """Return a host as it stands in a URL: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def parse_address(text: str) -> Address:
    """Parse `mqtt://HOST:PORT`; RelayError on anything else."""
    try:
        parts = urlsplit(text)
        if parts.scheme == "mqtt" and parts.hostname and parts.port and text == f"mqtt://{parts.netloc}":
            return Address(parts.hostname, parts.port)
    except ValueError:
        pass
    raise RelayError("the broker's address is not mqtt://HOST:PORT", hint="for example mqtt://127.0.0.1:1883")
