"""The relay as an HTTP server for owners: what their doorbells sent, to whoever shows their token.

    GET /v1/doorbells
    GET /v1/doorbells/{doorbell}/clips?limit=N&before=CLIP
    GET /v1/doorbells/{doorbell}/clips/{clip}/parts?from=SEQ&follow=0|1
    GET /v1/doorbells/{doorbell}/follow?after=CLIP
    GET /v1/doorbells/{doorbell}/health

What is another owner's is answered exactly like what is not there.
"""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from sealbell_relay.errors import RequestError, StoreError
from sealbell_relay.follow.hub import Hub
from sealbell_relay.follow.streams import Send, Streams
from sealbell_relay.http import requests
from sealbell_relay.http.answers import answer
from sealbell_relay.http.guests import Guests
from sealbell_relay.http.slots import Slots
from sealbell_relay.intake.healths import HealthShelf
from sealbell_relay.log import Log
from sealbell_relay.store.archive import Archive, ClipSummary
from sealbell_relay.tenants.allow import Register

SLOW_CLIENT_S = 60.0  # for one part to be taken off our hands
MAX_WRITE_BYTES = 65_536  # at once, so that what waits for a slow client stays small beside the part itself


class OwnersSide:
    """What doorbells sent, for their owners to read."""

    def __init__(
        self,
        guests: Guests,
        archive: Archive,
        register: Register,
        healths: HealthShelf,
        streams: Streams,
        hub: Hub,
        slots: Slots,
        log: Log,
        slow_client_s: float = SLOW_CLIENT_S,
    ) -> None:
        self._guests = guests
        self._archive = archive
        self._register = register
        self._healths = healths
        self._streams = streams
        self._hub = hub
        self._slots = slots
        self._log = log
        self._slow_client_s = slow_client_s

    def routes(self) -> list[web.RouteDef]:
        """Return what is answered here."""
        doorbell = "/v1/doorbells/{doorbell}"
        return [
            web.get("/v1/doorbells", self._doorbells, allow_head=False),
            web.get(f"{doorbell}/clips", self._clips, allow_head=False),
            web.get(f"{doorbell}/clips/{{clip}}/parts", self._parts, allow_head=False),
            web.get(f"{doorbell}/follow", self._follow, allow_head=False),
            web.get(f"{doorbell}/health", self._doorbell_health, allow_head=False),
        ]

    async def _doorbells(self, request: web.Request) -> web.Response:
        owner = await self._guests.owner(request)
        cards = await self._guests.in_thread(lambda: self._register.owned_by(owner))
        return answer({"doorbells": [{"doorbell": card.doorbell, "card": json.loads(card.encode())} for card in cards]})

    async def _clips(self, request: web.Request) -> web.Response:
        _, card = await self._guests.owned(request)
        query = requests.parse_page(request.rel_url.raw_query_string)
        page, following = await self._guests.in_thread(
            lambda: self._archive.page(card.doorbell, query.limit, query.before)
        )
        return answer({"clips": [_summary(clip) for clip in page], "next": following})

    async def _doorbell_health(self, request: web.Request) -> web.Response:
        _, card = await self._guests.owned(request)
        kept = await self._guests.in_thread(lambda: self._healths.newest(card.doorbell))
        message = base64.b64encode(kept.message).decode("ascii") if kept else None
        return answer({"health": message, "arrived_ms": kept.arrived_ms if kept else None})

    async def _parts(self, request: web.Request) -> web.StreamResponse:
        owner, card = await self._guests.owned(request)
        clip = requests.parse_name(request.match_info["clip"])
        query = requests.parse_parts(request.rel_url.raw_query_string)
        with self._slots.take(owner.key), self._hub.subscribe(card.doorbell) as parts:
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
        owner, card = await self._guests.owned(request)
        after = requests.parse_follow(request.rel_url.raw_query_string)
        with self._slots.take(owner.key), self._hub.subscribe(card.doorbell) as parts:
            return await self._stream(
                request, lambda send: self._streams.follow_doorbell(card.doorbell, after, parts, send)
            )

    async def _stream(self, request: web.Request, run: Callable[[Send], Awaitable[None]]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        await response.prepare(request)

        async def send(data: bytes) -> None:
            async with asyncio.timeout(self._slow_client_s):
                for begin in range(0, len(data), MAX_WRITE_BYTES):
                    await response.write(data[begin : begin + MAX_WRITE_BYTES])

        try:
            async with self._guests.while_welcome(request):
                await run(send)
                await response.write_eof()
        except (ConnectionError, TimeoutError, StoreError) as failure:
            if isinstance(failure, StoreError):
                self._log.error("stream-failed", says=failure)
            if request.transport is not None:
                request.transport.abort()  # so that the client sees a cut, and never takes it for the end
        return response


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
