"""What every request passes on its way to a route, and every answer on its way out: errors, limits, CORS, headers."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from aiohttp import web

from sealbell_relay.errors import RequestError, StoreError
from sealbell_relay.http.addresses import Addresses
from sealbell_relay.http.answers import answer
from sealbell_relay.http.gate import MAX_REQUESTS_PER_CONNECTION, Connection, Gate
from sealbell_relay.http.limits import Limits, TooManyError
from sealbell_relay.log import Log

MAX_BODY_BYTES = 65_536  # a card, or statements; nothing larger is ever posted
CONTENT_TYPES = frozenset({"application/json", "application/octet-stream"})
PREFLIGHT_S = 600
HSTS_S = 31_536_000

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Last-Event-ID",
    "Access-Control-Max-Age": str(PREFLIGHT_S),
}


class Guards:
    """The middlewares of one server. `origins` are those of web pages that may ask; exactly these."""

    def __init__(self, limits: Limits, addresses: Addresses, origins: Iterable[str], gate: Gate, log: Log) -> None:
        self._limits = limits
        self._addresses = addresses
        self._origins = frozenset(origins)
        self._refuse, self._body_s = gate.refuse, gate.patience.body_s
        self._log = log

    def guard(self, application: web.Application) -> None:
        """Put the guards before every route of an application."""
        application.middlewares.extend([self._timed, self._answer_errors, self._limit, self._share, self._body])
        application.on_response_prepare.append(self._dress)

    @web.middleware
    async def _timed(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        connection = connection_of(request)
        if connection is None:
            return await handler(request)
        connection.request_began()
        try:
            response = await handler(request)
        finally:
            connection.request_ended()
        if connection.requests >= MAX_REQUESTS_PER_CONNECTION:
            response.force_close()
        return response

    @web.middleware
    async def _answer_errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except TooManyError as refused:
            self._refuse("too-often", self._addresses.of(request))
            return answer({"error": str(refused)}, 429, {"Retry-After": str(refused.retry_after_s)})
        except RequestError as refused:
            if refused.status == 401:
                address = self._addresses.of(request)
                self._limits.failed(address, request.headers.get("Authorization"))
                self._refuse("unauthorized", address)
            return answer({"error": str(refused), **refused.more}, refused.status)
        except web.HTTPException as refused:
            allowed = {"Allow": refused.headers["Allow"]} if "Allow" in refused.headers else {}
            return answer({"error": refused.reason.lower()}, refused.status, allowed)
        except StoreError as failure:
            self._log.error("request-failed", says=failure)
            return answer({"error": "the store fails; try again later"}, 503, {"Retry-After": "5"})
        except ConnectionError:
            raise
        except Exception as error:  # a bug met by one request must not show its insides, nor end the connection unsaid
            self._log.error("request-failed", error=f"{type(error).__name__}: {error}")
            return answer({"error": "the relay failed at this; its log says how"}, 500)

    @web.middleware
    async def _limit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._limits.before(self._addresses.of(request), request.headers.get("Authorization"))
        return await handler(request)

    @web.middleware
    async def _share(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        # Tokens travel in a header that a page has to set itself, and there are no cookies: so a page of another
        # origin can do nothing in an owner's name, and is refused reading what anybody may read, too.
        if request.method != "OPTIONS" or "Access-Control-Request-Method" not in request.headers:
            return await handler(request)
        if request.headers.get("Origin") not in self._origins:
            raise RequestError(403, "pages of this origin may not ask here")
        return web.Response(status=204, headers=_PREFLIGHT)

    @web.middleware
    async def _body(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.body_exists:
            return await handler(request)
        try:
            check_body(request)
            async with asyncio.timeout(self._body_s):
                await request.read()  # kept for the route, which reads it again
        except web.HTTPRequestEntityTooLarge:
            return _closing(413, f"the body is larger than {MAX_BODY_BYTES} bytes")
        except TimeoutError:
            self._refuse("slow-body", self._addresses.of(request))
            return _closing(408, f"the body did not come within {self._body_s:g} s")
        except RequestError as refused:
            return _closing(refused.status, str(refused))
        except (web.RequestPayloadError, ConnectionError):
            self._refuse("malformed", self._addresses.of(request), says="a body that broke off")
            return _closing(400, "the body is not what its header said")
        return await handler(request)

    async def _dress(self, request: web.Request, response: web.StreamResponse) -> None:
        headers = response.headers
        headers.popall("Server", None)
        for name, value in HEADERS.items():
            headers[name] = value
        if request.secure:
            headers["Strict-Transport-Security"] = f"max-age={HSTS_S}"
        if self._origins:
            headers["Vary"] = "Origin"
            origin = request.headers.get("Origin")
            if origin in self._origins:
                headers["Access-Control-Allow-Origin"] = origin
                headers["Access-Control-Expose-Headers"] = "Retry-After"


def check_body(request: web.Request) -> None:
    """Raise RequestError unless the body that a request announces is one that some route takes."""
    if request.method not in ("POST", "PUT"):
        raise RequestError(400, f"a {request.method} has no body here")
    if "Content-Encoding" in request.headers:
        raise RequestError(415, "bodies are not compressed here")
    if request.content_type not in CONTENT_TYPES:
        raise RequestError(415, f"the body is none of: {', '.join(sorted(CONTENT_TYPES))}")
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise RequestError(413, f"the body is larger than {MAX_BODY_BYTES} bytes")


def connection_of(request: web.BaseRequest) -> Connection | None:
    """Return the connection that a request came by; None if it has ended."""
    protocol = request.transport.get_protocol() if request.transport else None
    return protocol if isinstance(protocol, Connection) else None


def _closing(status: int, error: str) -> web.Response:
    response = answer({"error": error}, status)
    response.force_close()  # what is left of the body is never read
    return response
