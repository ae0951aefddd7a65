"""Whatever is thrown at a relay, its log holds no token, no credential, and not a byte that a terminal would obey."""

import asyncio
import contextlib
import json
import secrets
import socket
from pathlib import Path

import aiohttp
import aiomqtt
import pytest

from http_front import request
from parts_factory import Doorbell, Owner, topic_of
from relay_peers import doorbell_line, owner_session
from sealbell_testing.relay import Relay, credential_of, serving
from sealbell_testing.waiting import DEADLINE_S

OWNER = Owner(1)
BELL = Doorbell(1, OWNER)
CLIP = BELL.clip(4)
ANSI = "\x1b[2J\x1b]0;owned\x07\r\nerror fake-line key=value\x7f\u202e\u2028"
MARK = "hunter2"


def raw(relay: Relay, data: bytes) -> None:
    host, port = relay.card.http.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), DEADLINE_S) as attacker, contextlib.suppress(OSError):
        attacker.sendall(data)
        while attacker.recv(65_536):
            pass


async def over_http(relay: Relay, secret: str) -> None:
    odd = ANSI.encode("utf-8")
    for token in (OWNER.token.hex(), secret, "nonsense " + MARK):
        for path in ("/v1/doorbells", f"/v1/{secret}", f"/v1/doorbells?limit={secret}", f"/v1/notices?after={secret}"):
            await asyncio.to_thread(raw, relay, request(path, Authorization=f"Bearer {token}"))
    for data in (
        b"GET /" + odd + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + odd + b": " + secret.encode() + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: " + odd + b"\r\nConnection: close\r\n\r\n",
        request("/v1/doorbells", Authorization="Basic " + secret, Cookie=secret, X_Forwarded_For=secret),
        odd,
        secret.encode() + b"\r\n\r\n",
    ):
        await asyncio.to_thread(raw, relay, data)
    bodies = (
        b"{" + secret.encode(),
        json.dumps({"invite": secret, "card": {"token": secret}, "signature": secret + ANSI}).encode(),
        json.dumps({"token_hash": secret + ANSI}).encode(),
        json.dumps({"v": 1, "what": "introduction", "credential": secret, "card": ANSI}).encode(),
    )
    async with owner_session(relay, OWNER.authorization | {"Content-Type": "application/json"}) as session:
        for path in ("/v1/owners", "/v1/doorbells", "/v1/phones", f"/v1/doorbells/{BELL.id}"):
            for body in bodies:
                with contextlib.suppress(aiohttp.ClientError):
                    await session.post(path, data=body)


async def over_mqtt(relay: Relay, secret: str) -> None:
    address = relay.card.mqtt.removeprefix("mqtt://").split(":")
    for who in ({"username": BELL.id, "password": secret}, {"username": MARK + ANSI[:4], "password": secret}):
        with contextlib.suppress(aiomqtt.MqttError):
            async with aiomqtt.Client(address[0], int(address[1]), timeout=2, **who):
                pass
    async with doorbell_line(relay, BELL) as line:
        await line.deliver(CLIP[0])
        for payload in (ANSI.encode(), secret.encode(), CLIP[1].encode()[:-9] + ANSI.encode()):
            await line.publish(topic_of(CLIP[1]), payload)
        await line.publish(topic_of(CLIP[1]).rpartition("/")[0] + "/" + MARK, b"")
        await line.publish(topic_of(CLIP[1]).rpartition("/")[0] + "/\x1b[31m\u202e", b"")
        await line.deliver(CLIP[1])


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_log_holds_no_secret_and_nothing_that_a_terminal_obeys(tmp_path: Path, form: str) -> None:
    secret = secrets.token_hex(32)

    async def scenario(relay: Relay) -> None:
        await over_http(relay, secret)
        await over_mqtt(relay, secret)

    with serving(tmp_path / "relay") as relay:
        relay.allow(OWNER.card, BELL.card)
    with serving(tmp_path / "relay", "--log", form) as relay:
        asyncio.run(scenario(relay))
    assert any("turned-away" in line for line in relay.lines)
    assert any("refused" in line for line in relay.lines)
    whole = "\n".join(relay.lines)
    for never in (secret, OWNER.token.hex(), credential_of(BELL.id), "Bearer", "fake-line key"):
        assert never not in whole
    for line in relay.lines:
        assert line.isascii()
        assert line.isprintable()
        if form == "json":
            entry = json.loads(line)
            assert set(entry) == {"time", "level", "what", "fields"}
            assert entry["time"].endswith("Z")
        else:
            assert line.split(" ")[0] in ("info", "warn", "error")
