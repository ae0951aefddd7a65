"""What owners say of what is kept: tombstones, retention, and that a restored relay may show things again (SPEC 16.4).

    GET  /v1/tombstones?after=NAME
    POST /v1/tombstones                          tombstones, answered by as many receipts
    GET  /v1/doorbells/{doorbell}/retention
    POST /v1/doorbells/{doorbell}/retention      one document, answered by its receipt
    GET  /v1/usage
    POST /v1/resumption                          one

What is posted is obeyed also while a restored relay shows nothing: it is what ends that.
"""

import base64
from collections.abc import Awaitable, Callable
from functools import partial

from aiohttp import web

from sealbell_relay.errors import RequestError
from sealbell_relay.http import requests
from sealbell_relay.http.answers import answer
from sealbell_relay.http.guests import Guests
from sealbell_relay.keep.deletion import Deletion
from sealbell_relay.keep.holds import Holds
from sealbell_relay.keep.keeping import Keeping
from sealbell_relay.keep.quota import Quota
from sealbell_relay.log import Log
from sealbell_relay.state import State
from sealbell_wire.errors import WireError
from sealbell_wire.limits import MAX_TOMBSTONES_PER_REQUEST
from sealbell_wire.resumption import read_resumption
from sealbell_wire.retention import read_retention
from sealbell_wire.tombstone import Tombstone, take_tombstone

BYTES = "application/octet-stream"


class KeepSide:
    """`on_ended` is told of each tombstone that was obeyed, in the event loop."""

    def __init__(
        self,
        guests: Guests,
        deletion: Deletion,
        keeping: Keeping,
        quota: Quota,
        holds: Holds,
        on_ended: Callable[[Tombstone], Awaitable[None]],
        state: State,
        log: Log,
    ) -> None:
        self._guests = guests
        self._deletion = deletion
        self._keeping = keeping
        self._quota = quota
        self._holds = holds
        self._on_ended = on_ended
        self._state = state
        self._log = log

    def routes(self) -> list[web.RouteDef]:
        """Return what is answered here."""
        retention = "/v1/doorbells/{doorbell}/retention"
        return [
            web.get("/v1/tombstones", self._list, allow_head=False),
            web.post("/v1/tombstones", self._bury),
            web.get(retention, self._retention, allow_head=False),
            web.post(retention, self._retain),
            web.get("/v1/usage", self._usage, allow_head=False),
            web.post("/v1/resumption", self._resume),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        owner = await self._guests.owner(request)
        after = requests.parse_after_name(request.rel_url.raw_query_string)
        page = await self._guests.in_thread(lambda: self._deletion.page(owner.key, after))
        frames = [base64.b64encode(frame).decode("ascii") for frame in page.frames]
        return answer({"tombstones": frames, "next": page.next})

    async def _bury(self, request: web.Request) -> web.Response:
        owner = await self._guests.owner(request, held=True)
        given = parse_tombstones(await request.read())
        for tombstone, _ in given:
            if not await self._guests.in_thread(partial(self._deletion.may, owner.key, tombstone)):
                raise RequestError(404, "not found")
        receipts = []
        for tombstone, frame in given:
            receipts.append(await self._guests.in_thread(partial(self._deletion.obey, tombstone, frame)))
            self._quota.forget(owner.key)
            await self._on_ended(tombstone)
            self._state.deleted += 1
            self._log.info("deleted", kind=tombstone.kind)
        return web.Response(body=b"".join(receipts), content_type=BYTES)

    async def _retention(self, request: web.Request) -> web.Response:
        _, card = await self._guests.owned(request)
        retentions = self._keeping.retentions
        frame = await self._guests.in_thread(lambda: retentions.frame(card.doorbell))
        days = await self._guests.in_thread(lambda: retentions.days(card.doorbell))
        return answer({"retention": base64.b64encode(frame).decode("ascii") if frame else None, "days": days})

    async def _retain(self, request: web.Request) -> web.Response:
        owner, card = await self._guests.owned(request, held=True)
        frame = await request.read()
        try:
            document = read_retention(frame)
        except WireError as error:
            raise RequestError(400, str(error)) from None
        if (document.owner, document.doorbell) != (owner.key, card.doorbell):
            raise RequestError(404, "not found")
        receipt = await self._guests.in_thread(lambda: self._keeping.retain(document, frame))
        return web.Response(body=receipt, content_type=BYTES)

    async def _usage(self, request: web.Request) -> web.Response:
        owner = await self._guests.owner(request)
        used = await self._guests.in_thread(lambda: self._quota.use(owner.key))
        limits = self._quota.limits
        return answer(
            {
                "bytes": used.size_bytes,
                "clips": used.clips,
                "max_bytes": limits.max_bytes,
                "max_clips": limits.max_clips,
                "over_quota": used.removed,
            }
        )

    async def _resume(self, request: web.Request) -> web.Response:
        owner = await self._guests.owner(request, held=True)
        frame = await request.read()
        try:
            said = read_resumption(frame)
        except WireError as error:
            raise RequestError(400, str(error)) from None
        if said.owner != owner.key:
            raise RequestError(404, "not found")
        await self._guests.in_thread(lambda: self._keeping.resume(self._holds, said, frame))
        self._log.info("resumed", says="an owner has given all tombstones again")
        return answer({"resumed": True})


def parse_tombstones(body: bytes) -> list[tuple[Tombstone, bytes]]:
    """Return the tombstones in a body, each with its frame; RequestError 400 if one is none, or there are too many."""
    given: list[tuple[Tombstone, bytes]] = []
    try:
        while body and len(given) <= MAX_TOMBSTONES_PER_REQUEST:
            tombstone, frame, body = take_tombstone(body)
            given.append((tombstone, frame))
    except WireError as error:
        raise RequestError(400, str(error)) from None
    if not 1 <= len(given) <= MAX_TOMBSTONES_PER_REQUEST:
        raise RequestError(400, f"the body does not hold 1 to {MAX_TOMBSTONES_PER_REQUEST} tombstones")
    return given
