"""What the relay says of itself to anybody: whether it works, and nothing more."""

from aiohttp import web

from sealbell_relay.http.answers import answer
from sealbell_relay.state import State


class PublicSide:
    """`GET /healthz`, for load balancers, and for owners whose tools ask whether a relay is there."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[web.RouteDef]:
        """Return what is answered here."""
        return [web.get("/healthz", self._health, allow_head=False)]

    async def _health(self, _: web.Request) -> web.Response:
        healthy = self._state.healthy
        return answer({"status": "ok" if healthy else "failing"}, 200 if healthy else 503)
