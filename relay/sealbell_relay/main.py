"""The composition root of a serving relay: builds every part, hands it down, and takes them apart again."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from sealbell_relay.address import Address, bracketed
from sealbell_relay.allow import Register
from sealbell_relay.archive import Archive
from sealbell_relay.broker import Broker, find_executable
from sealbell_relay.errors import BrokerError, RelayError
from sealbell_relay.folder import Folder
from sealbell_relay.healths import HealthIntake, HealthShelf
from sealbell_relay.http.guests import Guests
from sealbell_relay.http.owners import OwnersSide
from sealbell_relay.http.server import HttpServer
from sealbell_relay.http.slots import Slots
from sealbell_relay.hub import Hub
from sealbell_relay.intake import Intake
from sealbell_relay.log import LibraryLines, Log
from sealbell_relay.mqtt import MqttSide
from sealbell_relay.order import Patience
from sealbell_relay.outgoing import Outgoing
from sealbell_relay.reception import Reception
from sealbell_relay.state import State
from sealbell_relay.store import Store
from sealbell_relay.streams import Streams
from sealbell_wire.enrolment import RelayCard
from sealbell_wire.sshsig import verify_key_of

STORING_THREADS = 8  # they mostly wait for a disk
READING_THREADS = 8  # apart, so that owners who read never hold up a doorbell
DRAIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What `serve` was asked for. A port of 0 means the one of last time, else any that is free."""

    host: str = "127.0.0.1"
    mqtt_port: int = 0
    http_port: int = 0
    broker: Address | None = None


async def serve(
    folder: Folder,
    store: Store,
    settings: Settings,
    log: Log,
    stop: asyncio.Event,
    on_ready: Callable[[RelayCard], None],
) -> None:
    """Serve until `stop` is set; the caller holds the folder's lock. RelayError if it cannot start."""
    for library in ("mqtt", "aiohttp", "asyncio"):
        logging.getLogger(library).addHandler(LibraryLines(log))
        logging.getLogger(library).propagate = False
    key, state, hub, outgoing = folder.key(), State(), Hub(), Outgoing()
    archive = Archive(store, lambda damage: log.error("clip-damaged", says=damage))
    register, shelf = Register(store), HealthShelf(store)
    async with AsyncExitStack() as stack:
        storing = stack.enter_context(ThreadPoolExecutor(STORING_THREADS, "storing"))
        reading = stack.enter_context(ThreadPoolExecutor(READING_THREADS, "reading"))
        running: list[Callable[[], Coroutine[Any, Any, None]]] = []
        ports = _Ports(folder.card(), settings, log)
        if settings.broker is None:
            broker = Broker(find_executable(), folder.broker, settings.host, log, random.random)
            stack.push_async_callback(broker.stop)
            address = await ports.start_broker(broker)
            running.append(partial(broker.keep_running, address))
        else:
            address = settings.broker
        streams = Streams(archive, reading, Patience(), time.monotonic)
        guests, slots = Guests(register, reading), Slots()
        owners = OwnersSide(guests, archive, register, shelf, streams, hub, slots, state, log)
        runner, http_port = await ports.listen(HttpServer(owners.routes(), log))
        stack.push_async_callback(runner.cleanup)
        stack.callback(hub.close)
        intake, healths = Intake(archive, register, key, _wall_ms), HealthIntake(shelf, register, _wall_ms)
        reception = Reception(intake, healths, hub, outgoing, state, log, storing)
        stack.push_async_callback(reception.lanes.drain, DRAIN_S)
        mqtt = MqttSide(address, reception, outgoing, state, log, random.random)
        running.append(mqtt.run)

        async def announce() -> None:
            await mqtt.subscribed.wait()
            http = f"http://{bracketed(settings.host)}:{http_port}"
            card = RelayCard(address.url, http, verify_key_of(key).hex())
            folder.write_card(card)
            on_ready(card)
            await stop.wait()

        await _until_stopped(stop, [*running, announce])


class _Ports:
    """Where to listen: as asked for; else as last time, which is on doorbells' cards; else anywhere."""

    def __init__(self, last: RelayCard | None, settings: Settings, log: Log) -> None:
        self._settings = settings
        self._log = log
        self._last_mqtt = _port(last.mqtt, settings.host) if last and settings.broker is None else 0
        self._last_http = _port(last.http, settings.host) if last else 0

    async def start_broker(self, broker: Broker) -> Address:
        port = self._settings.mqtt_port or self._last_mqtt
        try:
            return await broker.start(port)
        except BrokerError as error:
            if self._settings.mqtt_port or not port:
                raise
            self._log.warn("port-moved", protocol="mqtt", port=port, says=error, then="doorbells need the new card")
        return await broker.start(0)

    async def listen(self, server: HttpServer) -> tuple[web.AppRunner, int]:
        port = self._settings.http_port or self._last_http
        try:
            return await server.listen(self._settings.host, port)
        except OSError as error:
            if self._settings.http_port or not port:
                raise RelayError(
                    f"http cannot listen on {self._settings.host}, port {port or 'any'}: {error.strerror}",
                    hint="give another one: --http-port N, or 0 for any that is free",
                ) from error
            self._log.warn("port-moved", protocol="http", port=port, says=error, then="owners need the new card")
        return await server.listen(self._settings.host, 0)


async def _until_stopped(stop: asyncio.Event, running: list[Callable[[], Coroutine[Any, Any, None]]]) -> None:
    tasks = [asyncio.create_task(each()) for each in running]
    stopped = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in (stopped, *tasks):
            task.cancel()
        await asyncio.gather(stopped, *tasks, return_exceptions=True)


def _port(url: str, host: str) -> int:
    try:
        parts = urlsplit(url)
        return parts.port or 0 if parts.hostname == host else 0
    except ValueError:
        return 0


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
