"""Whoever opens a stream and does not read it is cut, and keeps neither a stream nor what waits for it."""

import asyncio
import io
import socket
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest
from aiohttp import web

from http_front import request
from parts_factory import Doorbell, Owner
from sealbell_relay.follow.hub import Hub
from sealbell_relay.follow.noticed import Noticed
from sealbell_relay.follow.order import Patience as OrderPatience
from sealbell_relay.follow.streams import Streams
from sealbell_relay.http.front import Front, FrontSettings
from sealbell_relay.http.gate import Patience, Room
from sealbell_relay.http.guests import Guests
from sealbell_relay.http.notices import NoticesSide, Pace
from sealbell_relay.http.owners import OwnersSide
from sealbell_relay.http.slots import Slots
from sealbell_relay.intake.healths import HealthShelf
from sealbell_relay.keep.holds import Holds
from sealbell_relay.log import Log
from sealbell_relay.store.archive import Archive
from sealbell_relay.tenants.allow import Register
from store_doubles import MemoryStore

OWNER = Owner(1)
BELL = Doorbell(1, OWNER)
SLOW_CLIENT_S = 0.2
DEADLINE_S = 20
PARTS, PART_BYTES, NOTICES = 24, 900_000, 60_000  # more than two kernels' buffers hold
PATHS = [
    f"/v1/doorbells/{BELL.id}/clips/{BELL.clip_id()}/parts",
    f"/v1/doorbells/{BELL.id}/follow?after={'0' * 32}",
    "/v1/notices?after=000000000000",
]


class ManyNotices:
    """A shelf with more notices than a connection holds."""

    def since(self, doorbell: str, floor_ms: int) -> Iterable[Noticed]:
        return [Noticed(1_790_000_000_000 + seq, doorbell, BELL.clip_id(), seq) for seq in range(NOTICES)]


def routes(threads: ThreadPoolExecutor, slots: Slots, front: Front, now: Callable[[], float]) -> list[web.RouteDef]:
    store, log, hub = MemoryStore(), Log(io.StringIO(), now), Hub()
    register, archive = Register(store), Archive(store, lambda _: None)
    for card in (OWNER.card, BELL.card):
        register.allow(card)
    for part in BELL.clip(PARTS, size=PART_BYTES):
        archive.put(BELL.id, BELL.clip_id(), part.record.seq, False, part.encode() + b"receipt")
    guests = Guests(register, register, Holds(store, now), threads, front.limits)
    streams = Streams(archive, threads, OrderPatience(), now)
    owners = OwnersSide(guests, archive, register, HealthShelf(store), streams, hub, slots, log, SLOW_CLIENT_S)
    pace = Pace(slow_client_s=SLOW_CLIENT_S)
    notices = NoticesSide(guests, ManyNotices(), register, hub, slots, log, lambda: 0, now, pace)  # type: ignore[arg-type]
    return [*owners.routes(), *notices.routes()]


@pytest.mark.parametrize("path", PATHS)
def test_who_opens_a_stream_and_does_not_read_it_is_cut(path: str) -> None:
    async def scenario() -> None:
        loop, slots = asyncio.get_running_loop(), Slots()
        front = Front(FrontSettings(), Counter(), Log(io.StringIO(), loop.time), loop.time, Room(), Patience())
        with ThreadPoolExecutor(4) as threads, socket.socket() as silent:
            server = front.owners(routes(threads, slots, front, loop.time))
            port = await server.listen("127.0.0.1", 0)
            silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            silent.setblocking(False)
            await loop.sock_connect(silent, ("127.0.0.1", port))
            await loop.sock_sendall(silent, request(path, last=False, **OWNER.authorization))
            async with asyncio.timeout(DEADLINE_S):
                while not slots.open:
                    await asyncio.sleep(0.01)
                while slots.open or front.gate.open:
                    await asyncio.sleep(0.01)
            await server.close()

    asyncio.run(scenario())
