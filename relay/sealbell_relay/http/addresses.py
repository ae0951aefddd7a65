"""Where a client is, for limits and log lines: its address, IPv6 by the /64 that one household or server has."""

import ipaddress
from collections.abc import Iterable

from aiohttp import web

UNKNOWN = "unknown"
MAX_FORWARDED_CHARS = 1_024
_V6_PREFIX = 64


def network_of(address: str) -> str:
    """Return an IPv4 address as it is, an IPv6 one as its /64; UNKNOWN for anything else."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return UNKNOWN
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((parsed, _V6_PREFIX), strict=False))


class Addresses:
    """Finds a request's address. Only what a trusted proxy says of others is believed."""

    def __init__(self, proxies: Iterable[str] = ()) -> None:
        self._proxies = frozenset(network_of(proxy) for proxy in proxies)

    def is_proxy(self, network: str) -> bool:
        """Whether many clients come by this address."""
        return network in self._proxies

    def of(self, request: web.BaseRequest) -> str:
        """Return the network that a request comes from: the last one in X-Forwarded-For that is no proxy of ours."""
        network = network_of(request.remote or "")
        if network not in self._proxies:
            return network
        said = ",".join(request.headers.getall("X-Forwarded-For", []))[-MAX_FORWARDED_CHARS:]
        for each in reversed(said.split(",")):
            found = network_of(each.strip())
            if found == UNKNOWN:  # nothing left of it was written by a proxy that we trust
                break
            if found not in self._proxies:
                return found
        return network
