"""A tenant tries everything against another by MQTT, on the broker that a relay starts and on Mosquitto.

Two doorbells of two owners are enrolled. The attacker holds the credential of one of them. Whatever it does, nothing of
it reaches the other doorbell or a relay, and nothing of theirs reaches it; and the relay that can see it says so.
"""

import asyncio
import os
import secrets
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from brokers import Mosquitto
from guarded import Client
from parts_factory import Doorbell, Owner
from relay_peers import health
from sealbell.seams import Connected
from sealbell.uplink.mqtt import MqttTransport
from sealbell_relay.broker.accounts import RELAY
from sealbell_relay.broker.address import Address
from sealbell_relay.broker.door import MqttDoor
from sealbell_relay.folder import Folder
from sealbell_relay.store.store import DirectoryStore
from sealbell_relay.tenants.endings import Endings
from sealbell_testing.program import Program, command_of
from sealbell_testing.relay import Relay, credential_of, serving
from sealbell_testing.waiting import DEADLINE_S, until
from sealbell_wire import topics

OWNER, VICTIM = Owner(1), Owner(2)
A, B = Doorbell(1, OWNER), Doorbell(2, VICTIM)
CLIP = B.clip_id()
BASE_A = topics.up_of(A.id).removesuffix("/up/#")
BASE_B = topics.up_of(B.id).removesuffix("/up/#")

NOT_TO_PUBLISH = [
    topics.part(B.id, CLIP, 0),
    topics.have(B.id, CLIP),
    topics.health(B.id),
    topics.receipt(B.id, CLIP),
    topics.receipt(A.id, CLIP),
    f"{BASE_B}/up",
    f"{BASE_B}/news",
    f"{BASE_A}/news",
    f"{BASE_A}",
    f"{BASE_A}/upwards",
    f"{BASE_A}//up/health",
    topics.health(B.id).replace("/", "."),
    "sb/1/relay/" + "ab" * 16 + "/beat",
    "sb/1",
    "$MQTT/msgs/" + topics.health(B.id),
    "$MQTT/sub/x",
    "$MQTT/JSA/x/SL/y",
    "$JS/API/STREAM/LIST",
    "$SYS/REQ/SERVER/PING",
    "$SYS/broker/uptime",
    "_INBOX/x",
]
NOT_TO_HEAR = [
    "#",
    "+/#",
    "+/+/+/+/+/#",
    "sb/#",
    "sb/1/#",
    "sb/1/+/+/dn/#",
    "sb/1/+/+/up/#",
    "sb/1/+/+/news",
    "sb/1/relay/#",
    "sb/1/relay/+/beat",
    f"{BASE_B}/#",
    f"{BASE_B}/dn/#",
    f"{BASE_B}/up/#",
    topics.receipt(B.id, CLIP),
    topics.health(B.id),
    f"{BASE_A}/up/#",
    "$share/group/sb/1/#",
    "$share/group/#",
    "$SYS/#",
    "$MQTT/#",
    "$MQTT/sub/#",
    "$JS/#",
    "_INBOX/#",
]


class Site(ABC):
    """A relay and its broker, where both doorbells are enrolled."""

    relay: Relay
    port: int

    @abstractmethod
    def __init__(self, folder: Path, stack: ExitStack) -> None:
        """Start it, until `stack` closes."""

    def enrol(self, *bells: Doorbell) -> None:
        self.relay.allow(*(bell.owner.card for bell in bells), *(bell.card for bell in bells))

    def client(self, bell: Doorbell, **options: object) -> Client:
        client = Client(self.port, bell.id, credential_of(bell.id), **options)  # type: ignore[arg-type]
        assert client.let_in
        return client

    def relays_own(self) -> Client:
        """Whoever hears everything that reaches relays."""
        client = Client(self.port, RELAY, Folder(self.relay.root).credential(os.urandom))
        assert client.subscribe("sb/1/#", qos=0)
        return client

    def lets_in(self, user: str | None, password: str | None) -> bool:
        with Client(self.port, user, password) as client:
            return client.let_in


class NatsSite(Site):
    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.relay = stack.enter_context(serving(folder / "relay"))
        self.port = self.relay.mqtt_port
        self.enrol(A, B)


class MosquittoSite(Site):
    def __init__(self, folder: Path, stack: ExitStack) -> None:
        mosquitto, root, pid = Mosquitto(folder, guarded=True), folder / "relay", folder / "pid"
        Folder(root).make(os.urandom(32))
        command = (*command_of("sealbell_relay.cli"), "accounts", str(root), "--mosquitto", str(folder))
        accounts = Program(*command, "--pid", str(pid), "--broker", mosquitto.url)
        stack.callback(accounts.stop)
        accounts.wait_for_said(lambda line: line.startswith("keeping"))
        mosquitto.start()
        stack.callback(mosquitto.kill)
        pid.write_text(f"{mosquitto.pid}\n")
        self.relay = stack.enter_context(serving(root, "--broker", mosquitto.url))
        self.port, self.log = mosquitto.port, mosquitto.log
        self.enrol(A, B)

    def enrol(self, *bells: Doorbell) -> None:
        super().enrol(*bells)
        door = MqttDoor(lambda: Address("127.0.0.1", self.port))
        for bell in bells:
            until(lambda bell=bell: door.admits(bell.id, credential_of(bell.id)), "it is let in")  # type: ignore[misc]


@pytest.fixture(scope="module", params=[NatsSite, MosquittoSite], ids=["nats-server", "mosquitto"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with ExitStack() as stack:
        yield request.param(tmp_path_factory.mktemp("site"), stack)


class Scene:
    """The attacker, the other doorbell and the relay, all connected."""

    def __init__(self, site: Site, stack: ExitStack) -> None:
        self.site = site
        self.stack = stack
        self.relay, self.b = stack.enter_context(site.relays_own()), stack.enter_context(site.client(B))
        assert self.b.subscribe(topics.down_filter(B.id))
        self.evil = b"evil" + secrets.token_bytes(8)

    def attacker(self, **options: object) -> Client:
        return self.stack.enter_context(self.site.client(A, **options))

    def check_nothing_arrived(self) -> None:
        """What was sent since is through, and nothing of the attacker's was before it."""
        mark = secrets.token_bytes(8)
        self.b.publish(topics.health(B.id), mark)
        self.relay.hears(topics.health(B.id), mark)
        self.relay.publish(topics.receipt(B.id, CLIP), mark)
        self.b.hears(topics.receipt(B.id, CLIP), mark)
        assert not [topic for topic, payload in self.relay.heard + self.b.heard if self.evil in payload]
        assert not self.b.cut
        assert not self.relay.cut


@pytest.fixture
def scene(site: Site) -> Iterator[Scene]:
    with ExitStack() as stack:
        yield Scene(site, stack)


def refusals(site: Site) -> int:
    report = asyncio.run(health(site.relay))["refused"]
    assert isinstance(report, dict)
    return int(report.get("not-permitted", 0))


def test_each_doorbell_reaches_the_relay_by_its_own_credential(scene: Scene) -> None:
    a = scene.attacker()
    a.publish(topics.health(A.id), b"honest")
    scene.relay.hears(topics.health(A.id), b"honest")
    assert a.subscribe(topics.down_filter(A.id))
    scene.relay.publish(topics.receipt(A.id, CLIP), b"receipt")
    a.hears(topics.receipt(A.id, CLIP), b"receipt")
    scene.check_nothing_arrived()


@pytest.mark.parametrize("topic", NOT_TO_PUBLISH)
def test_nothing_is_published_where_another_listens(scene: Scene, topic: str) -> None:
    for retain in (False, True):
        scene.attacker().publish(topic, scene.evil, retain=retain)
    scene.check_nothing_arrived()
    with scene.site.relays_own() as later:  # nor is it kept for whoever comes
        scene.relay.publish(topics.receipt(A.id, CLIP), b"mark")
        later.hears(topics.receipt(A.id, CLIP), b"mark")
        assert scene.evil not in [payload for _, payload in later.heard]


@pytest.mark.parametrize("topic", NOT_TO_PUBLISH)
def test_a_will_says_no_more_than_its_maker_may(scene: Scene, topic: str) -> None:
    try:
        dead, honest = scene.attacker(will=topic), scene.attacker(will=topics.health(A.id))
    except AssertionError:
        return  # not even let in with such a will
    dead.die()
    honest.die()
    scene.relay.hears(topics.health(A.id), b"will")
    scene.check_nothing_arrived()
    assert [topic for topic, payload in scene.relay.heard if payload == b"will"] == [topics.health(A.id)]


@pytest.mark.parametrize("topic_filter", NOT_TO_HEAR)
@pytest.mark.parametrize("qos", [0, 1])
def test_nothing_of_others_is_heard(scene: Scene, topic_filter: str, qos: int) -> None:
    a = scene.attacker()
    a.subscribe(topic_filter, qos)  # Mosquitto grants it, and delivers nothing
    if a.cut:
        a = scene.attacker()
    assert a.subscribe(topics.down_filter(A.id), qos)
    scene.relay.publish(topics.receipt(B.id, CLIP), b"of B")
    scene.relay.publish(f"{BASE_B}/news", b"of B")
    scene.relay.publish("sb/1/relay/" + "cd" * 16 + "/beat", b"of relays")
    scene.b.publish(topics.health(B.id), b"of B")
    scene.check_nothing_arrived()
    scene.relay.publish(topics.receipt(A.id, CLIP), b"mark")
    a.hears(topics.receipt(A.id, CLIP), b"mark")
    assert {topic for topic, _ in a.heard} == {topics.receipt(A.id, CLIP)}


def test_guessed_client_id_cuts_nobody_off_and_inherits_nothing(scene: Scene) -> None:
    wake, waker = os.pipe()
    url = f"mqtt://127.0.0.1:{scene.site.port}"
    bell = MqttTransport(url, B.id, credential_of(B.id), topics.down_filter(B.id), lambda: 0, lambda: 0.0)
    until(lambda: any(isinstance(one, Connected) for one in bell.wait(0.1, wake)), "the doorbell is connected")
    for guess in (B.id, f"sealbell-{B.id}", f"{B.id}-", RELAY, f"{RELAY}-"):
        thief = scene.attacker(client_id=guess, clean=False)
        assert thief.subscribe(topics.down_filter(A.id))
        scene.check_nothing_arrived()
        assert thief.heard == []
    assert bell.wait(0, wake) == [] or not any("Lost" in type(one).__name__ for one in bell.wait(0, wake))
    assert bell.publish(topics.health(B.id), b"goes on")
    until(lambda: bell.wait(0.05, wake) is not None and _heard(scene, b"goes on"), "the doorbell is still heard")
    bell.close()
    os.close(wake)
    os.close(waker)


def _heard(scene: Scene, payload: bytes) -> bool:
    scene.check_nothing_arrived()
    return (topics.health(B.id), payload) in scene.relay.heard


@pytest.mark.parametrize(
    ("user", "password"),
    [
        (None, None),
        ("", ""),
        (A.id, None),
        (A.id, ""),
        (A.id, credential_of(B.id)),
        (B.id, credential_of(A.id)),
        (B.id, credential_of(B.id)[:-1]),
        (B.id, credential_of(B.id) + "0"),
        (B.id, credential_of(B.id).upper()),
        (B.id.upper(), credential_of(B.id)),
        (f"{B.id}\n", credential_of(B.id)),
        ("#", credential_of(A.id)),
        (RELAY, credential_of(A.id)),
        (RELAY, ""),
        ("sealbell-list", ""),
        ("admin", "admin"),
    ],
)
def test_nobody_is_let_in_as_another(site: Site, user: str | None, password: str | None) -> None:
    assert not site.lets_in(user, password)


def test_hash_in_the_store_lets_nobody_in(site: Site) -> None:
    data = (site.relay.root / "store" / "credentials" / B.id).read_text()
    for word in data.split('"'):
        assert not site.lets_in(B.id, word)


def test_revoked_doorbell_is_cut_off_and_let_in_no_more(scene: Scene) -> None:
    gone = Doorbell(secrets.randbelow(1 << 30) + 10, OWNER)
    scene.site.enrol(gone)
    client = scene.site.client(gone)
    assert client.subscribe(topics.down_filter(gone.id))
    Endings(DirectoryStore(scene.site.relay.root / "store")).end("doorbell", gone.id, b"its owner's word")
    client.is_cut()
    assert not scene.site.lets_in(gone.id, credential_of(gone.id))
    scene.check_nothing_arrived()
    client.leave()


def test_connections_that_say_nothing_are_closed_and_keep_nobody_out(scene: Scene) -> None:
    if not isinstance(scene.site, NatsSite):
        pytest.skip("its own operator sets that")
    silent = [socket.create_connection(("127.0.0.1", scene.site.port), DEADLINE_S) for _ in range(200)]
    scene.attacker().publish(topics.health(A.id), b"still let in")
    scene.relay.hears(topics.health(A.id), b"still let in")
    for one in silent:
        assert one.recv(1) == b"", "the broker ends what has not said who it is"
        one.close()
    scene.check_nothing_arrived()


def attempts(a: Client, evil: bytes) -> list[Callable[[], object]]:
    return [
        lambda: a.publish(topics.health(B.id), evil),
        lambda: a.publish("sb/1/\x1b[2J\n" + B.id, evil),
        lambda: a.subscribe(topics.down_filter(B.id)),
    ]


def test_relay_notices_what_its_broker_refuses_and_logs_nothing_raw(scene: Scene) -> None:
    if not isinstance(scene.site, NatsSite):
        pytest.skip("of another's broker that broker's log tells, and a doorbell notices: see below and test_uplink.py")
    for attempt in attempts(scene.attacker(), scene.evil)[:1] + attempts(scene.attacker(), scene.evil)[2:]:
        before = refusals(scene.site)
        attempt()
        until(lambda before=before: refusals(scene.site) > before, "the refusal is counted")  # type: ignore[misc]
    attempts(scene.attacker(), scene.evil)[1]()
    assert any("warn not-permitted" in line and B.id in line for line in scene.site.relay.lines)
    assert all(line.isprintable() for line in scene.site.relay.lines)
    assert scene.evil.hex() not in "".join(scene.site.relay.lines)


def test_mosquittos_own_log_tells_of_a_refused_publish_as_the_page_says(scene: Scene) -> None:
    if not isinstance(scene.site, MosquittoSite):
        pytest.skip("the broker that a relay starts tells the relay: see above")
    site, topic = scene.site, topics.receipt(B.id, secrets.token_hex(16))
    scene.attacker(client_id="attacker").publish(topic, scene.evil)
    until(lambda: any("Denied PUBLISH from attacker" in line and topic in line for line in lines(site)), "it is logged")


def lines(site: MosquittoSite) -> list[str]:
    return site.log.read_text("utf-8", "replace").splitlines()
