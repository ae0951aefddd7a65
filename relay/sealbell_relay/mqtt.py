"""The relay as an MQTT client: subscribes to all doorbells, feeds the reception, publishes receipts, reconnects.

A PUBACK is the broker's word and says nothing of a disk, so messages are acknowledged to the broker as they come and
everything rests on the relay's own receipts.
"""

import asyncio
import logging
import socket
from collections.abc import Callable

import aiomqtt

from sealbell_relay.address import Address
from sealbell_relay.log import Log
from sealbell_relay.outgoing import Outgoing
from sealbell_relay.reception import Reception
from sealbell_relay.state import State
from sealbell_wire import topics

MAX_OUTGOING_MESSAGES = 64
SENDERS = 16  # receipts on their way to the broker at once
KEEP_ALIVE_S = 20
ANSWER_S = 10.0  # for the broker to answer a connect, subscribe or publish
FIRST_RETRY_S = 0.1
LONGEST_RETRY_S = 5.0
SUBSCRIBE_REFUSED = 0x80

# Both sides send small packets and wait for the other's: Nagle's algorithm would add 40 ms to each.
_NO_DELAY = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)


def _hand_over(reception: Reception) -> type[asyncio.Queue[aiomqtt.Message]]:
    # aiomqtt reads from its socket faster than it gives messages out, and throws away what its queue has no room for: a
    # burst would be lost. So nothing is ever queued there, and the reception's bounds are the only ones.
    class HandOver(asyncio.Queue[aiomqtt.Message]):
        def put_nowait(self, item: aiomqtt.Message) -> None:
            reception.receive(item.topic.value, item.payload if isinstance(item.payload, bytes) else b"")

    return HandOver


class MqttSide:
    """Keeps one connection to the broker alive until it is cancelled. `jitter` returns a number from 0 to 1."""

    def __init__(
        self,
        address: Address,
        reception: Reception,
        outgoing: Outgoing,
        state: State,
        log: Log,
        jitter: Callable[[], float],
    ) -> None:
        self._address = address
        self._reception = reception
        self._outgoing = outgoing
        self._state = state
        self._log = log
        self._jitter = jitter
        self.subscribed = asyncio.Event()

    async def run(self) -> None:
        """Connect, serve, and connect again; returns only by cancellation."""
        retry_s = FIRST_RETRY_S
        while True:
            try:
                async with self._client() as client:
                    await self._subscribe(client)
                    retry_s = FIRST_RETRY_S
                    await self._serve(client)
            except aiomqtt.MqttError as error:
                self._say_away(error)
            await asyncio.sleep(retry_s * (0.5 + self._jitter()))
            retry_s = min(2 * retry_s, LONGEST_RETRY_S)

    def _client(self) -> aiomqtt.Client:
        return aiomqtt.Client(
            self._address.host,
            self._address.port,
            queue_type=_hand_over(self._reception),
            logger=logging.getLogger("mqtt"),
            timeout=ANSWER_S,
            keepalive=KEEP_ALIVE_S,
            max_queued_outgoing_messages=MAX_OUTGOING_MESSAGES,
            max_inflight_messages=SENDERS,
            socket_options=_NO_DELAY,
        )

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        client.pending_calls_threshold = SENDERS
        granted = await client.subscribe(topics.up_filter(), qos=1)
        if any((code if isinstance(code, int) else code.value) >= SUBSCRIBE_REFUSED for code in granted):
            raise aiomqtt.MqttError(f"the broker does not let the relay subscribe to {topics.up_filter()}")
        if self._state.broker_failure is not None:
            self._log.info("broker-connected", address=self._address.url)
            self._state.broker_failure = None
        self.subscribed.set()

    async def _serve(self, client: aiomqtt.Client) -> None:
        tasks = [asyncio.create_task(self._send(client)) for _ in range(SENDERS)]
        tasks.append(asyncio.create_task(self._until_lost(client)))
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _until_lost(self, client: aiomqtt.Client) -> None:
        async for _ in client.messages:  # there are none, see _hand_over; it raises once the connection is lost
            pass

    async def _send(self, client: aiomqtt.Client) -> None:
        while True:
            topic, payload = await self._outgoing.take()
            try:
                await client.publish(topic, payload, qos=1)
            except aiomqtt.MqttError as error:
                self._log.warn("receipt-not-sent", topic=topic, error=error, then="the doorbell asks again")

    def _say_away(self, error: aiomqtt.MqttError) -> None:
        if self._state.broker_failure is None or not self.subscribed.is_set():
            self._log.warn("broker-away", address=self._address.url, error=error)
        self._state.broker_failure = str(error)
