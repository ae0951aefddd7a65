"""MQTT 3.1.1, QoS 0, through paho: its only importer.

One thread owns the client and drives it by hand (paho's own thread dies silently on an exception in a callback,
eclipse-paho #894, and publishing from callbacks can deadlock, #354). Callbacks only note what came. A connection that
breaks is thrown away with all that paho remembers: the outbox remembers better. Sizes are checked before publishing,
since a message larger than the broker takes ends the connection, again and again. A PUBACK would say nothing that
counts, so none is asked for (decision 25).
"""

import logging
import secrets
import select
import socket
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from sealbell.seams import Arrival, Connected, Lost, Message
from sealbell.uplink.tls import Trust, why_not
from sealbell_wire.limits import MAX_PART_BYTES

KEEPALIVE_S = 20
CONNECT_TIMEOUT_S = 5.0
CONFIRM_TIMEOUT_US = 10_000_000
MAX_MESSAGE_BYTES = 2_000_000
MIN_BACKOFF_US, MAX_BACKOFF_US = 250_000, 30_000_000
CLIENT_ID_BYTES = 16
DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883}
_log = logging.getLogger(__name__)


class MqttTransport:
    """A Transport over one broker: connects by itself, with growing pauses, and says when it is connected or lost."""

    def __init__(
        self,
        url: str,
        user: str,
        password: str,
        subscribe: str,
        now_us: Callable[[], int],
        jitter: Callable[[], float],
        trust: Trust | None = None,
    ) -> None:
        """`url` is mqtt://HOST:PORT or mqtts://HOST:PORT, the latter with `trust`, else ValueError.

        The broker is shown `user` and `password`; `subscribe` is the one filter; `jitter` returns a number from 0 to 1.
        """
        parts = urlsplit(url)
        if parts.scheme not in DEFAULT_PORTS or (parts.scheme == "mqtts" and trust is None):
            raise ValueError(f"{parts.scheme} is not mqtt, nor mqtts with somebody to trust")
        self._host, self._port = parts.hostname or "localhost", parts.port or DEFAULT_PORTS[parts.scheme]
        self._trust = trust if parts.scheme == "mqtts" else None
        self._user, self._password = user, password
        self._filter = subscribe
        self._now_us = now_us
        self._jitter = jitter
        self._client: paho.Client | None = None
        self._confirmed = False
        self._confirm_by_us = 0
        self._retry_at_us = 0
        self._failures = 0
        self._arrivals: list[Arrival] = []
        self._refusal: str | None = None
        self.why = "connecting"  # in words joined by hyphens, why there is no connection

    def wait(self, timeout_s: float, wake_fd: int) -> list[Arrival]:
        """Drive the connection until something arrives, `wake_fd` is readable or the time is over."""
        if self._client is None and self._now_us() >= self._retry_at_us:
            self._connect()
        client = self._client
        sock = client.socket() if client else None
        writes = [sock] if client and sock and client.want_write() else []
        reads: list[Any] = [wake_fd, *([sock] if sock else [])]
        # TLS hands over whole records: what is left of one is read already, and the kernel knows nothing of it.
        left = isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
        readable, writable, _ = select.select(reads, writes, [], 0 if self._arrivals or left else timeout_s)
        if client:
            self._step(client, readable=left or sock in readable, writable=sock in writable)
        arrivals, self._arrivals = self._arrivals, []
        return arrivals

    def publish(self, topic: str, payload: bytes) -> bool:
        """Hand one message over; False if there is no connection."""
        if len(payload) > MAX_PART_BYTES:
            raise ValueError(f"a message of {len(payload)} bytes is more than {MAX_PART_BYTES}")
        if not (self._client and self._confirmed):
            return False
        return self._client.publish(topic, payload, qos=0).rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def close(self) -> None:
        """Leave."""
        if self._client:
            self._client.disconnect()
            self._client = None

    def _connect(self) -> None:
        # A new id each time: who knew it could connect by it too, and the broker would cut this connection off.
        client_id = f"{self._user}-{secrets.token_hex(CLIENT_ID_BYTES)}"
        client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id, clean_session=True, protocol=paho.MQTTv311,
            reconnect_on_failure=False,
        )  # fmt: skip
        client.username_pw_set(self._user, self._password)
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        try:
            if self._trust is not None:
                client.tls_set_context(self._trust.context())
            client.connect(self._host, self._port, KEEPALIVE_S)
            # Or the end of a notice waits for the broker's acknowledgement of its beginning: up to 40 ms (RFC 896).
            sock: Any = client.socket()
            if sock is not None:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except (OSError, ValueError) as error:
            self._fail(f"cannot reach the relay at {self._host}:{self._port}: {error}", _why_not(error))
            return
        self._client, self._confirmed, self._refusal = client, False, None
        self._confirm_by_us = self._now_us() + CONFIRM_TIMEOUT_US

    def _step(self, client: paho.Client, *, readable: bool, writable: bool) -> None:
        codes = [MQTTErrorCode.MQTT_ERR_SUCCESS]
        try:
            if readable:
                codes.append(client.loop_read())
            if writable or client.want_write():
                codes.append(client.loop_write())
            codes.append(client.loop_misc())
        except Exception as error:  # whatever paho makes of packets that no broker should send
            _log.warning("the broker sent what cannot be read (%s)", type(error).__name__)
            codes.append(MQTTErrorCode.MQTT_ERR_PROTOCOL)
        late = not self._confirmed and self._now_us() > self._confirm_by_us
        if late or client.socket() is None or any(code != MQTTErrorCode.MQTT_ERR_SUCCESS for code in codes):
            self._drop(client)

    def _drop(self, client: paho.Client) -> None:
        client.on_message = client.on_connect = client.on_subscribe = None
        sock: Any = client.socket()
        if sock is not None:
            sock.close()
        self._client = None
        if self._confirmed:
            self._arrivals.append(Lost())
        why = self._refusal or ("connection-lost" if self._confirmed else "no-answer")
        self._confirmed = False
        self._fail("the connection to the relay is gone", why)

    def _fail(self, what: str, why: str) -> None:
        self.why = why
        pause_us = min(MIN_BACKOFF_US << min(self._failures, 10), MAX_BACKOFF_US)
        self._failures += 1
        self._retry_at_us = self._now_us() + int(pause_us * (0.5 + self._jitter() / 2))
        _log.warning("%s; trying again within %.1f s", what.lower(), pause_us / 1e6)

    def _on_connect(self, client: paho.Client, _data: object, _flags: object, reason: ReasonCode, _: object) -> None:
        if reason.is_failure:
            _log.error("the broker does not let this doorbell in: it is not enrolled there, or was revoked")
            self._refusal = "not-allowed"
        else:
            client.subscribe(self._filter, qos=0)

    def _on_subscribe(self, _client: paho.Client, _data: object, _mid: int, codes: list[ReasonCode], _: object) -> None:
        if any(code.is_failure for code in codes):
            _log.error("the broker refused the subscription: this doorbell may not listen for receipts there")
            self.why = self._refusal = "not-allowed"
            return
        self._confirmed = True
        self._failures = 0
        self._arrivals.append(Connected())

    def _on_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        if len(message.payload) <= MAX_MESSAGE_BYTES:
            self._arrivals.append(Message(message.topic, bytes(message.payload)))


def _why_not(error: Exception) -> str:
    match error:
        case ssl.SSLError():
            return why_not(error)
        case socket.gaierror():
            return "name-unknown"
        case ConnectionRefusedError():
            return "refused"
        case TimeoutError():
            return "timeout"
        case _:
            return "unreachable"
