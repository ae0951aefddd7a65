"""Notices as they come, of all doorbells of an owner, as server-sent events.

    GET /v1/notices               from now on
    GET /v1/notices?after=PLACE   or with Last-Event-ID: PLACE; from there on, nothing lost and nothing twice

    id: PLACE
    data: {"doorbell": ..., "clip": ..., "seq": ..., "arrived_ms": ...}

What is told is always what a look at the store found, so a stream goes on at another relay, and after a relay was
restarted, where it was. The hub only says when to look; now and then a stream looks by itself. The token travels in a
header, which browsers' EventSource cannot send: pages read the stream with fetch.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from aiohttp import web

from sealbell_relay.errors import RequestError, StoreError
from sealbell_relay.follow.hub import Hub, Subscription
from sealbell_relay.follow.noticed import Noticed, NoticeShelf
from sealbell_relay.http.guests import Guests
from sealbell_relay.http.place import Place, parse_place
from sealbell_relay.http.slots import Slots
from sealbell_relay.log import Log
from sealbell_relay.store.stored import parse_head
from sealbell_relay.tenants.allow import Register
from sealbell_wire.enrolment import OwnerCard

SLOW_CLIENT_S = 60.0  # for one event to be taken off our hands
RETRY_MS = 3_000  # for a client to wait before it comes again
SIGN_OF_LIFE = b":\n\n"

_AFTER = re.compile(r"(?:after=([0-9a-f-]{1,4000}))?\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a stream shows a sign of life, and looks at the store although nothing called it, in seconds.

    And how long a client may take for one event.
    """

    keep_alive_s: float = 15.0
    look_s: float = 60.0
    slow_client_s: float = SLOW_CLIENT_S


class NoticesSide:
    """`wall_ms` returns Unix milliseconds, `monotonic` seconds."""

    def __init__(
        self,
        guests: Guests,
        shelf: NoticeShelf,
        register: Register,
        hub: Hub,
        slots: Slots,
        log: Log,
        wall_ms: Callable[[], int],
        monotonic: Callable[[], float],
        pace: Pace | None = None,
    ) -> None:
        self._guests = guests
        self._shelf = shelf
        self._register = register
        self._hub = hub
        self._slots = slots
        self._log = log
        self._wall_ms = wall_ms
        self._monotonic = monotonic
        self._pace = pace or Pace()

    def routes(self) -> list[web.RouteDef]:
        """Return what is answered here."""
        return [web.get("/v1/notices", self._notices, allow_head=False)]

    async def _notices(self, request: web.Request) -> web.StreamResponse:
        owner = await self._guests.owner(request)
        place = _asked(request) or Place(self._wall_ms())
        with self._slots.take(owner.key):
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)

            async def send(data: bytes) -> None:
                async with asyncio.timeout(self._pace.slow_client_s):
                    await response.write(data)

            try:
                async with self._guests.while_welcome(request):
                    await send(f"retry: {RETRY_MS}\nid: {place.text}\n\n".encode("ascii"))
                    await self._tell(owner, place, send)
                    await response.write_eof()
            except (ConnectionError, TimeoutError, StoreError) as failure:
                if isinstance(failure, StoreError):
                    self._log.error("stream-failed", says=failure)
                if request.transport is not None:
                    request.transport.abort()  # the client comes again, with its place
        return response

    async def _tell(self, owner: OwnerCard, place: Place, send: Callable[[bytes], Awaitable[None]]) -> None:
        """Send what is new until the hub is closed."""
        async with _News(self._hub) as news:
            next_look_s = self._monotonic()
            while not news.over:
                called = news.take()
                if self._monotonic() >= next_look_s:
                    next_look_s = self._monotonic() + self._pace.look_s
                    cards = await self._guests.in_thread(lambda: self._register.owned_by(owner))
                    called = {card.doorbell for card in cards}
                    news.listen(called)  # before looking, so that nothing falls between
                for noticed in await self._guests.in_thread(partial(self._found, called, place.floor_ms)):
                    if place.is_new(noticed):
                        place.sent(noticed)
                        await send(_event(noticed, place))
                if not await news.wait(self._pace.keep_alive_s):
                    await send(SIGN_OF_LIFE)

    def _found(self, doorbells: set[str], floor_ms: int) -> list[Noticed]:
        return sorted(noticed for doorbell in doorbells for noticed in self._shelf.since(doorbell, floor_ms))


class _News:
    """Which doorbells sent a notice since the last look. `over` once the relay stops, or nobody could keep up."""

    def __init__(self, hub: Hub) -> None:
        self.over = False
        self._hub = hub
        self._called: set[str] = set()
        self._call = asyncio.Event()
        self._heard: dict[str, asyncio.Task[None]] = {}

    async def __aenter__(self) -> "_News":
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._heard.values():
            task.cancel()
        await asyncio.gather(*self._heard.values(), return_exceptions=True)

    def listen(self, doorbells: set[str]) -> None:
        """Hear exactly these from now on."""
        for doorbell in self._heard.keys() - doorbells:
            self._heard.pop(doorbell).cancel()
        for doorbell in doorbells - self._heard.keys():
            stack = contextlib.ExitStack()
            parts = stack.enter_context(self._hub.subscribe(doorbell))
            self._heard[doorbell] = asyncio.create_task(self._hear(doorbell, parts, stack))

    def take(self) -> set[str]:
        """Return who called, and forget it."""
        called, self._called = self._called, set()
        self._call.clear()
        return called

    async def wait(self, timeout_s: float) -> bool:
        """Return once somebody called, or False if nobody did for so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._call.wait()
                return True
        return False

    async def _hear(self, doorbell: str, parts: Subscription, stack: contextlib.ExitStack) -> None:
        with stack:
            while not parts.lost:
                stored = await parts.next(3_600)
                if stored is None or stored.data is None or parse_head(stored.data).link.record.kind == "notice":
                    parts.missed = False
                    self._called.add(doorbell)
                    self._call.set()
        self.over = True
        self._call.set()


def _asked(request: web.Request) -> Place | None:
    query = _AFTER.match(request.rel_url.raw_query_string)
    if not query:
        raise RequestError(400, "the query may hold once: after")
    shown = request.headers.getall("Last-Event-ID", [])
    if len(shown) + bool(query[1]) > 1:
        raise RequestError(400, "give one place: after, or Last-Event-ID")
    text = query[1] or (shown[0] if shown else None)
    return parse_place(text) if text else None


def _event(noticed: Noticed, place: Place) -> bytes:
    data = {
        "doorbell": noticed.doorbell,
        "clip": noticed.clip,
        "seq": noticed.seq,
        "arrived_ms": noticed.arrived_ms,
    }
    return f"id: {place.text}\ndata: {json.dumps(data)}\n\n".encode("ascii")
