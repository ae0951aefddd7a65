"""What stands before every route: the gate, the limits and the guards, for owners' server and for the operator's."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from aiohttp import web

from sealbell_relay.http.addresses import Addresses
from sealbell_relay.http.gate import Gate, Patience, Room
from sealbell_relay.http.guards import Guards
from sealbell_relay.http.limits import Limits
from sealbell_relay.http.server import HttpServer
from sealbell_relay.log import Log

ADMIN_HOST = "127.0.0.1"
_ADMIN_ROOM = Room(64, 64)


@dataclass(frozen=True, slots=True)
class FrontSettings:
    """Web pages of `origins` may ask; `proxies` are addresses whose X-Forwarded-For is believed."""

    origins: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    admin_port: int = 0


class Front:
    """Builds the two servers. `monotonic` returns seconds."""

    def __init__(
        self,
        settings: FrontSettings,
        turned_away: Counter[str],
        log: Log,
        monotonic: Callable[[], float],
        room: Room,
        patience: Patience,
        limits: Limits | None = None,
    ) -> None:
        self.limits = limits or Limits(monotonic)
        self._addresses = Addresses(settings.proxies)
        self.gate = Gate(self._addresses, log, turned_away, room, patience)
        self._guards = Guards(self.limits, self._addresses, settings.origins, self.gate, log)
        self._admin = Gate(Addresses(), log, turned_away, _ADMIN_ROOM, patience)
        self._admin_guards = Guards(Limits(monotonic), Addresses(), (), self._admin, log)

    def owners(self, routes: Iterable[web.RouteDef]) -> HttpServer:
        """Return the server that anybody may reach."""
        return HttpServer(routes, self.gate, self._guards)

    def operator(self, routes: Iterable[web.RouteDef]) -> HttpServer:
        """Return the server that only this machine may reach, on ADMIN_HOST."""
        return HttpServer(routes, self._admin, self._admin_guards)
