"""How many parts a second a relay keeps and receipts, against the least that anybody could do with the same messages.

    PYTHONPATH=tests python bench/relay_rate.py [--rounds 5]

On a folder the peer is a subscriber of the same broker that writes each message to a file and fsyncs it, and does
nothing else: it checks nothing, signs nothing, and takes no name for given. On S3 (SeaweedFS) it is one that puts each
as an object and does nothing else, by as many threads as the relay has; beside it stands the store alone, with nothing
between, which on a small machine has the processors to itself. All doorbells send as doorbells do, with at most 1 MB
without an answer, and relay and peers take turns, so that whatever else the machine does falls on all.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

import paho.mqtt.client as paho

from brokers import Nats
from mqtt_lines import Line
from parts_factory import Doorbell, age_file, topic_of
from sealbell.uplink.courier import WINDOW_BYTES
from sealbell_relay.main import STORING_THREADS
from sealbell_relay.store.buckets import open_store
from sealbell_relay.store.store import DirectoryStore, Store
from sealbell_relay.tenants.allow import Register
from sealbell_testing.relay import credential_of, serving
from sealbell_wire import topics
from sealbell_wire.ids import ZERO_HASH
from sealbell_wire.part import Part
from sealbell_wire.receipt import MAGIC, parse_receipt
from sealbell_wire.record import Kind
from sealbell_wire.statement import take_statement
from seaweed import seaweed

DOORBELLS = 16
MEDIA_BYTES = 250_000  # a second at 2 Mbit/s
NOTICE_BYTES = 65_536
MEDIA_PARTS = 12  # of a clip, behind its notice and its header
NOTICES = 40
ROUNDS = 5
DEADLINE_S = 60.0
PEER = "peer"
_SEALED = {size: age_file(size) for size in (2_000, NOTICE_BYTES, MEDIA_BYTES)}

Messages = list[tuple[str, bytes]]  # of one doorbell, topic and payload, in order


def clips(bell: Doorbell, turn: int) -> list[Part]:
    """A clip of 2 Mbit/s."""
    made: list[Part] = []
    for seq in range(2 + MEDIA_PARTS):
        kind: Kind = "notice" if seq == 0 else "init" if seq == 1 else "media"
        sealed = _SEALED[{"notice": NOTICE_BYTES, "init": 2_000}.get(kind, MEDIA_BYTES)]
        made.append(bell.part(bell.clip_id(turn), seq, kind, made[-1].hash if made else ZERO_HASH, sealed, turn))
    return made


def notices(bell: Doorbell, turn: int) -> list[Part]:
    """Many clips of which only the notice comes."""
    first = NOTICES * turn
    return [
        bell.part(bell.clip_id(first + n), 0, "notice", ZERO_HASH, _SEALED[NOTICE_BYTES], first + n)
        for n in range(NOTICES)
    ]


LOADS: dict[str, Callable[[Doorbell, int], list[Part]]] = {"clips_of_250_kb": clips, "notices_of_64_kib": notices}


class Sender:
    """The doorbells' side: each sends in order with at most WINDOW_BYTES unanswered, as a courier does."""

    def __init__(self, bells: Sequence[Doorbell]) -> None:
        self._bells = bells
        self._numbers = {bell.id: number for number, bell in enumerate(bells)}
        self._lines: list[Line] = []
        self._unanswered: list[deque[int]] = [deque() for _ in bells]
        self._news = asyncio.Event()

    async def connect(self, port: int) -> None:
        """Connect them all."""
        for bell in self._bells:
            down = topics.down_filter(bell.id)
            self._lines.append(await Line.open(port, bell.id, credential_of(bell.id), down, self._receipts))

    def close(self) -> None:
        """Leave."""
        for line in self._lines:
            line.close()

    async def send(self, messages: list[Messages]) -> float:
        """Send what there is for each doorbell; return the seconds until all of it was answered."""
        began = time.monotonic()
        async with asyncio.timeout(DEADLINE_S):
            await asyncio.gather(*(self._send(number, each) for number, each in enumerate(messages)))
        return time.monotonic() - began

    def answered(self, number: int) -> None:
        """The oldest unanswered message of this doorbell is durable now."""
        self._unanswered[number].popleft()
        self._news.set()

    async def _send(self, number: int, messages: Messages) -> None:
        waiting, line = self._unanswered[number], self._lines[number]
        for topic, payload in messages:
            while waiting and sum(waiting) + len(payload) > WINDOW_BYTES:
                await self._changed()
            waiting.append(len(payload))
            line.publish(topic, payload)
        while waiting:
            await self._changed()

    async def _changed(self) -> None:
        self._news.clear()
        await self._news.wait()

    def _receipts(self, topic: str, payload: bytes) -> None:
        number = self._numbers[topic.split("/")[3]]
        while payload:
            text, _, payload = take_statement(payload, MAGIC)
            if parse_receipt(text).verdict != "stored":
                raise RuntimeError("the relay refused a part")
            self.answered(number)


def only_keep(port: int, place: str, answers: Connection, ready: Any) -> None:
    """The peer, in a process of its own: keeps each message and then writes one byte that says whose it was.

    In a folder: one file after the other, each fsynced. In a bucket: as many puts at once as the relay has threads.
    """
    bucket = open_store(place) if place.startswith("s3:") else None
    threads, answering = ThreadPoolExecutor(STORING_THREADS), threading.Lock()
    count = 0

    def answer(whose: int) -> None:
        with answering:
            answers.send_bytes(bytes([whose]))

    def put(name: str, payload: bytes, whose: int) -> None:
        assert bucket is not None
        bucket.put(name, payload)
        answer(whose)

    def on_message(_client: paho.Client, _: object, message: paho.MQTTMessage) -> None:
        nonlocal count
        count += 1
        whose = int(message.topic.rpartition("/")[2])
        if bucket is not None:
            threads.submit(put, f"{PEER}/{count}", message.payload, whose)
            return
        descriptor = os.open(f"{place}/{count}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(descriptor, message.payload)
        os.fsync(descriptor)
        os.close(descriptor)
        answer(whose)

    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.on_message = on_message
    client.on_connect = lambda *_: client.subscribe(f"{PEER}/#", 0)
    client.on_subscribe = lambda *_: ready.set()
    client.connect("127.0.0.1", port)
    client.loop_forever()


@contextmanager
def peer(port: int, place: str, sender: Sender) -> Iterator[int]:
    """Run the peer; what it answers reaches `sender`."""
    context = multiprocessing.get_context("spawn")
    heard, told = context.Pipe(duplex=False)
    ready = context.Event()
    process = context.Process(target=only_keep, args=(port, place, told, ready), daemon=True)
    process.start()
    if not ready.wait(DEADLINE_S):
        raise RuntimeError("the peer was not let in")
    loop = asyncio.get_running_loop()
    loop.add_reader(heard.fileno(), lambda: sender.answered(heard.recv_bytes()[0]))
    try:
        yield process.pid or 0
    finally:
        loop.remove_reader(heard.fileno())
        process.kill()
        process.join()


def cpu_s(pid: int) -> float:
    """Return the processor seconds of a process so far, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _in_turns(port: int, relay: int, place: str, bells: Sequence[Doorbell], rounds: int) -> dict[str, Any]:
    sender = Sender(bells)
    await sender.connect(port)
    store = open_store(place) if place.startswith("s3:") else None
    found: dict[str, Any] = {}
    with peer(port, place, sender) as other:
        turn = 0
        for name, load in LOADS.items():
            took: dict[str, list[float]] = {"relay": [], "peer": [], "store_alone": []}
            busy = {"relay": 0.0, "peer": 0.0}
            for number in range(rounds + 1):  # the first warms up and does not count
                turn += 1
                ours = [[(topic_of(part), part.encode()) for part in load(bell, turn)] for bell in bells]
                theirs = [
                    [(f"{PEER}/{len(topic) * 'x'}/{whose}", payload) for topic, payload in each]
                    for whose, each in enumerate(ours)
                ]
                for who, messages, pid in (("relay", ours, relay), ("peer", theirs, other)):
                    before = cpu_s(pid)
                    seconds = await sender.send(messages)
                    if number:
                        took[who].append(seconds)
                        busy[who] += cpu_s(pid) - before
                if number and store is not None:
                    objects = [(f"alone/{topic}", payload) for each in ours for topic, payload in each]
                    took["store_alone"].append(await asyncio.to_thread(_alone, store, objects))
            found[name] = _rates(sum(map(len, ours)), took, busy)
    sender.close()
    return found


def _alone(store: Store, objects: list[tuple[str, bytes]]) -> float:
    began = time.monotonic()
    with ThreadPoolExecutor(STORING_THREADS) as threads:
        assert all(threads.map(lambda row: store.put(*row), objects))
    return time.monotonic() - began


def on_s3(rounds: int = ROUNDS, doorbells: int = DOORBELLS) -> dict[str, Any]:
    """Return parts a second of relay, peer and store, and the ratios, for each load."""
    bells = [Doorbell(seed) for seed in range(doorbells)]
    with tempfile.TemporaryDirectory(prefix="sealbell-rate-") as name, seaweed(Path(name)) as cluster:
        os.environ.update(cluster.environment)
        url, root = f"s3://{cluster.bucket}/bench", Path(name)
        broker = Nats(root)
        broker.start()
        try:
            with serving(root / "relay", "--broker", broker.url, "--store", url, "--no-packs") as relay:
                enrol(open_store(url), bells)
                return asyncio.run(_in_turns(broker.port, relay.process.pid, url, bells, rounds))
        finally:
            broker.kill()


def on_a_folder(rounds: int = ROUNDS, doorbells: int = DOORBELLS) -> dict[str, Any]:
    """Return parts a second of relay and peer, and the ratio, for each load."""
    bells = [Doorbell(seed) for seed in range(doorbells)]
    with tempfile.TemporaryDirectory(prefix="sealbell-rate-") as name:
        root = Path(name)
        (root / "peer").mkdir()
        broker = Nats(root)
        broker.start()
        try:
            with serving(root / "relay", "--broker", broker.url) as relay:
                enrol(DirectoryStore(root / "relay" / "store"), bells)
                return asyncio.run(_in_turns(broker.port, relay.process.pid, str(root / "peer"), bells, rounds))
        finally:
            broker.kill()


def enrol(store: Store, bells: Sequence[Doorbell]) -> None:
    """Let them in."""
    register = Register(store)
    for bell in bells:
        register.allow(bell.card)


def _rates(parts: int, took: dict[str, list[float]], busy: dict[str, float]) -> dict[str, Any]:
    rates = {f"{who}_parts_a_second": round(parts / median(rounds), 1) for who, rounds in took.items() if rounds}
    ratios = [their / our for our, their in zip(took["relay"], took["peer"], strict=True)]
    found: dict[str, Any] = {**rates, "ratio": round(median(took["peer"]) / median(took["relay"]), 3)}
    if took["store_alone"]:
        found["ratio_to_store_alone"] = round(median(took["store_alone"]) / median(took["relay"]), 3)
    cpu = {f"{who}_cpu_ms_a_part": round(spent * 1e3 / parts / len(ratios), 2) for who, spent in busy.items()}
    return {**found, **cpu, "ratios": [round(ratio, 3) for ratio in ratios]}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    print(json.dumps({"folder": on_a_folder(options.rounds), "s3": on_s3(options.rounds)}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
