"""Machines of a test, each in a network namespace of its own behind one switch, so that cables can be pulled.

Everything lies inside namespaces of one process (`python -m` by `inside`): when that ends, however it ends, the kernel
ends every program of it and takes all of it away. Nothing of it is seen from outside.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

SUBNET = "10.9.0"
SWITCH = f"{SUBNET}.1"  # the test's own address


def inside(*command: str) -> list[str]:
    """Return the command line that runs `command` as root of namespaces of its own (network, mounts, processes)."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    spaces = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    return ["unshare", *user, *spaces, "--", *command]


def missing() -> str | None:
    """Why there can be no such network here; None if there can."""
    if sys.platform != "linux" or not all(map(shutil.which, ("ip", "unshare"))):
        return "needs Linux with iproute2 and util-linux"
    tried = subprocess.run(inside("ip", "link", "add", "try", "type", "bridge"), capture_output=True, check=False)
    return None if tried.returncode == 0 else "may not make network namespaces here: run it as root"


class Machine:
    """One address on the network, and the programs that run there, by name."""

    def __init__(self, name: str, number: int, folder: Path) -> None:
        self.name = name
        self.address = f"{SUBNET}.{number}"
        self.folder = folder
        self._cable = f"to-{name}"
        self._commands: dict[str, tuple[Sequence[str], Mapping[str, str]]] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        run("ip", "netns", "add", name)
        run("ip", "link", "add", self._cable, "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "link", "set", self._cable, "master", "switch", "up")
        run("ip", "-n", name, "address", "add", f"{self.address}/24", "dev", "eth0")
        run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "-n", name, "link", "set", "eth0", "up")

    def start(self, program: str, *command: str, environment: Mapping[str, str] | None = None) -> None:
        """Start a program, which says what it says into PROGRAM.log."""
        self._commands[program] = command, environment or {}
        self.start_again(program)

    def start_again(self, program: str) -> None:
        """Start a program that was killed, as it was."""
        command, environment = self._commands[program]
        with (self.folder / f"{program}.log").open("ab") as log:
            self._running[program] = subprocess.Popen(
                ["ip", "netns", "exec", self.name, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={**os.environ, **environment},
            )

    def kill(self, program: str) -> None:
        """End a program as a power cut would. (`ip netns exec` has become the program by then.)"""
        self._end(program, signal.SIGKILL)

    def stop(self, program: str) -> int:
        """Ask a program to end; return its exit code."""
        return self._end(program, signal.SIGTERM)

    def runs(self, program: str) -> bool:
        """Whether it has not ended by itself."""
        return self._running[program].poll() is None

    def said(self, program: str) -> str:
        """All that it said so far."""
        return (self.folder / f"{program}.log").read_text("utf-8", "replace")

    def cut(self) -> None:
        """Pull the cable: what is under way is lost, and no end is told."""
        run("ip", "link", "set", self._cable, "down")

    def heal(self) -> None:
        """Put the cable back."""
        run("ip", "link", "set", self._cable, "up")

    def _end(self, program: str, number: signal.Signals) -> int:
        process = self._running[program]
        process.send_signal(number)
        return process.wait()


class Network:
    """A switch with the test on it. To be made once, by a process that was started by `inside`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        run("mount", "-t", "tmpfs", "tmpfs", "/run")  # ip keeps its namespaces there
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "switch", "type", "bridge")
        run("ip", "address", "add", f"{SWITCH}/24", "dev", "switch")
        run("ip", "link", "set", "switch", "up")

    def machine(self, name: str, number: int) -> Machine:
        """Add a machine at the address with this last number."""
        return Machine(name, number, self._folder / name)

    def name(self, hosts: Mapping[str, Sequence[str]]) -> None:
        """Let every machine find these names, each at several addresses, as a DNS server would tell them."""
        lines = [f"{address} {name}\n" for name, addresses in hosts.items() for address in addresses]
        file = self._folder / "hosts"
        file.write_text("127.0.0.1 localhost\n" + "".join(lines))
        run("mount", "--bind", str(file), "/etc/hosts")


def run(*command: str) -> None:
    """Run a command that has to succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
