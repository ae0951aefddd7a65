"""How many parts a second a relay keeps and receipts, against the least that anybody could do with the same messages.

    PYTHONPATH=tests python bench/relay_rate.py [--rounds 5]

On a folder the peer is a subscriber of the same broker that writes each message to a file and fsyncs it, and does
nothing else: it checks nothing, signs nothing, and takes no name for given. On S3 (SeaweedFS) it is the store itself:
objects of the same bytes, put by as many threads as the relay has. Both send as doorbells do, with at most 1 MB without
an answer, and take turns, so that whatever else the machine does falls on both.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import paho.mqtt.client as paho

from brokers import Nats
from mqtt_lines import Line
from parts_factory import Doorbell, age_file, topic_of
from sealbell.uplink.courier import WINDOW_BYTES
from sealbell_relay.allow import Register
from sealbell_relay.buckets import open_store
from sealbell_relay.main import STORING_THREADS
from sealbell_relay.store import DirectoryStore, Store
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


def write_and_sync(port: int, folder: str, answers: int, ready: Any) -> None:
    """The peer, in a process of its own: a file for each message, fsynced, then one byte that says whose it was."""
    count = 0

    def on_message(_client: paho.Client, _: object, message: paho.MQTTMessage) -> None:
        nonlocal count
        count += 1
        descriptor = os.open(f"{folder}/{count}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(descriptor, message.payload)
        os.fsync(descriptor)
        os.close(descriptor)
        os.write(answers, bytes([int(message.topic.rpartition("/")[2])]))

    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.on_message = on_message
    client.on_connect = lambda *_: client.subscribe(f"{PEER}/#", 0)
    client.on_subscribe = lambda *_: ready.set()
    client.connect("127.0.0.1", port)
    client.loop_forever()


@contextmanager
def peer(port: int, folder: Path, sender: Sender) -> Iterator[int]:
    """Run the peer; what it answers reaches `sender`."""
    heard, told = os.pipe()
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    process = context.Process(target=write_and_sync, args=(port, str(folder), told, ready), daemon=True)
    process.start()
    if not ready.wait(DEADLINE_S):
        raise RuntimeError("the peer was not let in")

    def read() -> None:
        for number in os.read(heard, 4_096):
            sender.answered(number)

    asyncio.get_running_loop().add_reader(heard, read)
    try:
        yield process.pid or 0
    finally:
        asyncio.get_running_loop().remove_reader(heard)
        process.kill()
        process.join()
        os.close(heard)
        os.close(told)


def cpu_s(pid: int) -> float:
    """Return the processor seconds of a process so far, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _against_files(port: int, relay: int, folder: Path, bells: Sequence[Doorbell], rounds: int) -> dict[str, Any]:
    sender = Sender(bells)
    await sender.connect(port)
    found: dict[str, Any] = {}
    with peer(port, folder, sender) as other:
        turn = 0
        for name, load in LOADS.items():
            took: tuple[list[float], list[float]] = ([], [])
            busy = [0.0, 0.0]
            for number in range(rounds + 1):  # the first warms up and does not count
                turn += 1
                parts = [load(bell, turn) for bell in bells]
                ours = [[(topic_of(part), part.encode()) for part in each] for each in parts]
                theirs = [
                    [(f"{PEER}/{len(topic) * 'x'}/{whose}", payload) for topic, payload in each]
                    for whose, each in enumerate(ours)
                ]
                for which, (messages, pid) in enumerate(((ours, relay), (theirs, other))):
                    before = cpu_s(pid)
                    seconds = await sender.send(messages)
                    if number:
                        took[which].append(seconds)
                        busy[which] += cpu_s(pid) - before
            found[name] = {
                **_rates(sum(map(len, ours)), *took),
                "relay_cpu_ms_a_part": round(busy[0] * 1e3 / sum(map(len, ours)) / rounds, 2),
                "peer_cpu_ms_a_part": round(busy[1] * 1e3 / sum(map(len, ours)) / rounds, 2),
            }
    sender.close()
    return found


async def _against_store(port: int, store: Store, bells: Sequence[Doorbell], rounds: int) -> dict[str, Any]:
    sender = Sender(bells)
    await sender.connect(port)
    found: dict[str, Any] = {}
    turn = 0
    with ThreadPoolExecutor(STORING_THREADS) as threads:
        for name, load in LOADS.items():
            took: tuple[list[float], list[float]] = ([], [])
            for number in range(rounds + 1):  # the first warms up and does not count
                turn += 1
                ours = [[(topic_of(part), part.encode()) for part in load(bell, turn)] for bell in bells]
                seconds = await sender.send(ours)
                objects = [(f"{PEER}/{topic}", payload) for each in ours for topic, payload in each]
                began = time.monotonic()
                await asyncio.to_thread(lambda rows: list(threads.map(lambda row: store.put(*row), rows)), objects)
                if number:
                    took[0].append(seconds)
                    took[1].append(time.monotonic() - began)
            found[name] = _rates(sum(map(len, ours)), *took)
    sender.close()
    return found


def on_s3(rounds: int = ROUNDS, doorbells: int = DOORBELLS) -> dict[str, Any]:
    """Return parts a second of the relay and objects a second of its store, and the ratio, for each load."""
    bells = [Doorbell(seed) for seed in range(doorbells)]
    with tempfile.TemporaryDirectory(prefix="sealbell-rate-") as name, seaweed(Path(name)) as cluster:
        os.environ.update(cluster.environment)
        url, root = f"s3://{cluster.bucket}/bench", Path(name)
        store = open_store(url)
        broker = Nats(root)
        broker.start()
        try:
            with serving(root / "relay", "--broker", broker.url, "--store", url, "--no-packs"):
                enrol(store, bells)
                return asyncio.run(_against_store(broker.port, store, bells, rounds))
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
                return asyncio.run(_against_files(broker.port, relay.process.pid, root / "peer", bells, rounds))
        finally:
            broker.kill()


def enrol(store: Store, bells: Sequence[Doorbell]) -> None:
    """Let them in."""
    register = Register(store)
    for bell in bells:
        register.allow(bell.card)


def _rates(parts: int, ours: list[float], theirs: list[float]) -> dict[str, Any]:
    return {
        "relay_parts_a_second": round(parts / median(ours), 1),
        "peer_parts_a_second": round(parts / median(theirs), 1),
        "ratio": round(median(theirs) / median(ours), 3),
        "ratios": [round(their / our, 3) for our, their in zip(ours, theirs, strict=True)],
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    print(json.dumps({"folder": on_a_folder(options.rounds), "s3": on_s3(options.rounds)}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
