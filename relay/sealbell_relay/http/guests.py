"""Who asks, and what is theirs. What is another owner's is answered exactly like what is not there."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from typing import TypeVar

from aiohttp import web

from sealbell_relay.errors import RequestError, StoreError
from sealbell_relay.http import requests
from sealbell_relay.http.limits import Limits
from sealbell_relay.keep.holds import Holds
from sealbell_relay.tenants.allow import Register, Visitor
from sealbell_wire.enrolment import DoorbellCard, OwnerCard

STREAM_LOOK_S = 0.4  # with endings.REMEMBERED_S, and a look at the store, within the second that a revocation may take
VISITOR, DOORBELL = "visitor", "doorbell"

T = TypeVar("T")


class Guests:
    """Finds the owner behind a request's token; blocking work runs in `threads`.

    `register` is asked once a request; `recent` again and again while a stream is open, so it may remember a moment.
    """

    def __init__(self, register: Register, recent: Register, holds: Holds, threads: Executor, limits: Limits) -> None:
        self._register = register
        self._recent = recent
        self._holds = holds
        self._threads = threads
        self._limits = limits

    async def visitor(self, request: web.Request, *, held: bool = False) -> Visitor:
        """Return who shows the request's token; RequestError 401 if it is nobody's, 429 if they ask too often.

        And 503 while a restored relay shows nothing, unless the request is one that ends that (`held`).
        """
        shown = request.headers.getall("Authorization", [])
        token = requests.parse_token(shown[0] if len(shown) == 1 else None)
        visitor = await self.in_thread(lambda: self._register.visitor(token))
        if visitor is None:
            raise RequestError(401, "the token is nobody's here")
        self._limits.asked(visitor.owner.key, shown[0])
        if not held:
            await self.in_thread(lambda: self._holds.check(visitor.owner.key))
        request[VISITOR] = visitor
        return visitor

    async def owner(self, request: web.Request, *, held: bool = False) -> OwnerCard:
        """Return whose token the request shows, the owner's own or a phone's; RequestError as above."""
        return (await self.visitor(request, held=held)).owner

    async def owned(self, request: web.Request, *, held: bool = False) -> tuple[OwnerCard, DoorbellCard]:
        """Return the owner and the doorbell that the path names; RequestError 404 if it is not theirs, or as above."""
        owner = await self.owner(request, held=held)
        doorbell = requests.parse_name(request.match_info["doorbell"])
        card = await self.in_thread(lambda: self._register.owned(owner, doorbell))
        if card is None:
            raise RequestError(404, "not found")
        request[DOORBELL] = card.doorbell
        return owner, card

    @contextlib.asynccontextmanager
    async def while_welcome(self, request: web.Request) -> AsyncIterator[None]:
        """Cut the stream that `request` opened within a second of the end of its token, owner or doorbell.

        It is cut as well if the store does not say.
        """
        watch = asyncio.create_task(self._cut_once_unwelcome(request, request[VISITOR], request.get(DOORBELL)))
        try:
            yield
        finally:
            watch.cancel()

    async def _cut_once_unwelcome(self, request: web.Request, visitor: Visitor, doorbell: str | None) -> None:
        welcome = True
        while welcome:
            await asyncio.sleep(STREAM_LOOK_S)
            try:
                welcome = await self.in_thread(lambda: self._recent.welcome(visitor.owner, visitor.token, doorbell))
            except StoreError:
                welcome = False
        if request.transport is not None:
            request.transport.abort()

    async def in_thread(self, call: Callable[[], T]) -> T:
        """Return what `call` returns, without blocking the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)
