"""What is in the package, read as dpkg would: the same bytes each time, and nothing that is not for the Pi."""

import io
import os
import shutil
import struct
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.boot

REPOSITORY = Path(__file__).parents[2]
ELF, AARCH64 = b"\x7fELF", 183  # ELF's e_machine


def build(folder: Path, *, umask: int = 0o022, zone: str = "UTC") -> Path:
    command = [sys.executable, REPOSITORY / "packaging" / "deb.py", "--arch", "arm64", "--out", folder]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000", "TZ": zone}
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, timeout=600, env=environment, umask=umask
    )
    return Path(done.stdout.strip())


@pytest.fixture(scope="module")
def arm64(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("arm64"))


def members(package: Path) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    unpacked = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], capture_output=True, check=True, timeout=120)
    with tarfile.open(fileobj=io.BytesIO(unpacked.stdout)) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            yield member, file.read() if file else b""


def test_package_that_is_built_twice_is_the_same(arm64: Path, tmp_path: Path) -> None:
    assert build(tmp_path, umask=0o077, zone="Asia/Tokyo").read_bytes() == arm64.read_bytes()


def test_every_program_in_it_is_for_the_pi(arm64: Path) -> None:
    machines = {
        member.name: struct.unpack_from("<H", data, 18)[0] for member, data in members(arm64) if data.startswith(ELF)
    }
    assert len(machines) > 20
    assert set(machines.values()) == {AARCH64}


def test_everything_in_it_is_roots_and_of_two_modes_and_nothing_is_compiled(arm64: Path) -> None:
    times = set()
    for member, _ in members(arm64):
        assert (member.uid, member.gid) == (0, 0), member.name
        assert member.mode in ((0o755,) if member.isdir() else (0o644, 0o755)), member.name
        assert not member.name.endswith((".pyc", "__pycache__")), member.name
        times.add(member.mtime)
    assert len(times) == 1


@pytest.mark.skipif(not shutil.which("lintian"), reason="lintian is not installed")
def test_lintian_finds_nothing_that_is_not_meant(arm64: Path) -> None:
    done = subprocess.run(
        ["lintian", "--allow-root", "--fail-on", "error,warning", arm64],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")
