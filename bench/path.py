"""The whole path on loopback, with real processes: latency, theft, bytes on the wire, memory."""

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import av

from encoded_watch import write_packets
from sealbell.clock import FootageClock
from sealbell.demo import processes
from sealbell.demo.latency import Follower, Seen
from sealbell.demo.street import Doorbell, Street
from sealbell.items import Packet, VideoFormat
from sealbell.watch.camera.synthetic import Synthetic
from sealbell_wire.limits import MAX_RECORD_BYTES
from sealbell_wire.part import RECORD_AT, frame_lengths
from sealbell_wire.record import Record, parse_record
from sealbell_wire.sshsig import SIGNATURE_BYTES

HD = "1280x720@30:2000000"
BITS_PER_S = 2_000_000
QUIET = Path(__file__).parents[1] / "tests/footage/derived_static_onebyone_0-55.mp4"
PRESSES = 50
THEFTS = 20
FRAGMENT_MS = 1_000
MQTT_OVERHEAD_BYTES = 120  # fixed header, topic and packet id of one publish


def spread(samples: list[float]) -> dict[str, float]:
    """Return median, 95th percentile, largest and count."""
    cuts = quantiles(samples, n=20, method="inclusive")
    return {"p50": round(cuts[9], 1), "p95": round(cuts[18], 1), "max": round(max(samples), 1), "n": len(samples)}


def _street(stack: ExitStack, doorbells: int = 1) -> tuple[Street, list[Doorbell]]:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    street = Street(folder, stack)
    street.start_relay()
    street.set_up_owner()
    return street, [street.set_up_doorbell(str(i), f"door {i}") for i in range(doorbells)]


def latency() -> dict[str, Any]:
    """Press to notice at a follower, and to the fragment that shows the press, while 720p is being encoded."""
    with ExitStack() as stack:
        street, (bell,) = _street(stack)
        street.start("sealbell", "uplink", bell.home)
        follower = Follower(street.start("sealbell-owner", "follow", street.owner, "--doorbell", bell.id, "--json"))
        if not follower.wait_ready(processes.READY_S):
            raise RuntimeError("the follower was not let in")
        presses_s = [4 + 1.37 * i for i in range(PRESSES)]
        arguments = [argument for at_s in presses_s for argument in ("--press", f"{at_s:.2f}")]
        length = str(presses_s[-1] + 8)
        watch = street.start("sealbell", "watch", bell.home, "--synthetic", HD, "--length", length, *arguments)
        watch.wait()
        processes.run("sealbell", "uplink", bell.home, "--until-empty")
        seen = follower.finish()
    notices = [part for part in seen if part.kind == "notice"]
    media = [part for part in seen if part.kind == "media"]
    return {
        "press_to_notice_ms": spread([part.received_ms - part.wall_ms for part in notices]),
        "press_to_its_fragment_ms": spread(
            [_showing(notice, media).received_ms - notice.wall_ms for notice in notices]
        ),
        "fragment_ms": FRAGMENT_MS,
    }


def _showing(notice: Seen, media: list[Seen]) -> Seen:
    return max((part for part in media if part.wall_ms <= notice.wall_ms), key=lambda part: part.wall_ms)


def theft(random_s: Callable[[], float] = lambda: random.uniform(3.0, 6.0)) -> dict[str, Any]:
    """Kill watch and uplink together at a random moment: how old is the newest picture that the relay holds?"""
    lost_ms = []
    with ExitStack() as stack:
        street, bells = _street(stack, THEFTS)
        for bell in bells:
            uplink = street.start("sealbell", "uplink", bell.home)
            watch = street.start(
                "sealbell", "watch", bell.home, "--synthetic", HD, "--length", "60", "--json", *_presses(1, 60)
            )
            for line in watch.lines():
                if json.loads(line)["at_s"] >= 2:
                    break
            threading.Event().wait(random_s())
            killed_ms = time.time() * 1_000
            watch.kill()
            uplink.kill()
            lost_ms.append(killed_ms - _newest_ms(street, bell))
    return {"not_at_the_relay_ms": spread(lost_ms), "limit_ms": FRAGMENT_MS + 300}


def _newest_ms(street: Street, bell: Doorbell) -> float:
    """Return the wall time at which the newest stored fragment of this doorbell ends."""
    records = [stored_record(path) for path in (street.relay / "store" / "clips" / bell.id).rglob("*.part")]
    return max(record.wall_ms for record in records if record.kind == "media") + FRAGMENT_MS


def stored_record(path: Path) -> Record:
    """Return the record of a stored part."""
    with path.open("rb") as file:
        frame = file.read(RECORD_AT + MAX_RECORD_BYTES + SIGNATURE_BYTES + 4)
    length, _ = frame_lengths(frame)
    return parse_record(frame[RECORD_AT : RECORD_AT + length])


def wire_bytes() -> dict[str, Any]:
    """Bytes that the uplink publishes over the H.264 bytes in them: 2 Mbit/s, quiet, and in parts of 250 ms."""
    return {
        "2_mbit_30_s": _overhead("--synthetic", HD, "--length", "28", "--walk", "25"),
        "2_mbit_30_s_six_presses": _overhead("--synthetic", HD, "--length", "40", *_presses(5, 28)),
        "2_mbit_8_s": _overhead("--synthetic", HD, "--length", "14", "--press", "5"),
        "2_mbit_250_ms": _overhead("--synthetic", HD, "--length", "28", "--walk", "25", "--fragment-ms", "250"),
        "quiet_footage": _overhead("--footage", str(QUIET), "--pace", "fast", "--press", "1"),
    }


def _presses(first_s: int, until_s: int) -> list[str]:
    return [argument for at_s in range(first_s, until_s, 4) for argument in ("--press", str(at_s))]


def _overhead(*arguments: str) -> dict[str, float]:
    with ExitStack() as stack:
        street, (bell,) = _street(stack)
        street.start("sealbell", "watch", bell.home, *arguments).wait()
        sent = [path.stat().st_size for path in (bell.home / "outbox").glob("*.part")]
        processes.run("sealbell", "uplink", bell.home, "--until-empty")
        film = street.folder / "film.mp4"
        processes.run("sealbell-owner", "open", street.owner, "latest", "--doorbell", bell.id, "--out", film)
        with av.open(str(film)) as container:
            packets = [packet.size for packet in container.demux(video=0) if packet.size]
            seconds = float(container.duration or 0) / 1e6
    h264 = sum(packets)
    return {
        "ratio": round((sum(sent) + MQTT_OVERHEAD_BYTES * len(sent)) / h264, 4),
        "mbit_per_s": round(h264 * 8 / seconds / 1e6, 2),
        "parts": len(sent),
    }


def memory(seconds: int) -> dict[str, Any]:
    """Memory (PSS) of watch and uplink while 720p is recorded all the time, and processor time per picture."""
    with ExitStack() as stack:
        street, (bell,) = _street(stack)
        packets = street.folder / "packets"
        write_packets(packets, _encoded(seconds=4))
        uplink = street.start("sealbell", "uplink", bell.home)
        script = Path(__file__).with_name("encoded_watch.py")
        watch = subprocess.Popen(
            [sys.executable, str(script), str(bell.home), str(packets), str(seconds)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        stack.callback(watch.kill)
        samples, last = [], {"pictures": 0, "cpu_s": 0.0}
        first: dict[str, float] | None = None
        for line in watch.stdout or ():
            last = json.loads(line)
            first = first or last
            samples.append((_pss_mib(watch.pid), _pss_mib(uplink.pid)))
        watch.wait()
    first = first or last
    fifth = max(1, len(samples) // 5)
    early, late = samples[fifth : 2 * fifth], samples[-fifth:]
    return {
        "watch_mib": round(max(sample[0] for sample in samples), 1),
        "uplink_mib": round(max(sample[1] for sample in samples), 1),
        "together_mib": round(max(sum(sample) for sample in samples), 1),
        "late_over_early": round(median(map(sum, late)) / median(map(sum, early)), 3),
        "seconds": len(samples),
        "watch_cpu_ms_per_picture": round(
            (last["cpu_s"] - first["cpu_s"]) * 1e3 / max(1, last["pictures"] - first["pictures"]), 3
        ),
    }


def _pss_mib(pid: int) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return int(next(line for line in text.splitlines() if line.startswith("Pss:")).split()[1]) / 1024


def _encoded(seconds: int) -> list[Packet]:
    clock = FootageClock("0" * 32, real=False)
    packets: list[Packet] = []
    camera = Synthetic(VideoFormat(1280, 720), 30, BITS_PER_S, clock, seconds * 1_000_000)
    camera.run(lambda item: packets.append(item) if isinstance(item, Packet) else None)
    return packets


def measure(memory_seconds: int = 600) -> dict[str, Any]:
    """Run everything, one after the other."""
    return {
        "latency": latency(),
        "theft": theft(),
        "wire_bytes": wire_bytes(),
        "memory": memory(memory_seconds),
    }


if __name__ == "__main__":
    print(json.dumps(measure(int(os.environ.get("MEMORY_SECONDS", "600"))), indent=2))
