"""What the doorbell's processes would cost on a Zero 2 W, from the instructions they execute on an emulated one.

`python bench/pi_budget.py`, as root: builds the package, installs it in arm64 Debian, boots that on qemu's Cortex-A53
with a clock that counts instructions (-icount: one virtual nanosecond each), and writes bench/pi_budget.json.
docs/pi-budget.md says what that can tell.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from boot.arm64 import Board, installed
from boot.nspawn import wait_until
from boot.package import build
from encoded_watch import write_packets
from sealbell.clock import FootageClock
from sealbell.items import Packet, VideoFormat
from sealbell.watch.camera.synthetic import Synthetic

HERE = Path(__file__).parent
RESULTS = HERE / "pi_budget.json"
INSIDE = "usr/local/lib/pi"
FPS, BITS_PER_S = 15, 2_000_000
CORE_HZ = 1_000_000_000  # a Zero 2 W's Cortex-A53
SHARE = 0.25  # of one core
IPC = (0.5, 0.7)  # assumed: docs/pi-budget.md
DEADLINE_S = 3_600.0


def packets(path: Path) -> None:
    """Write four seconds of 720p, as a Pi's encoder would hand them over."""
    clock = FootageClock("00" * 16, real=False)
    found: list[Packet] = []
    camera = Synthetic(VideoFormat(1280, 720), FPS, BITS_PER_S, clock, 4_000_000)
    camera.run(lambda item: found.append(item) if isinstance(item, Packet) else None)
    write_packets(path, found)


def board(folder: Path) -> Board:
    """Return a board whose only program counts."""
    root = installed(folder / "root", build(folder, "arm64"))
    (root / INSIDE).mkdir()
    for name in ("encoded_watch.py", "pi_processes.py"):
        shutil.copy(HERE / name, root / INSIDE)
    packets(root / INSIDE / "packets")
    (root / INSIDE / "init").write_text(f"#!/bin/sh\nexec /usr/bin/python3 /{INSIDE}/pi_processes.py\n")
    (root / INSIDE / "init").chmod(0o755)
    return Board.laid(root, folder / "board")


def counted(machine: Board) -> dict[str, Any]:
    """Return what it counted."""
    with machine.powered("-icount", "shift=0,sleep=off", cores=1, init=f"/{INSIDE}/init") as run:
        wait_until(lambda: bool(run.said), "it has counted", DEADLINE_S, run.tell)
        found: dict[str, Any] = json.loads(" ".join(run.said[-1]))
    return found


def report(found: dict[str, Any]) -> dict[str, Any]:
    """Return the figures that follow from the counts."""
    each = {name: found[name] / found["pictures"] for name in ("watch", "uplink")}
    per_second = sum(each.values()) * FPS
    return {
        "instructions_per_picture": {name: round(count) for name, count in each.items()},
        "million_instructions_per_second": round(per_second / 1e6, 1),
        "share_of_a_core": {f"at {ipc} instructions a cycle": round(per_second / ipc / CORE_HZ, 3) for ipc in IPC},
        "promised_share_of_a_core": SHARE,
        "kept_from_instructions_per_cycle": round(per_second / CORE_HZ / SHARE, 2),
        "pss_mib": {name: round(found[f"{name}_kb"] / 1024, 1) for name in ("watch", "uplink")},
        "pictures_counted": found["pictures"],
    }


def main() -> int:
    """Measure, write, print."""
    with tempfile.TemporaryDirectory() as folder:
        results = report(counted(board(Path(folder))))
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(results, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
