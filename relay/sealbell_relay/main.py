"""The composition root of a serving relay: builds every part, hands it down, and takes them apart again."""

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sealbell_relay.broker.address import Address
from sealbell_relay.broker.broker import Broker
from sealbell_relay.broker.embedded import Embedded
from sealbell_relay.descriptors import ENOUGH, RESERVED, raise_limit
from sealbell_relay.errors import BrokerError, RelayError
from sealbell_relay.fleet.peers import Peers
from sealbell_relay.folder import Folder
from sealbell_relay.follow.hub import Hub
from sealbell_relay.follow.order import Patience
from sealbell_relay.follow.streams import Streams
from sealbell_relay.http.enrol import Enrolling, EnrolSide
from sealbell_relay.http.front import Front, FrontSettings
from sealbell_relay.http.gate import MAX_CONNECTIONS, Room
from sealbell_relay.http.gate import Patience as HttpPatience
from sealbell_relay.http.guests import Guests
from sealbell_relay.http.notices import NoticesSide
from sealbell_relay.http.owners import OwnersSide
from sealbell_relay.http.public import PublicSide
from sealbell_relay.http.server import HttpServer
from sealbell_relay.http.slots import Slots
from sealbell_relay.instruments import Instruments
from sealbell_relay.intake.healths import HealthIntake, HealthShelf
from sealbell_relay.intake.mqtt import MqttSide
from sealbell_relay.intake.outgoing import Outgoing
from sealbell_relay.intake.reception import Reception
from sealbell_relay.keep.custody import Custody
from sealbell_relay.keep.quota import Limits
from sealbell_relay.log import LibraryLines, Log
from sealbell_relay.state import State
from sealbell_relay.store.archive import Archive
from sealbell_relay.store.packer import Packer
from sealbell_relay.store.packing import Packing
from sealbell_relay.store.probe import Probe
from sealbell_relay.store.store import Store
from sealbell_relay.tenants.allow import Register
from sealbell_relay.tenants.endings import Endings, RecentEndings
from sealbell_relay.tls.side import TlsSettings, TlsSide
from sealbell_wire.enrolment import RelayCard
from sealbell_wire.sshsig import verify_key_of

STORING_THREADS = 16  # they mostly wait for a disk
READING_THREADS = 8  # apart, so that owners who read never hold up a doorbell
DRAIN_S = 5.0

Work = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Settings:
    """What `serve` was asked for. A port of 0 means the one of last time, else any that is free.

    Without `brokers` the relay starts one; with them it shares the doorbells with whatever relays use the same ones.
    `credential` is what the relay shows them, None for the one in its folder. `limits` are an owner's, and `ledger` is
    where a second copy is kept of what must stay deleted. With `packs` the parts of complete clips are joined.
    """

    host: str = "127.0.0.1"
    mqtt_port: int = 0
    http_port: int = 0
    brokers: tuple[Address, ...] = ()
    front: FrontSettings = field(default_factory=FrontSettings)
    tls: TlsSettings = field(default_factory=TlsSettings)
    credential: str | None = None
    limits: Limits = field(default_factory=Limits)
    ledger: Path | None = None
    packs: bool = False


async def serve(
    folder: Folder,
    store: Store,
    settings: Settings,
    log: Log,
    stop: asyncio.Event,
    on_ready: Callable[[RelayCard], None],
    now_s: Callable[[], float] = time.time,
) -> None:
    """Serve until `stop` is set; the caller holds the folder's lock. RelayError if it cannot start.

    `now_s` returns Unix seconds: certificates go by it.
    """
    _hear_libraries(log)
    key, state, hub, outgoing = folder.key(), State(), Hub(), Outgoing()
    front = _front(settings, state, log)
    instruments = Instruments(state, front, time.monotonic)
    store = instruments.timed(store)
    tls = TlsSide(folder, settings.host, settings.brokers, settings.tls, state, log, now_s)
    archive = Archive(store, lambda damage: log.error("clip-damaged", says=damage))
    endings, shelf = RecentEndings(Endings(store), time.monotonic), HealthShelf(store)
    register, recent = Register(store), Register(store, endings)
    peers: Peers | None = None

    def holds(doorbell: str) -> bool:
        return peers is None or peers.holds(doorbell)

    async with AsyncExitStack() as stack:
        sizes = ("storing", STORING_THREADS), ("reading", READING_THREADS), ("probing", 1)
        storing, reading, probing = (stack.enter_context(ThreadPoolExecutor(size, name)) for name, size in sizes)
        running: list[Work] = []
        ports = _Ports(folder.card(), tls, settings, log)
        addresses, mine = settings.brokers, None
        credential = settings.credential or folder.credential(secrets.token_bytes)
        if not addresses:
            mine = Embedded(folder.broker, settings.host, credential, store, tls.certificate, tls.broker, state, log)
            addresses = (await mine.start(stack, ports.start_broker),)
            running += [*mine.work(addresses[0]), partial(tls.keep, mine.broker.reload)]
        else:
            running.append(partial(tls.keep, lambda: None))
        streams = Streams(archive, reading, Patience(), time.monotonic)
        custody = Custody(
            store, archive, register, key, settings.limits, settings.ledger, hub, state, log, _wall_ms, time.monotonic,
            holds,
        )  # fmt: skip
        guests, slots = Guests(register, recent, custody.holds, reading, front.limits), Slots()
        owners = OwnersSide(guests, archive, register, shelf, streams, hub, slots, log)
        look = mine.keeper.look if mine else None  # a broker given by its URL has its list from elsewhere
        sides = (
            owners,
            EnrolSide(guests, Enrolling(store, register, _wall_ms), look, log),
            custody.side(guests, look),
            NoticesSide(guests, archive.notices, register, hub, slots, log, _wall_ms, time.monotonic),
            PublicSide(state),
        )
        server = front.owners([route for side in sides for route in side.routes()])
        stack.push_async_callback(server.close)
        http_port = await ports.listen(server)
        stack.callback(hub.close)
        intake, healths = custody.intake(recent), HealthIntake(shelf, recent, _wall_ms, custody.hear_clock)
        peers = None if mine else Peers(secrets.token_hex(16), hub, intake.forget_all, state, log, time.monotonic)
        packing = Packing(store, verify_key_of(key))
        packer = Packer(packing, archive, register, log, _wall_ms, time.monotonic, holds)
        reception = Reception(
            intake, healths, hub, outgoing, state, log, storing, time.monotonic, instruments.metrics.receipt,
            packer.note if settings.packs else None,
        )  # fmt: skip
        mqtt = MqttSide(addresses, reception, outgoing, peers, credential, state, log, random.random, tls.broker)
        running += [
            mqtt.run,
            Probe(store, probing, state, log).run,
            *custody.work(reading),
            *([partial(packer.run, reading)] if settings.packs else []),
        ]
        stack.push_async_callback(instruments.server.close)
        folder.write_admin(await instruments.listen(settings.front.admin_port, reception, outgoing, slots))

        def announce() -> None:
            card = tls.card(addresses[0], http_port, verify_key_of(key).hex())
            folder.write_card(card)
            on_ready(card)

        ending = partial(_until_left, stop, state, server, mqtt, reception)
        await _until_stopped(ending, [*running, partial(_once_subscribed, mqtt, announce)])


async def _until_left(
    stop: asyncio.Event, state: State, server: HttpServer, mqtt: MqttSide, reception: Reception
) -> None:
    await stop.wait()
    state.holding = "the relay stops"
    server.stop_accepting()
    await mqtt.leave()
    await reception.close(DRAIN_S)


async def _once_subscribed(mqtt: MqttSide, announce: Callable[[], None]) -> None:
    await mqtt.subscribed.wait()
    announce()
    await asyncio.Event().wait()


def _hear_libraries(log: Log) -> None:
    for library in ("mqtt", "aiohttp", "asyncio"):
        logging.getLogger(library).addHandler(LibraryLines(log))
        logging.getLogger(library).propagate = False


def _front(settings: Settings, state: State, log: Log) -> Front:
    descriptors = raise_limit()
    if descriptors < ENOUGH:
        log.warn("few-descriptors", limit=descriptors, then="raise the hard limit on open files, RLIMIT_NOFILE")
    most = max(RESERVED, min(MAX_CONNECTIONS, descriptors - RESERVED))
    return Front(settings.front, state.turned_away, log, time.monotonic, Room(most), HttpPatience())


class _Ports:
    """Where to listen: as asked for; else as last time, which is on doorbells' cards; else anywhere."""

    def __init__(self, last: RelayCard | None, tls: TlsSide, settings: Settings, log: Log) -> None:
        self._tls = tls
        self._settings = settings
        self._log = log
        self._last_mqtt = _port(last.mqtt, tls.name) if last and not settings.brokers else 0
        self._last_http = _port(last.http, tls.name) if last else 0

    async def start_broker(self, broker: Broker) -> Address:
        port = self._settings.mqtt_port or self._last_mqtt
        try:
            return await broker.start(port)
        except BrokerError as error:
            if self._settings.mqtt_port or not port:
                raise
            self._log.warn("port-moved", protocol="mqtt", port=port, says=error, then="doorbells need the new card")
        return await broker.start(0)

    async def listen(self, server: HttpServer) -> int:
        port = self._settings.http_port or self._last_http
        try:
            return await server.listen(self._settings.host, port, self._tls.http)
        except OSError as error:
            if self._settings.http_port or not port:
                raise RelayError(
                    f"http cannot listen on {self._settings.host}, port {port or 'any'}: {error.strerror}",
                    hint="give another one: --http-port N, or 0 for any that is free",
                ) from error
            self._log.warn("port-moved", protocol="http", port=port, says=error, then="owners need the new card")
        return await server.listen(self._settings.host, 0, self._tls.http)


async def _until_stopped(stopped: Work, running: list[Work]) -> None:
    tasks = [asyncio.create_task(each()) for each in (stopped, *running)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _port(url: str, host: str) -> int:
    try:
        parts = urlsplit(url)
        return parts.port or 0 if parts.hostname == host else 0
    except ValueError:
        return 0


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
