"""docs/by-hand.md is run as it stands: a reader who types it gets what it says."""

import os
import re
import shlex
import subprocess
import sysconfig
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.pages import ROOT, page

FOOTAGE = ROOT / "tests" / "footage" / "derived_static_onebyone_0-55.mp4"
READY_S, LOOK_S = 30.0, 0.05


class Reader:
    """Someone who types the page's commands, one after the other, in an empty folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.here = folder
        self.said = ""
        self._beside: list[subprocess.Popen[bytes]] = []
        path = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"
        self._environment = {**os.environ, "PATH": path}

    def type(self, line: str) -> None:
        """Do what a shell does with the line; one that ends in & runs beside."""
        if line.startswith("cd "):
            self.here = (self.here / line.removeprefix("cd ")).resolve()
        elif line.endswith("&"):
            words = shlex.split(line.removesuffix("&"))
            self._beside.append(subprocess.Popen(words, cwd=self.here, env=self._environment))
            self._wait_for(self.folder / "relay" / "relay.json")
        else:
            done = subprocess.run(
                ["sh", "-c", line], cwd=self.here, env=self._environment, capture_output=True, timeout=120, check=False
            )
            assert done.returncode == 0, f"{line}: {done.stderr.decode(errors='replace')}"
            self.said += done.stdout.decode()

    def leave(self) -> None:
        """Stop what runs beside."""
        for process in self._beside:
            process.terminate()
            process.wait(READY_S)

    def _wait_for(self, path: Path) -> None:
        never = threading.Event()
        for _ in range(int(READY_S / LOOK_S)):
            if path.exists() or self._beside[-1].poll() is not None:
                break
            never.wait(LOOK_S)
        assert path.exists()


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    reader = Reader(tmp_path_factory.mktemp("by-hand"))
    try:
        for block in page("docs/by-hand.md").blocks("sh"):
            for line in block.splitlines():
                reader.type(line.replace("FILE", shlex.quote(str(FOOTAGE))))
        yield reader
    finally:
        reader.leave()


def test_the_clip_is_opened(reader: Reader) -> None:
    assert (reader.folder / "clip.mp4").read_bytes()[4:8] == b"ftyp"
    assert "button" in reader.said


def test_ssh_keygen_says_that_the_doorbell_signed(reader: Reader) -> None:
    assert 'Good "part@sealbell" signature for doorbell' in reader.said


def test_the_hashes_of_head_and_body_stand_in_the_record(reader: Reader) -> None:
    hashes = dict(re.findall(r"^([0-9a-f]{64})  000000\.(head|body)$", reader.said, re.MULTILINE))
    record = (reader.folder / "evidence" / "000000.record").read_text(encoding="ascii")
    assert {f"{what} {digest}" for digest, what in hashes.items()} < set(record.splitlines())
    assert len(hashes) == 2


def test_the_notice_opens_to_the_snapshot_of_the_ring(reader: Reader) -> None:
    assert (reader.folder / "evidence" / "ring.jpg").read_bytes().startswith(b"\xff\xd8\xff")
