"""The HTTP server itself: listens behind a gate, guards its routes, ends in order. The routes are other modules'."""

import asyncio
import ssl
from collections.abc import Iterable
from typing import Any

from aiohttp import web

from sealbell_relay.http.answers import answer
from sealbell_relay.http.gate import Connection, Gate
from sealbell_relay.http.guards import HEADERS, MAX_BODY_BYTES, Guards

BACKLOG = 1_024
SHUTDOWN_S = 2.0
LINGER_S = 1.0  # for a client to read why its body was not taken
MAX_LINE_BYTES = 4_096  # the request line; also a header's name or value
MAX_HEADERS = 64


class HttpServer:
    """One server over routes that were built elsewhere. `close` may be called at any time, also twice."""

    def __init__(self, routes: Iterable[web.RouteDef], gate: Gate, guards: Guards) -> None:
        self._application = web.Application(client_max_size=MAX_BODY_BYTES)
        self._application.add_routes(routes)
        guards.guard(self._application)
        self._gate = gate
        self._runner = web.AppRunner(
            self._application,
            access_log=None,
            shutdown_timeout=SHUTDOWN_S,
        )
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Start serving; return the port. OSError if the port is taken."""
        if self._runner.server is None:
            await self._runner.setup()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self._gate, self._protocol, tls), host, port, backlog=BACKLOG
        )
        return int(self._server.sockets[0].getsockname()[1])

    def stop_accepting(self) -> None:
        """Take no more connections; those that are open go on."""
        if self._server is not None:
            self._server.close()

    async def close(self) -> None:
        """End every connection: requests under way have SHUTDOWN_S to finish."""
        self.stop_accepting()
        self._gate.close_waiting()
        await self._runner.cleanup()

    def _protocol(self, connection: Connection) -> asyncio.Protocol:
        assert self._runner.server is not None
        return _Protocol(self._runner.server, connection)


class _Protocol(web.RequestHandler):
    """aiohttp's protocol, with narrower limits, which says to nobody what it is made of."""

    __slots__ = ("_connection",)

    def __init__(self, server: web.Server, connection: Connection) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type] # how aiohttp itself says that there is none
            lingering_time=LINGER_S,
            max_line_size=MAX_LINE_BYTES,
            max_field_size=MAX_LINE_BYTES,
            max_headers=MAX_HEADERS,
            auto_decompress=False,
        )
        self._connection = connection

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Answer what is no request."""
        if status != 400:
            return super().handle_error(request, status, exc, message)
        self._connection.malformed(type(exc).__name__)
        response = _Anonymous(body=answer({"error": "this is not a request"}).body, status=400, headers=HEADERS)
        response.content_type = "application/json"
        response.force_close()
        return response


class _Anonymous(web.Response):
    """An answer to what has no route, so that no signal is sent that could take aiohttp's banner away."""

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        _: Any = self.headers.popall("Server", None)
