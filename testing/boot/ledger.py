"""Runs on the emulated board: says on a console what is committed, so that somebody outside knows it for sure.

It only lists the outbox, which makes nothing durable. Parts are committed one after the other, so that all but the
newest are committed to the end; the newest is perhaps still being written.
"""

import os
import re
import sys
import threading
import time
from pathlib import Path

LOOK_S = 0.1
MEMORY_EVERY_S = 10.0
UNITS = ("sealbell-watch", "sealbell-uplink")


def commits(outbox: Path, said: set[str]) -> None:
    """Print the parts that were not said before and are committed."""
    names = sorted(name for name in os.listdir(outbox) if name.endswith(".part"))  # noqa: PTH208 - names alone
    for name in names[:-1]:
        if name not in said:
            said.add(name)
            print("committed", name, flush=True)


def memory(unit: str) -> str:
    """Return a unit's proportional set size in kB and the processor time in seconds that its processes have used."""
    pss_kb, cpu_s = 0, 0.0
    for pid in Path(f"/sys/fs/cgroup/system.slice/{unit}.service/cgroup.procs").read_text().split():
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        pss_kb += int(re.findall(r"^Pss: +([0-9]+) kB", rollup, re.MULTILINE)[0])
        times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        cpu_s += sum(map(int, times)) / os.sysconf("SC_CLK_TCK")
    return f"memory {unit} {pss_kb} {cpu_s:.2f}"


def main() -> None:
    """`python3 ledger.py OUTBOX`: a line for each part, at the latest when the next one is there."""
    outbox, said, pause, due_s = Path(sys.argv[1]), set[str](), threading.Event(), 0.0
    while True:
        commits(outbox, said)
        if time.monotonic() >= due_s:
            due_s = time.monotonic() + MEMORY_EVERY_S
            for unit in UNITS:
                try:
                    print(memory(unit), flush=True)
                except OSError:  # not there yet, or just ending
                    continue
        pause.wait(LOOK_S)


if __name__ == "__main__":
    main()
