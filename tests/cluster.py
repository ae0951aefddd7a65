"""Three nats-servers, three relays, SeaweedFS with three volume servers and many doorbells, each on a machine.

The configuration is that of docs/operate.md, "Many machines". Addresses are chosen so that getaddrinfo, which puts the
nearest address first (RFC 6724, rule 9), spreads the doorbells over the brokers as a DNS server that rotates would.
"""

import http.client
import json
import os
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from network import Machine, Network
from parts_factory import Doorbell
from sealbell_relay.broker.credentials import Credentials
from sealbell_relay.errors import StoreError
from sealbell_relay.folder import Folder
from sealbell_relay.store.buckets import S3Store
from sealbell_relay.store.store import Store
from sealbell_relay.tenants.allow import Register
from sealbell_testing.program import command_of
from sealbell_testing.waiting import until
from sealbell_wire.sshsig import verify_key_of

BROKERS = (16, 32, 64)
STREETS = (17, 33, 65, 18)  # four streets of doorbells, each nearest to a broker
RELAYS = (101, 102, 103)
VOLUMES = (201, 202, 203)
STORE = 200
BUCKET = "sealbell"
MQTT_PORT, HTTP_PORT, S3_PORT, FILER_PORT, MASTER_PORT, VOLUME_PORT = 1883, 8080, 8333, 8888, 9333, 8081
RELAY = command_of("sealbell_relay.cli")
READY_S = 60.0
ANSWER_S = 2.0
AWS = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "not-a-secret", "AWS_REGION": "us-east-1"}

NATS = """\
server_name: {name}
listen: 127.0.0.1:4222
pid_file: nats.pid
max_payload: 2MB
jetstream {{ store_dir: {store}, max_file_store: 1GB }}
cluster {{ name: sealbell, listen: "0.0.0.0:6222", routes: [{routes}] }}
mqtt {{ listen: "{address}:1883", max_ack_pending: 32 }}
include accounts.conf
"""


@dataclass(frozen=True)
class Fault:
    """Something that can happen to a machine: a program killed, or the cable pulled if `program` is None."""

    machine: Machine
    program: str | None

    def __str__(self) -> str:
        return f"{'cut' if self.program is None else 'kill'} {self.machine.name}"

    def happen(self) -> None:
        """Let it happen."""
        if self.program is None:
            self.machine.cut()
        else:
            self.machine.kill(self.program)

    def repair(self) -> None:
        """Put it right again."""
        if self.program is None:
            self.machine.heal()
        else:
            self.machine.start_again(self.program)


class Cluster:
    """All machines, started. `store` and `relays` are reached from the test's own address."""

    def __init__(self, folder: Path, doorbells: Sequence[Doorbell]) -> None:
        self._folder = folder
        self.doorbells = doorbells
        self.network = Network(folder)
        machine = self.network.machine
        self.brokers = [machine(f"broker{n}", number) for n, number in enumerate(BROKERS, 1)]
        self.volumes = [machine(f"volume{n}", number) for n, number in enumerate(VOLUMES, 1)]
        self.bucket = machine("bucket", STORE)
        self.relays = [machine(f"relay{n}", number) for n, number in enumerate(RELAYS, 1)]
        self.streets = [machine(f"street{n}", number) for n, number in enumerate(STREETS, 1)]
        self.network.name({"brokers": [broker.address for broker in self.brokers]})
        self._credentials = {bell.id: secrets.token_hex(32) for bell in doorbells}
        os.environ.update(AWS, AWS_ENDPOINT_URL=f"http://{self.bucket.address}:{S3_PORT}")

    @property
    def urls(self) -> list[str]:
        """Where the relays speak HTTP."""
        return [f"http://{relay.address}:{HTTP_PORT}" for relay in self.relays]

    @property
    def faults(self) -> list[Fault]:
        """All that can happen, kills and cuts of each kind as often as there are machines of it."""
        programs = [(self.brokers, "nats"), (self.relays, "relay"), (self.volumes, "volume"), (self.streets, "uplinks")]
        found = [Fault(machine, what) for machines, name in programs for machine in machines for what in (name, None)]
        return [*found, Fault(self.bucket, "filer")]

    def start(self) -> None:
        """Start everything, in the order in which an operator would."""
        self._start_seaweed()
        self.store: Store = S3Store(BUCKET)
        until(self._takes_objects, "the bucket takes objects", READY_S)
        self._enrol()
        for broker in self.brokers:
            self._start_broker(broker)
        for relay in self.relays:
            self._start_relay(relay)
        for relay in self.relays:
            until(lambda relay=relay: answers(relay.address, HTTP_PORT, "/healthz"), relay.name, READY_S)
        for n, street in enumerate(self.streets):
            self._start_street(street, self.doorbells[n :: len(self.streets)])

    def outbox(self, bell: Doorbell) -> Path:
        """Where a doorbell's parts wait."""
        return self._folder / "doorbells" / bell.id / "outbox"

    def _start_seaweed(self) -> None:
        weed = str(Path(sys.executable).with_name("weed"))
        identity = {
            "name": "relays",
            "credentials": [{"accessKey": AWS["AWS_ACCESS_KEY_ID"], "secretKey": AWS["AWS_SECRET_ACCESS_KEY"]}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        bucket, master = self.bucket, f"{self.bucket.address}:{MASTER_PORT}"
        (bucket.folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        (bucket.folder / "master").mkdir()
        (bucket.folder / "filer").mkdir()
        bucket.start(
            "master", weed, "-logtostderr=true", "master", f"-ip={bucket.address}", f"-port={MASTER_PORT}",
            f"-mdir={bucket.folder / 'master'}", "-peers=none", "-defaultReplication=001", "-volumeSizeLimitMB=64",
            "-telemetry=false",
        )  # fmt: skip
        until(lambda: answers(bucket.address, MASTER_PORT, "/cluster/status"), "the master", READY_S)
        for volume in self.volumes:
            (volume.folder / "data").mkdir()
            volume.start(
                "volume", weed, "-logtostderr=true", "volume", f"-ip={volume.address}", f"-port={VOLUME_PORT}",
                f"-dir={volume.folder / 'data'}", "-max=64", f"-master={master}", "-preStopSeconds=0",
                "-minFreeSpace=1",
            )  # fmt: skip
        for volume in self.volumes:
            until(
                lambda volume=volume: volume.address in get(bucket.address, MASTER_PORT, "/dir/status"),
                volume.name,
                READY_S,
            )
        bucket.start(
            "filer", weed, "-logtostderr=true", "filer", f"-ip={bucket.address}", f"-port={FILER_PORT}",
            f"-master={master}", f"-defaultStoreDir={bucket.folder / 'filer'}", "-localSocket=filer.sock", "-s3",
            f"-s3.port={S3_PORT}", "-s3.config=s3.json", "-s3.localSocket=s3.sock", "-s3.port.iceberg=0",
            "-s3.port.lance=0",
        )  # fmt: skip
        until(lambda: answers(bucket.address, S3_PORT, "/"), "the filer", READY_S)

    def _takes_objects(self) -> bool:
        try:
            self.store.put("ready", b"")
            self.store.remove("ready")
        except StoreError:
            return False
        return True

    def _enrol(self) -> None:
        self._folder_seed = secrets.token_bytes(32)
        self.receipt_key = verify_key_of(Ed25519PrivateKey.from_private_bytes(self._folder_seed)).hex()
        register, credentials = Register(self.store), Credentials(self.store)
        for bell in self.doorbells:
            register.allow(bell.owner.card)
            register.allow(bell.card)
            credentials.enrol(bell.id, self._credentials[bell.id])

    def _copy(self, machine: Machine) -> Path:
        """The relay's folder as an operator copies it to each machine: one receipt key, one credential."""
        folder = Folder(machine.folder / "relay")
        folder.make(self._folder_seed)
        folder.credential(lambda _: self._folder_seed)
        return folder.root

    def _start_relay(self, relay: Machine) -> None:
        n = self.relays.index(relay)
        brokers = [f"mqtt://{broker.address}:{MQTT_PORT}" for broker in (*self.brokers[n:], *self.brokers[:n])]
        relay.start(
            "relay", *RELAY, "serve", str(self._copy(relay)),
            "--store", f"s3://{BUCKET}", "--broker", ",".join(brokers),
            "--host", relay.address, "--http-port", str(HTTP_PORT), "--plain",
        )  # fmt: skip

    def _start_broker(self, broker: Machine) -> None:
        routes = ", ".join(f'"nats://{other.address}:6222"' for other in self.brokers)
        config = NATS.format(
            name=broker.name, address=broker.address, routes=routes, store=json.dumps(str(broker.folder))
        )
        (broker.folder / "nats.conf").write_text(config)
        url = f"mqtt://{broker.address}:{MQTT_PORT}"
        broker.start(
            "accounts", *RELAY, "accounts", str(self._copy(broker)), "--store", f"s3://{BUCKET}",
            "--nats", "accounts.conf", "--pid", "nats.pid", "--broker", url,
        )  # fmt: skip
        until((broker.folder / "accounts.conf").exists, f"{broker.name} has its list of users", READY_S)
        broker.start("nats", str(Path(sys.executable).with_name("nats-server")), "-c", "nats.conf")

    def _start_street(self, street: Machine, bells: Sequence[Doorbell]) -> None:
        told = []
        for bell in bells:
            folder = self._folder / "doorbells" / bell.id
            (folder / "inbox").mkdir(parents=True)
            told.append({"id": bell.id, "folder": str(folder), "credential": self._credentials[bell.id]})
        settings = {"mqtt": f"mqtt://brokers:{MQTT_PORT}", "receipt_key": self.receipt_key, "doorbells": told}
        (street.folder / "settings.json").write_text(json.dumps(settings))
        street.start("uplinks", sys.executable, str(Path(__file__).parent / "chaos" / "uplinks.py"), "settings.json")


def get(host: str, port: int, path: str) -> str:
    """What is answered; nothing if nothing is."""
    connection = http.client.HTTPConnection(host, port, timeout=ANSWER_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return ""
    finally:
        connection.close()


def answers(host: str, port: int, path: str) -> bool:
    """Whether anything is answered."""
    return bool(get(host, port, path))
