"""Names of hosts as certificates hold them, each in one form: DNS names in lower case, IP addresses as Python's."""

import ipaddress
import re
from collections.abc import Iterable

from cryptography import x509

from sealbell_relay.errors import RelayError

MAX_NAME_CHARS = 253  # RFC 1035, section 2.3.4
LOOPBACK = ("localhost", "127.0.0.1", "::1")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DNS = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\Z", re.ASCII)


def parse_name(text: str) -> str:
    """Return a host's name or IP address in the form in which it is compared; RelayError if it is neither."""
    address = _address(text)
    if address is not None:
        return str(address)
    name = text.lower()
    if len(name) > MAX_NAME_CHARS or not _DNS.match(name) or name.rpartition(".")[2].isdecimal():
        raise RelayError(
            "this is neither a host's name nor an IP address", hint="for example relay.street.example, 192.0.2.7 or ::1"
        )
    return name


def is_loopback(host: str) -> bool:
    """Whether what listens on `host` is reached from this machine alone."""
    address = _address(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


def general(name: str) -> x509.GeneralName:
    """Return a name as it stands among a certificate's alternative names."""
    address = _address(name)
    return x509.DNSName(name) if address is None else x509.IPAddress(address)


def subtree(name: str) -> x509.GeneralName:
    """Return a name as a CA's constraint: a DNS name stands for itself and all below it (RFC 5280, 4.2.1.10)."""
    address = _address(name)
    return x509.DNSName(name) if address is None else x509.IPAddress(ipaddress.ip_network(address))


def names_in(names: Iterable[x509.GeneralName]) -> tuple[str, ...]:
    """Return alternative names, or constraints, as names; those of other kinds are left out."""
    found = []
    for name in names:
        if isinstance(name, x509.DNSName):
            found.append(name.value.lower())
        elif isinstance(name, x509.IPAddress):
            found.append(_host_of(name.value))
    return tuple(found)


def permits(constraints: Iterable[str], name: str) -> bool:
    """Whether a CA with these constraints may sign for `name`."""
    return any(name == one or (_address(one) is None and name.endswith(f".{one}")) for one in constraints)


def covers(certificate: Iterable[str], name: str) -> bool:
    """Whether a certificate with these names is `name`'s: a star stands for one first label (RFC 9525, section 6.3)."""
    first, dot, rest = name.partition(".")
    star = f"*.{rest}" if first and dot and _address(name) is None else name
    return any(one in (name, star) for one in certificate)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return None if isinstance(address, ipaddress.IPv6Address) and address.scope_id else address


def _host_of(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address | ipaddress.IPv4Network | ipaddress.IPv6Network,
) -> str:
    if isinstance(address, ipaddress.IPv4Network | ipaddress.IPv6Network):
        return str(address.network_address)
    return str(address)
