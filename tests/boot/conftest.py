"""The package under test, the one before it, and a system with a household set up in it, made once for all tests."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from boot import household, rootfs
from boot.nspawn import Container, booted
from boot.package import build

BEFORE = "0.0.9"  # nothing was released yet: the same sources under a lower number stand for the release before


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    if os.geteuid() != 0 or not shutil.which("systemd-nspawn") or not shutil.which("mmdebstrap"):
        pytest.fail("booting needs root, systemd-nspawn and mmdebstrap\nhint: `make test-boot` as root", pytrace=False)
    folder = tmp_path_factory.mktemp("boot")
    yield folder
    shutil.rmtree(folder)  # whole systems


@pytest.fixture(scope="session")
def package(workshop: Path) -> Path:
    return build(workshop / "now", "amd64")


@pytest.fixture(scope="session")
def package_before(workshop: Path) -> Path:
    return build(workshop / "before", "amd64", "--version", BEFORE)


@pytest.fixture(scope="session")
def bare(workshop: Path) -> Path:
    return rootfs.unpack("amd64", workshop / "bare")


@pytest.fixture(scope="session")
def home(workshop: Path, package: Path) -> Path:
    return household.prepared(workshop / "home", package)


@pytest.fixture
def bare_system(bare: Path) -> Iterator[Container]:
    with booted(bare) as container:
        yield container


@pytest.fixture
def system(home: Path) -> Iterator[Container]:
    with booted(home) as container:
        yield container
