"""The relay as an MQTT client: subscribes to its doorbells, feeds the reception, publishes receipts, reconnects.

A PUBACK is the broker's word and says nothing of a disk, so everything rests on the relay's own receipts, and all is
sent and heard with QoS 0: what gets lost is asked for, or sent again. A broker that kept messages would keep them in
vain, and at a price: each QoS 1 filter costs nats-server a consumer, replicated in a cluster (decision 25).
"""

import asyncio
import contextlib
import logging
import secrets
import socket
import ssl
from collections.abc import Callable, Collection, Sequence

import aiomqtt

from sealbell_relay.broker.accounts import RELAY
from sealbell_relay.broker.address import Address
from sealbell_relay.fleet.membership import BEAT, BEAT_S, LEAVE
from sealbell_relay.fleet.peers import Peers
from sealbell_relay.intake.outgoing import Outgoing
from sealbell_relay.intake.reception import Reception
from sealbell_relay.log import Log
from sealbell_relay.state import State
from sealbell_wire import topics

MAX_OUTGOING_MESSAGES = 64
SENDERS = 16  # receipts on their way to the broker at once
KEEP_ALIVE_S = 20
ANSWER_S = 10.0  # for the broker to answer a connect, subscribe or publish
FIRST_RETRY_S = 0.1
LONGEST_RETRY_S = 5.0
LISTEN_S = 1.0  # to the other relays, before taking shards for the first time
HAND_OVER_S = 0.5  # for the other relays to take them, before leaving
SUBSCRIBE_REFUSED = 0x80
NOT_AUTHORIZED = "Not authorized"

# Both sides send small packets and wait for the other's: Nagle's algorithm would add 40 ms to each.
_NO_DELAY = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)


def _hand_over(reception: Reception, peers: Peers | None) -> type[asyncio.Queue[aiomqtt.Message]]:
    # aiomqtt reads from its socket faster than it gives messages out, and throws away what its queue has no room for: a
    # burst would be lost. So nothing is ever queued there, and the reception's bounds are the only ones.
    class HandOver(asyncio.Queue[aiomqtt.Message]):
        def put_nowait(self, item: aiomqtt.Message) -> None:
            topic, payload = item.topic.value, item.payload if isinstance(item.payload, bytes) else b""
            if peers is None or not peers.receive(topic, payload):
                reception.receive(topic, payload)

    return HandOver


class MqttSide:
    """Keeps one connection to one of the brokers alive until it is cancelled. `jitter` returns a number from 0 to 1.

    `peers` shares the doorbells with other relays; None takes them all.
    """

    def __init__(
        self,
        addresses: Sequence[Address],
        reception: Reception,
        outgoing: Outgoing,
        peers: Peers | None,
        credential: str,
        state: State,
        log: Log,
        jitter: Callable[[], float],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`credential` is the relay's password at the brokers; `tls` checks those whose addresses say they speak it."""
        self._addresses = addresses
        self._reception = reception
        self._outgoing = outgoing
        self._peers = peers
        self._credential = credential
        self._state = state
        self._log = log
        self._jitter = jitter
        self._tls = tls
        self._lost = 0
        self._leaving = False
        self._client: aiomqtt.Client | None = None
        self.subscribed = asyncio.Event()

    @property
    def _address(self) -> Address:
        return self._addresses[self._lost % len(self._addresses)]

    async def run(self) -> None:
        """Connect, serve, and connect again, to the next broker if there are several; returns only by cancellation."""
        retry_s = FIRST_RETRY_S
        while True:
            try:
                async with self._connection() as self._client:
                    await self._serve(self._client)
            except aiomqtt.MqttError as error:
                retry_s = FIRST_RETRY_S if self._state.broker_failure is None else retry_s
                self._say_away(error)
            self._client = None
            self._lost += 1
            await asyncio.sleep(retry_s * (0.5 + self._jitter()))
            retry_s = min(2 * retry_s, LONGEST_RETRY_S)

    async def leave(self) -> None:
        """Tell the other relays, and give them time to take over; to be called before `run` is cancelled."""
        self._leaving = True
        if self._peers is not None and self._client is not None:
            with contextlib.suppress(aiomqtt.MqttError):
                await self._client.publish(self._peers.beat, LEAVE, timeout=HAND_OVER_S)
            await asyncio.sleep(HAND_OVER_S)

    def _connection(self) -> aiomqtt.Client:
        tls = self._tls if self._address.tls else None
        return aiomqtt.Client(
            self._address.host,
            self._address.port,
            username=RELAY,
            password=self._credential,
            # Nobody can guess it: who connects under another's id cuts that one off.
            identifier=f"{RELAY}-{secrets.token_hex(16)}",
            queue_type=_hand_over(self._reception, self._peers),
            logger=logging.getLogger("mqtt"),
            will=aiomqtt.Will(self._peers.beat, LEAVE) if self._peers else None,
            timeout=ANSWER_S,
            keepalive=KEEP_ALIVE_S,
            max_queued_outgoing_messages=MAX_OUTGOING_MESSAGES,
            max_inflight_messages=SENDERS,
            socket_options=_NO_DELAY,
            tls_context=tls,
            tls_insecure=not tls.check_hostname if tls else None,  # of the very certificate that is pinned
        )

    async def _serve(self, client: aiomqtt.Client) -> None:
        client.pending_calls_threshold = SENDERS + 3
        work = [self._until_lost(client), *(self._send(client, self._outgoing) for _ in range(SENDERS))]
        if self._peers is None:
            await self._subscribe(client, {topics.up_filter()})
            self._say_connected()
        else:
            self._peers.connected()
            await self._subscribe(client, {topics.beat_filter()})
            work += [self._beat(client, self._peers), self._share(client, self._peers)]
            work.append(self._send(client, self._peers.news))
        tasks = [asyncio.create_task(each) for each in work]
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _beat(self, client: aiomqtt.Client, peers: Peers) -> None:
        while True:
            if not self._leaving:
                if peers.deaf():  # long before a broker that went silent would be missed otherwise
                    raise aiomqtt.MqttError("the broker gives nothing back")
                await client.publish(peers.beat, BEAT)
            await _set_or_late(peers.met, BEAT_S)

    async def _share(self, client: aiomqtt.Client, peers: Peers) -> None:
        if not self.subscribed.is_set():
            await asyncio.sleep(LISTEN_S)
        have = frozenset({topics.beat_filter()})
        while True:
            want = peers.filters()
            if want - have:
                await self._subscribe(client, want - have)
            self._say_connected()
            if have - want:  # only now, so that a wider filter is never missed by those that replace it
                await client.unsubscribe(sorted(have - want))
            have = want
            await _set_or_late(peers.changed, BEAT_S)

    async def _subscribe(self, client: aiomqtt.Client, filters: Collection[str]) -> None:
        asked = sorted(filters)
        granted = await client.subscribe([(each, 0) for each in asked])
        codes = [code if isinstance(code, int) else int(code.value) for code in granted]
        refused = [each for each, code in zip(asked, codes, strict=True) if code >= SUBSCRIBE_REFUSED]
        if refused:
            raise aiomqtt.MqttError(f"the broker does not let user {RELAY} subscribe to {refused[0]}: see its list")

    async def _until_lost(self, client: aiomqtt.Client) -> None:
        async for _ in client.messages:  # there are none, see _hand_over; it raises once the connection is lost
            pass

    async def _send(self, client: aiomqtt.Client, outgoing: Outgoing) -> None:
        while True:
            topic, payload = await outgoing.take()
            try:
                await client.publish(topic, payload, qos=0)
            except aiomqtt.MqttError as error:
                self._log.warn("not-sent", topic=topic, error=error, then="whoever waits for it asks again")
            finally:
                outgoing.done()

    def _say_connected(self) -> None:
        if self._state.broker_failure is not None:
            self._log.info("broker-connected", address=self._address.url)
            self._state.broker_failure = None
        self.subscribed.set()

    def _say_away(self, error: aiomqtt.MqttError) -> None:
        if str(error).endswith(NOT_AUTHORIZED):
            error = aiomqtt.MqttError(
                f"the broker does not let user {RELAY} in with this relay's broker.credential: copy that file from a "
                "relay that it lets in, or give the broker this one's"
            )
        if self._state.broker_failure is None or not self.subscribed.is_set():
            self._log.warn("broker-away", address=self._address.url, error=error)
        self._state.broker_failure = str(error)


async def _set_or_late(event: asyncio.Event, timeout_s: float) -> None:
    """Return once `event` is set, or it is late; it is not set any more then."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await event.wait()
    event.clear()
