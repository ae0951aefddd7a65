"""Fuzz targets for what reaches a relay: MQTT topics and messages, HTTP tokens and queries, stored objects, cards."""

import io
from collections.abc import Callable
from contextlib import suppress

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from parts_factory import Doorbell, topic_of
from sealbell_relay.broker.address import parse_address
from sealbell_relay.errors import RelayError, RequestError
from sealbell_relay.http import requests
from sealbell_relay.intake.healths import HealthIntake, HealthShelf
from sealbell_relay.intake.intake import Intake
from sealbell_relay.log import Log
from sealbell_relay.store.archive import Archive
from sealbell_relay.store.stored import parse_head
from sealbell_relay.tenants.allow import Register
from sealbell_wire.errors import WireError
from sealbell_wire.limits import MAX_PART_BYTES
from sealbell_wire.receipt import read_receipts
from sealbell_wire.sshsig import verify_key_of
from sealbell_wire.topics import health, parse_up
from store_doubles import MemoryStore

BELL = Doorbell(1)
CLIP = BELL.clip(3, size=300)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
TOPIC = topic_of(CLIP[1])


def fuzz_ingest(data: bytes) -> None:
    """Whatever comes is stored unchanged or refused, and the receipt says which; what is stored was signed."""
    store = MemoryStore()
    register = Register(store)
    register.allow(BELL.card)
    intake = Intake(Archive(store, lambda _: None), register, KEY, lambda: 1)
    intake.take(parse_up(topic_of(CLIP[0])), CLIP[0].encode())
    before = dict(store.objects)
    outcome = intake.take(parse_up(TOPIC), data)
    assert outcome.receipt is not None
    (receipt,) = read_receipts(outcome.receipt, verify_key_of(KEY))
    added = [stored for name, stored in store.objects.items() if name not in before]
    if receipt.verdict == "refused":
        assert not added
    else:
        assert added == [data + outcome.receipt]
        assert data in (CLIP[1].encode(), BELL.dropped(CLIP[1]).encode())
    assert before.items() <= store.objects.items()
    assert len(data) <= MAX_PART_BYTES or receipt.reason == "too-large"


def fuzz_health(data: bytes) -> None:
    """Whatever comes, nothing is kept but what the doorbell signed, unchanged, and nothing older than what is kept."""
    store = MemoryStore()
    register = Register(store)
    register.allow(BELL.card)
    shelf = HealthShelf(store)
    intake = HealthIntake(shelf, register, lambda: 1)
    topic = parse_up(health(BELL.id))
    intake.take(topic, BELL.health(2, 300).encode())
    outcome = intake.take(topic, data)
    kept = shelf.newest(BELL.id)
    assert kept is not None
    assert kept.message in {BELL.health(number, 300).encode() for number in (2, 3)}
    assert (outcome is True) == (kept.message == data == BELL.health(3, 300).encode())


def fuzz_relay_topic(data: bytes) -> None:
    with suppress(WireError):
        parse_up(data.decode("utf-8", "surrogateescape"))


def fuzz_stored_head(data: bytes) -> None:
    with suppress(WireError):
        head = parse_head(data)
        assert head.message_bytes >= len(head.signed)


def fuzz_token(data: bytes) -> None:
    with suppress(RequestError):
        assert len(requests.parse_token(data.decode("utf-8", "surrogateescape"))) == 32


def fuzz_query(data: bytes) -> None:
    query = data.decode("utf-8", "surrogateescape")
    with suppress(RequestError):
        assert 1 <= requests.parse_page(query).limit <= requests.MAX_PAGE_CLIPS
    with suppress(RequestError):
        requests.parse_parts(query)
    with suppress(RequestError):
        requests.parse_follow(query)
    with suppress(RequestError):
        requests.parse_name(query)


def fuzz_broker_address(data: bytes) -> None:
    with suppress(RelayError):
        text = data.decode("utf-8", "surrogateescape")
        assert parse_address(text).url == text


def fuzz_log_line(data: bytes) -> None:
    stream = io.StringIO()
    Log(stream, lambda: 0.0).warn("refused", detail=data.decode("utf-8", "surrogateescape"), raw=data)
    (line,) = stream.getvalue().splitlines()
    assert line.isascii()
    assert line.isprintable()


TARGETS: dict[str, Callable[[bytes], None]] = {
    "relay_ingest": fuzz_ingest,
    "relay_topic": fuzz_relay_topic,
    "relay_stored_head": fuzz_stored_head,
    "relay_token": fuzz_token,
    "relay_query": fuzz_query,
    "relay_broker_address": fuzz_broker_address,
    "relay_log_line": fuzz_log_line,
    "relay_health": fuzz_health,
}
SEEDS: dict[str, list[bytes]] = {
    "relay_ingest": [CLIP[1].encode(), BELL.dropped(CLIP[1]).encode(), CLIP[0].encode(), CLIP[2].encode()],
    "relay_topic": [TOPIC.encode(), health(BELL.id).encode()],
    "relay_health": [BELL.health(number, 300).encode() for number in (1, 2, 3)],
    "relay_stored_head": [CLIP[1].encode() + bytes(100)],
    "relay_token": [b"Bearer " + b"0f" * 32],
    "relay_query": [b"limit=20&before=" + b"0f" * 16, b"from=3&follow=1", b"after=" + b"0f" * 16],
    "relay_broker_address": [b"mqtt://127.0.0.1:1883", b"mqtt://[::1]:1883"],
}
