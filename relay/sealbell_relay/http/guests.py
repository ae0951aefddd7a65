"""Who asks, and what is theirs. What is another owner's is answered exactly like what is not there."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from aiohttp import web

from sealbell_relay.allow import Register
from sealbell_relay.errors import RequestError
from sealbell_relay.http import requests
from sealbell_relay.http.limits import Limits
from sealbell_wire.enrolment import DoorbellCard, OwnerCard

T = TypeVar("T")


class Guests:
    """Finds the owner behind a request's token; blocking work runs in `threads`."""

    def __init__(self, register: Register, threads: Executor, limits: Limits) -> None:
        self._register = register
        self._threads = threads
        self._limits = limits

    async def owner(self, request: web.Request) -> OwnerCard:
        """Return whose token the request shows; RequestError 401 if nobody's, 429 if they ask too often."""
        shown = request.headers.getall("Authorization", [])
        token = requests.parse_token(shown[0] if len(shown) == 1 else None)
        owner = await self.in_thread(lambda: self._register.owner_by_token(token))
        if owner is None:
            raise RequestError(401, "the token is nobody's here")
        self._limits.asked(owner.key, shown[0])
        return owner

    async def owned(self, request: web.Request) -> tuple[OwnerCard, DoorbellCard]:
        """Return the owner and the doorbell that the path names; RequestError 401, or 404 if it is not theirs."""
        owner = await self.owner(request)
        doorbell = requests.parse_name(request.match_info["doorbell"])
        card = await self.in_thread(lambda: self._register.doorbell(doorbell))
        if card is None or card.owner != owner.key:
            raise RequestError(404, "not found")
        return owner, card

    async def in_thread(self, call: Callable[[], T]) -> T:
        """Return what `call` returns, without blocking the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)
