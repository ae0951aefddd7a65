"""Runs on the emulated board as its only program (init): counts the instructions of watch and uplink.

There, a nanosecond of processor time is one instruction. Prints one line of JSON and switches the board off.
"""

import json
import os
import subprocess
import threading
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RELAY, OWNER, BELL = Path("/run/relay"), Path("/run/owner"), Path("/var/lib/sealbell/bell")
# What a Pi 3 or Zero 2 W has not: its core is built without Arm's instructions for AES and SHA. 1 is NEON alone.
ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin",
    "LC_ALL": "C.UTF-8",
    "PYTHONPATH": "/usr/lib/sealbell",
    "OPENSSL_armcap": "1",
}
SETTLED_S, SECONDS = 10, 30


def run(*command: str | Path) -> None:
    """Run a program to its end."""
    subprocess.run(command, check=True, env=ENVIRONMENT, stdout=subprocess.DEVNULL)


def start(*command: str | Path) -> "subprocess.Popen[str]":
    """Start a program whose output is read."""
    return subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)


def prepare() -> None:
    """Do what init does."""
    for kind, folder in (
        ("proc", "/proc"),
        ("sysfs", "/sys"),
        ("devtmpfs", "/dev"),
        ("tmpfs", "/run"),
        ("tmpfs", "/tmp"),
    ):
        if not os.path.ismount(folder):
            run("mount", "-t", kind, kind, folder)
    run("mount", "/dev/vdb", BELL.parent)
    run("ip", "link", "set", "lo", "up")


def instructions(pid: int) -> int:
    """Return how many instructions the threads of a process have executed, their kernel work included."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir())


def pss_kb(pid: int) -> int:
    """Return the proportional set size of a process."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def measure() -> dict[str, Any]:
    """Record all the time, send all of it, and count between two moments."""
    relay = start("sealbell-relay", "serve", RELAY, "--json")
    assert relay.stdout
    relay.stdout.readline()
    run("sealbell-owner", "init", OWNER, "--relay", RELAY / "relay.json")
    run("sealbell", "init", BELL, "--owner", OWNER / "bundle.json")
    run("sealbell-relay", "allow", RELAY, OWNER / "card.json")
    run("sealbell-relay", "allow", RELAY, BELL / "introduction.json")
    uplink = start("sealbell", "uplink", BELL)
    watch = start("python3", HERE / "encoded_watch.py", BELL, HERE / "packets", str(SECONDS))
    assert watch.stdout
    counted: list[tuple[int, int, int]] = []
    memory_kb = (0, 0)
    for second, line in enumerate(watch.stdout, 1):
        if second >= SETTLED_S:
            counted.append((json.loads(line)["pictures"], instructions(watch.pid), instructions(uplink.pid)))
            memory_kb = pss_kb(watch.pid), pss_kb(uplink.pid)
    pictures, watched, sent = (last - first for first, last in zip(counted[0], counted[-1], strict=True))
    return {"pictures": pictures, "watch": watched, "uplink": sent, "watch_kb": memory_kb[0], "uplink_kb": memory_kb[1]}


def main() -> None:
    """Measure, say it, and switch off."""
    prepare()
    with Path("/dev/hvc0").open("w") as console:
        try:
            said = measure()
        except Exception as error:  # there is nobody else to tell
            said = {"error": repr(error)}
        console.write(json.dumps(said) + "\n")
    os.sync()
    Path("/proc/sysrq-trigger").write_text("o")
    threading.Event().wait()


if __name__ == "__main__":
    main()
