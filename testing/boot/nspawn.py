"""Boots a system of this machine's own architecture in a container, and runs commands inside.

The container has a network of its own with nothing but loopback in it. What is written goes to memory and is gone when
it ends, unless it is booted to keep. Works where systemd is not the host's init, and needs root.
"""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

BOOT_S = 60.0
COMMAND_S = 60.0
LOOK_S = 0.05


class Container:
    """A booted container. `boot_s` is how long it took until systemd answered."""

    def __init__(self, process: "subprocess.Popen[bytes]", leader: int, console: Path) -> None:
        self._process = process
        self._console = console
        self.leader = leader

    def run(self, *command: str, check: bool = True, timeout_s: float = COMMAND_S) -> str:
        """Run a command as root inside; return what it printed. With `check`, it has to end with 0."""
        done = subprocess.run(
            ["nsenter", "--target", str(self.leader), "--all", "--", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=timeout_s,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/root"},
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")
        return done.stdout

    def path(self, inside: str) -> Path:
        """Return where a file of the container is to be found from outside."""
        return Path(f"/proc/{self.leader}/root") / inside.lstrip("/")

    def shown(self, unit: str, name: str) -> str:
        """Return one property of a unit, as systemd says it."""
        return self.run("systemctl", "show", unit, f"--property={name}", "--value").strip()

    def main_pid(self, unit: str) -> int:
        """Return the process id of a unit's main process, as it is seen inside; 0 if it has none."""
        return int(self.shown(unit, "MainPID"))

    def outer_pid(self, pid: int) -> int:
        """Return the process id outside of one inside."""
        for status in Path("/proc").glob("[0-9]*/status"):
            with contextlib.suppress(OSError, StopIteration):
                line = next(each for each in status.read_text().splitlines() if each.startswith("NSpid:"))
                outer, *inner = map(int, line.split()[1:])
                if inner == [pid] and Path(f"/proc/{outer}/ns/pid").readlink() == self._pid_namespace:
                    return outer
        raise AssertionError(f"there is no process {pid} inside")

    def journal(self, unit: str) -> str:
        """Return what a unit logged since boot."""
        return self.run("journalctl", "--unit", unit, "--output=cat", "--no-pager")

    def wait_until(self, true: Callable[[], bool], what: str, timeout_s: float = BOOT_S) -> float:
        """Wait until something is so; return how long it took in seconds."""
        return wait_until(true, what, timeout_s, self.tell)

    def active(self, *units: str) -> bool:
        """Whether all these units are active."""
        return all(self.shown(unit, "ActiveState") == "active" for unit in units)

    def power_off(self) -> None:
        """Shut down in order."""
        self.run("systemctl", "poweroff")
        self._process.wait(BOOT_S)

    @property
    def _pid_namespace(self) -> Path:
        return Path(f"/proc/{self.leader}/ns/pid").readlink()

    def tell(self) -> str:
        """Return what a failure should show."""
        units = self.run("systemctl", "--no-pager", "--full", "status", "sealbell-*", check=False)
        return units + self._console.read_text(errors="replace")[-4_000:]


@contextlib.contextmanager
def booted(root: Path, *, keep: bool = False) -> Iterator[Container]:
    """Boot the system in `root`; what it writes stays there only with `keep`. It is switched off at the end."""
    console = root.with_name(f"{root.name}.console")
    arguments = [f"--directory={root}", "--boot", f"--machine={root.name}", "--register=no", "--keep-unit"]
    arguments += [
        "--private-network",
        "--capability=CAP_BPF",
        "--system-call-filter=bpf",
        *([] if keep else ["--volatile=overlay"]),
    ]
    with _cgroup(f"sealbell-boot-{os.getpid()}") as enter, console.open("wb") as output:
        process = subprocess.Popen(
            [*enter, "systemd-nspawn", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
        )
        try:
            leader = _leader(process, console)
            container = Container(process, leader, console)
            states = ("running", "degraded")
            answers = lambda: container.run("systemctl", "is-system-running", check=False).strip() in states  # noqa: E731
            container.wait_until(answers, "systemd has started everything")
            yield container
        finally:
            if process.poll() is None:
                _switch_off(process)


def wait_until(true: Callable[[], bool], what: str, timeout_s: float, tell: Callable[[], str]) -> float:
    """Wait until something outside this process is so; `tell` says in a failure how it stands instead."""
    began = time.monotonic()
    pause = threading.Event()
    while not true():
        if time.monotonic() > began + timeout_s:
            raise AssertionError(f"after {timeout_s:g} s still not so: {what}\n{tell()}")
        pause.wait(LOOK_S)
    return time.monotonic() - began


def _leader(process: "subprocess.Popen[bytes]", console: Path) -> int:
    def found() -> list[int]:
        assert process.poll() is None, console.read_text(errors="replace")
        return [pid for pid in _children(process) if _is_init(pid)]

    wait_until(lambda: bool(found()), "the container has an init", BOOT_S, lambda: console.read_text(errors="replace"))
    return found()[0]


def _switch_off(process: "subprocess.Popen[bytes]") -> None:
    """Kill the container's init; the kernel kills the rest of it, and nspawn tidies up."""
    for pid in _children(process):
        os.kill(pid, signal.SIGKILL)
    try:
        process.wait(BOOT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _children(process: "subprocess.Popen[bytes]") -> list[int]:
    return list(map(int, Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()))


def _is_init(pid: int) -> bool:
    try:
        process = Path("/proc") / str(pid)
        return (process / "comm").read_text() == "systemd\n" and (process / "root" / "run/systemd").is_dir()
    except OSError:
        return False


@contextlib.contextmanager
def _cgroup(name: str) -> Iterator[list[str]]:
    """Yield what starts a command in a cgroup of its own, below the one of this process."""
    mounts = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    mounted = next(Path(fields[4]) for fields in mounts if fields[fields.index("-") + 1] == "cgroup2")
    own = next(line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
    group = mounted / own.lstrip("/") / name
    group.mkdir(exist_ok=True)
    try:
        yield ["sh", "-c", f'echo $$ > "{group}/cgroup.procs" && exec "$@"', "enter"]
    finally:
        for folder, _, _ in os.walk(group, topdown=False):
            with contextlib.suppress(OSError):
                Path(folder).rmdir()
