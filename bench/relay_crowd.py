"""2,000 doorbells that are connected and 200 that upload: receipts' delay, and what an idle doorbell costs in memory.

    PYTHONPATH=tests python bench/relay_crowd.py [--idle 2000] [--uploading 200] [--seconds 60]

The doorbells are connections of one process beside the relay (mqtt_lines.py), each with its own credential, on the
embedded broker. An uploading one sends a part of 250 KB a second, which is 2 Mbit/s, whether or not the last one was
receipted. Relay, broker and doorbells share the machine's processors.
"""

import argparse
import asyncio
import hashlib
import json
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from mqtt_lines import KEEP_ALIVE_S, Line
from parts_factory import Doorbell, age_file, topic_of
from sealbell_relay.broker.credentials import Credentials
from sealbell_relay.store.store import DirectoryStore
from sealbell_testing.relay import Relay, serving
from sealbell_wire import topics
from sealbell_wire.ids import ZERO_HASH
from sealbell_wire.part import Part
from sealbell_wire.receipt import read_receipts

PART_BYTES = 250_000
CONNECTING = 64  # at once
LAST_RECEIPT_S = 30.0
KIB = 1_024


def secret_of(bell: Doorbell) -> str:
    """Return a doorbell's credential."""
    return hashlib.sha256(b"credential" + bell.verify_key).hexdigest()


def enrol(root: Path, bells: list[Doorbell]) -> None:
    """Let all of them in, before anybody serves."""
    store = DirectoryStore(root / "store")
    credentials = Credentials(store)
    for bell in bells:
        store.put(f"doorbells/{bell.id}.json", bell.card.encode())
        credentials.enrol(bell.id, secret_of(bell))


async def _connect(port: int, bells: list[Doorbell], heard: Any) -> list[Line]:
    room = asyncio.Semaphore(CONNECTING)

    async def one(bell: Doorbell) -> Line:
        async with room:
            return await Line.open(port, bell.id, secret_of(bell), topics.down_filter(bell.id), heard)

    return list(await asyncio.gather(*(one(bell) for bell in bells)))


class Uploads:
    """What was sent when, and how long its receipt took."""

    def __init__(self, relay_key: bytes) -> None:
        self._relay_key = relay_key
        self._sent: dict[tuple[str, str, int], float] = {}
        self.delays_s: list[float] = []
        self.refused = 0
        self.verified = 0

    def send(self, line: Line, part: Part) -> None:
        record = part.record
        self._sent[record.doorbell, record.clip, record.seq] = time.monotonic()
        line.publish(topic_of(part), part.encode())

    def heard(self, _: str, payload: bytes) -> None:
        now = time.monotonic()
        for receipt in read_receipts(payload, self._relay_key):
            began = self._sent.pop((receipt.doorbell, receipt.clip, receipt.seq), None)
            if began is not None:
                self.delays_s.append(now - began)
                self.refused += receipt.verdict == "refused"

    @property
    def waiting(self) -> int:
        """How many have no receipt yet."""
        return len(self._sent)


def _parts(bell: Doorbell, count: int, sealed: bytes) -> list[Part]:
    made: list[Part] = []
    for seq in range(count):
        kind = "notice" if seq == 0 else "init" if seq == 1 else "media"
        made.append(bell.part(bell.clip_id(), seq, kind, made[-1].hash if made else ZERO_HASH, sealed))
    return made


async def _upload(line: Line, parts: list[Part], uploads: Uploads, offset_s: float) -> None:
    start = asyncio.get_running_loop().time() + offset_s
    for number, part in enumerate(parts):
        await asyncio.sleep(max(0.0, start + number - asyncio.get_running_loop().time()))
        uploads.send(line, part)


async def _crowd(port: int, relay_key: bytes, options: argparse.Namespace, connection: Any) -> None:
    idle = [Doorbell(seed) for seed in range(options.idle)]
    busy = [Doorbell(options.idle + number) for number in range(options.uploading)]
    uploads = Uploads(relay_key)
    began = time.monotonic()
    quiet = await _connect(port, idle, uploads.heard)
    connection.send(("connected", time.monotonic() - began))
    await asyncio.to_thread(connection.recv)
    lines = await _connect(port, busy, uploads.heard)
    sealed = age_file(PART_BYTES)
    prepared = [_parts(bell, options.seconds, sealed) for bell in busy]
    pinger = asyncio.create_task(_ping([*quiet, *lines]))
    sending = [
        _upload(line, parts, uploads, number / len(busy))
        for number, (line, parts) in enumerate(zip(lines, prepared, strict=True))
    ]
    began = time.monotonic()
    await asyncio.gather(*sending)
    took_s = time.monotonic() - began
    deadline = time.monotonic() + LAST_RECEIPT_S
    while uploads.waiting and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    pinger.cancel()
    lost = sum(line.lost.done() for line in [*quiet, *lines])
    connection.send(("done", uploads.delays_s, uploads.refused, uploads.waiting, lost, took_s))
    for line in [*quiet, *lines]:
        line.close()


async def _ping(lines: list[Line]) -> None:
    while True:
        await asyncio.sleep(KEEP_ALIVE_S / 2)
        for line in lines:
            line.ping()


def _child(port: int, relay_key: bytes, options: argparse.Namespace, connection: Any) -> None:
    asyncio.run(_crowd(port, relay_key, options, connection))


def _memory_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise AssertionError("the kernel tells no memory")


def _pids(relay: Relay) -> tuple[int, int]:
    broker = int((relay.root / "broker" / "nats.pid").read_text(encoding="ascii"))
    return relay.process.pid, broker


def measure(idle: int = 2_000, uploading: int = 200, seconds: int = 60) -> dict[str, Any]:
    """Return receipts' delays in seconds, and KiB of relay and broker for each idle doorbell."""
    options = argparse.Namespace(idle=idle, uploading=uploading, seconds=seconds)
    with tempfile.TemporaryDirectory(prefix="sealbell-crowd-") as folder:
        root = Path(folder) / "relay"
        with serving(root):
            pass  # makes the folder
        nobody = _with_nobody(root)
        enrol(root, [Doorbell(seed) for seed in range(idle + uploading)])
        with serving(root) as relay:
            ours, theirs = multiprocessing.get_context("spawn").Pipe()
            key = bytes.fromhex(relay.card.receipt_key)
            child = multiprocessing.get_context("spawn").Process(
                target=_child, args=(relay.mqtt_port, key, options, theirs)
            )
            child.start()
            try:
                _, connected_s = ours.recv()
                with_idle = [_memory_kib(pid) for pid in _pids(relay)]
                ours.send("go on")
                _, delays, refused, waiting, lost, took_s = ours.recv()
                peak = [_memory_kib(pid) for pid in _pids(relay)]
            finally:
                child.join(LAST_RECEIPT_S)
                child.kill()
    delays.sort()
    per_idle = [(after - before) / idle for before, after in zip(nobody, with_idle, strict=True)]
    return {
        "idle": idle,
        "uploading": uploading,
        "seconds": round(took_s, 1),
        "part_bytes": PART_BYTES,
        "connects_a_second": round(idle / connected_s),
        "receipt_s": {
            "p50": round(delays[len(delays) // 2], 3),
            "p95": round(delays[int(len(delays) * 0.95)], 3),
            "max": round(delays[-1], 3),
        },
        "receipts": len(delays),
        "refused": refused,
        "without_receipt": waiting,
        "connections_lost": lost,
        "relay_kib_an_idle_doorbell": round(per_idle[0], 1),
        "broker_kib_an_idle_doorbell": round(per_idle[1], 1),
        "mib_at_the_end": {"relay": round(peak[0] / KIB, 1), "broker": round(peak[1] / KIB, 1)},
    }


def _with_nobody(root: Path) -> list[int]:
    with serving(root) as relay:
        return [_memory_kib(pid) for pid in _pids(relay)]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--idle", type=int, default=2_000)
    parser.add_argument("--uploading", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    print(json.dumps(measure(options.idle, options.uploading, options.seconds), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
