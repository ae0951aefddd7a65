"""Clients of a broker that lets in whom a list says: they keep what they hear and how the broker answered."""

import queue
import secrets
from contextlib import suppress
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from sealbell_relay.broker.accounts import Account, doorbell_account
from sealbell_relay.broker.credentials import hashes
from sealbell_testing.waiting import DEADLINE_S


def account_of(doorbell: str, secret: str) -> Account:
    """A doorbell's account, as a relay makes it of the credential."""
    return doorbell_account(doorbell, *hashes(secret.encode()))


class Client:
    """One MQTT connection, made and refused like anybody's; `heard` are topics and payloads in order."""

    def __init__(
        self,
        port: int,
        user: str | None,
        password: str | None = None,
        *,
        client_id: str = "",
        will: str | None = None,
        clean: bool = True,
    ) -> None:
        self._said: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.heard: list[tuple[str, bytes]] = []
        self.cut = False
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id or secrets.token_hex(8),
            clean_session=clean,
            protocol=paho.MQTTv311,
            reconnect_on_failure=False,
        )
        if user is not None:
            self._client.username_pw_set(user, password)
        if will is not None:
            self._client.will_set(will, b"will", qos=1)
        self._client.on_connect = lambda _c, _d, _f, reason, _p: self._said.put(("connect", not reason.is_failure))
        self._client.on_subscribe = lambda _c, _d, _m, codes, _p: self._said.put(
            ("subscribe", not any(code.is_failure for code in codes))
        )
        self._client.on_publish = lambda *_: self._said.put(("publish", True))
        self._client.on_message = lambda _c, _d, message: self._said.put(
            ("message", (message.topic, bytes(message.payload)))
        )
        self._client.on_disconnect = lambda *_: self._said.put(("cut", None))
        self._client.connect("127.0.0.1", port, keepalive=20)
        self._client.loop_start()
        self.let_in = bool(self._next("connect"))

    def subscribe(self, topic_filter: str, qos: int = 1) -> bool:
        """Whether the broker granted it."""
        self._client.subscribe(topic_filter, qos)
        return bool(self._next("subscribe"))

    def publish(self, topic: str, payload: bytes = b"x", *, retain: bool = False) -> None:
        """Publish, and wait for the broker's word or its cutting the connection."""
        self._client.publish(topic, payload, qos=1, retain=retain)
        self._next("publish")

    def hears(self, topic: str, payload: bytes) -> None:
        """Wait until this was heard."""
        while (topic, payload) not in self.heard:
            assert self._next("message"), f"{self.heard} and then cut off"

    def is_cut(self) -> None:
        """Wait until the broker ends the connection."""
        self._next("cut")

    def leave(self) -> None:
        with suppress(OSError):
            self._client.disconnect()
        self._client.loop_stop()

    def die(self) -> None:
        """Lose the connection without a word, so that the will is published."""
        sock: Any = self._client.socket()
        self._client.loop_stop()
        sock.close()

    def _next(self, wanted: str) -> Any:
        while True:
            kind, value = self._said.get(timeout=DEADLINE_S)
            if kind == "message":
                self.heard.append(value)
            if kind == "cut":
                self.cut = True
            if kind == wanted:
                return value or True if kind == "message" else value
            if kind == "cut":
                return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()
