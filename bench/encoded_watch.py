"""The picture process fed with packets that are encoded already, as on a Pi whose hardware encodes: no libav in it.

`python bench/encoded_watch.py HOME PACKETS SECONDS` records all the time at real pace and prints, once a second, a
line of JSON with the pictures so far and the processor time spent.
"""

import itertools
import json
import secrets
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sealbell.clock import FootageClock
from sealbell.home import Home
from sealbell.items import Frame, Packet, Picture, VideoFormat
from sealbell.seams import Sink
from sealbell.watch.main import Eyes, compose, open_outbox
from sealbell.watch.panel.scripted import ScriptedPanel
from sealbell.watch.recorder import Timing

PRESS_EVERY_S = 4
RECORD = struct.Struct(">QBI")


class Encoded:
    """A Camera that loops over recorded packets, with a lores stream of noise around them."""

    def __init__(self, path: Path, clock: FootageClock, length_us: int) -> None:
        self._packets = list(read_packets(path))
        self._clock = clock
        self._length_us = length_us
        noise = np.random.default_rng(3)
        self._lumas = [(110 + noise.integers(-3, 4, (240, 320))).astype(np.uint8) for _ in range(8)]
        self._still = np.full((720, 1280, 3), 110, dtype=np.uint8)
        self._stopped = False

    @property
    def format(self) -> VideoFormat:
        return VideoFormat(1280, 720)

    def run(self, sink: Sink) -> None:
        self._clock.start()
        period_us = self._packets[1].t_us - self._packets[0].t_us
        for number in itertools.count():
            t_us = number * period_us
            self._clock.reach(t_us)
            if self._stopped or t_us >= self._length_us:
                return
            sink(Frame(t_us, self._lumas[number % len(self._lumas)]))
            packet = self._packets[number % len(self._packets)]
            sink(Packet(t_us, packet.data, packet.keyframe))
            if t_us // 1_000_000 != (t_us - period_us) // 1_000_000:
                print(json.dumps({"pictures": number + 1, "cpu_s": time.process_time()}), flush=True)

    def still(self) -> Picture | None:
        return self._still

    def expose(self, *, night: bool) -> None: ...

    def stop(self) -> None:
        self._stopped = True
        self._clock.stop()


def read_packets(path: Path) -> Iterator[Packet]:
    """Yield the packets that `write_packets` wrote."""
    data, at = path.read_bytes(), 0
    while at < len(data):
        t_us, keyframe, size = RECORD.unpack_from(data, at)
        at += RECORD.size
        yield Packet(t_us, data[at : at + size], bool(keyframe))
        at += size


def write_packets(path: Path, packets: list[Packet]) -> None:
    """Write packets, so that the process that plays them needs no encoder."""
    pieces = [RECORD.pack(p.t_us, p.keyframe, len(p.data)) + p.data for p in packets]
    path.write_bytes(b"".join(pieces))


def main() -> None:
    home, packets, seconds = Home(Path(sys.argv[1])), Path(sys.argv[2]), int(sys.argv[3])
    clock = FootageClock(secrets.token_hex(16), real=True)
    camera = Encoded(packets, clock, seconds * 1_000_000)
    panel = ScriptedPanel(clock, range(1_000_000, seconds * 1_000_000, PRESS_EVERY_S * 1_000_000))
    compose(home, Eyes(camera, panel, clock, patient=False), Timing(), open_outbox(home)).run()


if __name__ == "__main__":
    main()
