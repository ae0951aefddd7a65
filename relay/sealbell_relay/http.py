"""The relay as an HTTP server for owners: what their doorbells sent, to whoever shows their token.

    GET /v1/doorbells
    GET /v1/doorbells/{doorbell}/clips?limit=N&before=CLIP
    GET /v1/doorbells/{doorbell}/clips/{clip}/parts?from=SEQ&follow=0|1
    GET /v1/doorbells/{doorbell}/follow?after=CLIP
    GET /v1/doorbells/{doorbell}/health
    GET /healthz                                             (no token: counts and whether it works)

What is another owner's is answered exactly like what is not there.
"""

import asyncio
import base64
import contextlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Executor
from typing import Any, TypeVar

from aiohttp import web

from sealbell_relay import requests
from sealbell_relay.allow import Register
from sealbell_relay.archive import Archive, ClipSummary
from sealbell_relay.errors import RequestError, StoreError
from sealbell_relay.healths import HealthShelf
from sealbell_relay.hub import Hub
from sealbell_relay.log import Log
from sealbell_relay.state import State
from sealbell_relay.streams import Send, Streams
from sealbell_wire.enrolment import DoorbellCard, OwnerCard

MAX_STREAMS = 256
MAX_STREAMS_PER_OWNER = 32
SLOW_CLIENT_S = 60.0  # for one part to be taken off our hands
KEEP_ALIVE_S = 30.0
SHUTDOWN_S = 2.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
T = TypeVar("T")


class OwnersSide:
    """The routes, over parts that were built elsewhere."""

    def __init__(
        self,
        archive: Archive,
        register: Register,
        healths: HealthShelf,
        streams: Streams,
        hub: Hub,
        state: State,
        log: Log,
        threads: Executor,
    ) -> None:
        self._archive = archive
        self._register = register
        self._healths = healths
        self._streams = streams
        self._hub = hub
        self._state = state
        self._log = log
        self._threads = threads
        self._open: Counter[str] = Counter()

    async def listen(self, host: str, port: int) -> tuple[web.AppRunner, int]:
        """Start serving; return what to clean up and the port. OSError if the port is taken."""
        application = web.Application(middlewares=[self._answer_errors], client_max_size=1)
        doorbell = "/v1/doorbells/{doorbell}"
        application.add_routes(
            [
                web.get("/healthz", self._health, allow_head=False),
                web.get("/v1/doorbells", self._doorbells, allow_head=False),
                web.get(f"{doorbell}/clips", self._clips, allow_head=False),
                web.get(f"{doorbell}/clips/{{clip}}/parts", self._parts, allow_head=False),
                web.get(f"{doorbell}/follow", self._follow, allow_head=False),
                web.get(f"{doorbell}/health", self._doorbell_health, allow_head=False),
            ]
        )
        runner = web.AppRunner(
            application,
            access_log=None,
            keepalive_timeout=KEEP_ALIVE_S,
            shutdown_timeout=SHUTDOWN_S,
        )
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
        return runner, int(runner.addresses[0][1])

    async def _health(self, _: web.Request) -> web.Response:
        status = 200 if self._state.healthy else 503
        return _json({**self._state.report(), "followers": sum(self._open.values())}, status)

    async def _doorbells(self, request: web.Request) -> web.Response:
        owner = await self._owner(request)
        cards = await self._in_thread(lambda: self._register.owned_by(owner))
        return _json({"doorbells": [{"doorbell": card.doorbell, "card": json.loads(card.encode())} for card in cards]})

    async def _clips(self, request: web.Request) -> web.Response:
        _, card = await self._owned(request)
        query = requests.parse_page(request.rel_url.raw_query_string)
        page, following = await self._in_thread(lambda: self._archive.page(card.doorbell, query.limit, query.before))
        return _json({"clips": [_summary(clip) for clip in page], "next": following})

    async def _doorbell_health(self, request: web.Request) -> web.Response:
        _, card = await self._owned(request)
        kept = await self._in_thread(lambda: self._healths.newest(card.doorbell))
        message = base64.b64encode(kept.message).decode("ascii") if kept else None
        return _json({"health": message, "arrived_ms": kept.arrived_ms if kept else None})

    async def _parts(self, request: web.Request) -> web.StreamResponse:
        owner, card = await self._owned(request)
        clip = requests.parse_name(request.match_info["clip"])
        query = requests.parse_parts(request.rel_url.raw_query_string)
        with self._slot(owner), self._hub.subscribe(card.doorbell) as parts:
            names = await self._streams.names(card.doorbell, clip)
            if not names:
                raise RequestError(404, "not found")
            if query.follow:
                return await self._stream(
                    request,
                    lambda send: self._streams.follow_clip(card.doorbell, clip, names, query.start, parts, send),
                )
            return await self._stream(
                request, lambda send: self._streams.send_clip(card.doorbell, clip, names, query.start, send)
            )

    async def _follow(self, request: web.Request) -> web.StreamResponse:
        owner, card = await self._owned(request)
        after = requests.parse_follow(request.rel_url.raw_query_string)
        with self._slot(owner), self._hub.subscribe(card.doorbell) as parts:
            return await self._stream(
                request, lambda send: self._streams.follow_doorbell(card.doorbell, after, parts, send)
            )

    async def _owner(self, request: web.Request) -> OwnerCard:
        shown = request.headers.getall("Authorization", [])
        token = requests.parse_token(shown[0] if len(shown) == 1 else None)
        owner = await self._in_thread(lambda: self._register.owner_by_token(token))
        if owner is None:
            raise RequestError(401, "the token is nobody's here")
        return owner

    async def _owned(self, request: web.Request) -> tuple[OwnerCard, DoorbellCard]:
        owner = await self._owner(request)
        doorbell = requests.parse_name(request.match_info["doorbell"])
        card = await self._in_thread(lambda: self._register.doorbell(doorbell))
        if card is None or card.owner != owner.key:
            raise RequestError(404, "not found")
        return owner, card

    async def _stream(self, request: web.Request, run: Callable[[Send], Awaitable[None]]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/octet-stream", "Cache-Control": "no-store"})
        await response.prepare(request)

        async def send(data: bytes) -> None:
            async with asyncio.timeout(SLOW_CLIENT_S):
                await response.write(data)

        try:
            await run(send)
            await response.write_eof()
        except (ConnectionError, TimeoutError, StoreError) as failure:
            if isinstance(failure, StoreError):
                self._log.error("stream-failed", says=failure)
            if request.transport is not None:
                request.transport.abort()  # so that the client sees a cut, and never takes it for the end
        return response

    @contextlib.contextmanager
    def _slot(self, owner: OwnerCard) -> Iterator[None]:
        if self._open.total() >= MAX_STREAMS or self._open[owner.key] >= MAX_STREAMS_PER_OWNER:
            raise RequestError(503, "too many streams are open: close one, or try again later")
        self._open[owner.key] += 1
        try:
            yield
        finally:
            self._open[owner.key] -= 1
            if not self._open[owner.key]:
                del self._open[owner.key]

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    @web.middleware
    async def _answer_errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except RequestError as refused:
            if refused.status == 401:
                self._log.warn("unauthorized", peer=request.remote)
            return _json({"error": str(refused)}, refused.status)
        except web.HTTPException as refused:
            return _json({"error": refused.reason.lower()}, refused.status)
        except StoreError as failure:
            self._log.error("request-failed", says=failure)
            return _json({"error": "the store fails; try again later"}, 503)


def _json(value: dict[str, Any], status: int = 200) -> web.Response:
    headers = {"Cache-Control": "no-store"} | ({"WWW-Authenticate": "Bearer"} if status == 401 else {})
    return web.json_response(value, status=status, headers=headers)


def _summary(clip: ClipSummary) -> dict[str, Any]:
    return {
        "clip": clip.clip,
        "parts": clip.parts,
        "dropped": clip.dropped,
        "bytes": clip.size,
        "first": base64.b64encode(clip.first.signed).decode("ascii") if clip.first else None,
        "newest": base64.b64encode(clip.newest.signed).decode("ascii"),
        "final": clip.newest.link.record.final,
        "arrived_ms": clip.arrived_ms,
    }
