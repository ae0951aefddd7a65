"""The HTTP server itself: listens, and turns what goes wrong into answers. The routes are other modules'."""

from collections.abc import Awaitable, Callable, Iterable

from aiohttp import web

from sealbell_relay.errors import RequestError, StoreError
from sealbell_relay.http.answers import answer
from sealbell_relay.log import Log

KEEP_ALIVE_S = 30.0
SHUTDOWN_S = 2.0
MAX_BODY_BYTES = 131_072  # a card, or statements; nothing larger is ever posted

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class HttpServer:
    """One server over routes that were built elsewhere."""

    def __init__(self, routes: Iterable[web.RouteDef], log: Log) -> None:
        self._routes = list(routes)
        self._log = log

    async def listen(self, host: str, port: int) -> tuple[web.AppRunner, int]:
        """Start serving; return what to clean up and the port. OSError if the port is taken."""
        application = web.Application(middlewares=[self._answer_errors], client_max_size=MAX_BODY_BYTES)
        application.add_routes(self._routes)
        runner = web.AppRunner(
            application, access_log=None, keepalive_timeout=KEEP_ALIVE_S, shutdown_timeout=SHUTDOWN_S
        )
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
        return runner, int(runner.addresses[0][1])

    @web.middleware
    async def _answer_errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except RequestError as refused:
            if refused.status == 401:
                self._log.warn("unauthorized", peer=request.remote)
            return answer({"error": str(refused)}, refused.status)
        except web.HTTPException as refused:
            return answer({"error": refused.reason.lower()}, refused.status)
        except StoreError as failure:
            self._log.error("request-failed", says=failure)
            return answer({"error": "the store fails; try again later"}, 503)
