"""The relay as its operator's programs see it, on a port of its own that only this machine reaches.

    GET /metrics   for Prometheus
    GET /healthz   200 as long as the process lives
    GET /readyz    200 if parts can come in and be kept and receipts leave; else 503 and why
    GET /status    the same and some counts, as `sealbell-relay status` shows them

Nothing here names a doorbell, a clip or an owner. There is no token: whoever may open connections from this machine
may ask.
"""

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from sealbell_relay.http.answers import answer
from sealbell_relay.metrics import Metrics
from sealbell_relay.state import State

_LOCAL = frozenset({"127.0.0.1", "localhost", "[::1]"})


class AdminSide:
    """What the relay counts and knows of itself, for programs."""

    def __init__(self, metrics: Metrics, state: State) -> None:
        self._metrics = metrics
        self._state = state

    def routes(self) -> list[web.RouteDef]:
        """Return what is answered here."""
        return [
            web.get("/metrics", self._show, allow_head=False),
            web.get("/healthz", self._alive, allow_head=False),
            web.get("/readyz", self._ready, allow_head=False),
            web.get("/status", self._status, allow_head=False),
        ]

    async def _show(self, request: web.Request) -> web.Response:
        _check_local(request)
        return web.Response(body=self._metrics.text(), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    async def _alive(self, request: web.Request) -> web.Response:
        _check_local(request)
        return answer({"status": "alive"})

    async def _ready(self, request: web.Request) -> web.Response:
        _check_local(request)
        why = self._state.unready
        return answer({"status": "ready"}) if why is None else answer({"status": "not ready", "why": why}, 503)

    async def _status(self, request: web.Request) -> web.Response:
        _check_local(request)
        return answer(self._state.report())


def _check_local(request: web.Request) -> None:
    # A web page that an operator looks at may have a name of its own resolve to this machine; its Host tells.
    if request.host.rpartition(":")[0] not in _LOCAL and request.host not in _LOCAL:
        raise web.HTTPForbidden
