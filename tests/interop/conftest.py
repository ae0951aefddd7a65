import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SKIP = "SEALBELL_SKIP_INTEROP"
INSTALL_S = 240
PATIENCE_S = 60


def need(name: str, hint: str) -> str:
    """The path of a program that these tests compare ours with. Without it they fail, or are skipped if told so."""
    path = shutil.which(name)
    if path is None:
        if os.environ.get(SKIP):
            pytest.skip(f"{name} is not installed")
        pytest.fail(f"{name} is not installed\nhint: {hint}, or set {SKIP}=1 to skip what needs it", pytrace=False)
    return path


def program(*command: str) -> Callable[..., bytes]:
    """A program that is given arguments and standard input, and returns its output or raises CalledProcessError."""

    def run(*arguments: str, data: bytes = b"") -> bytes:
        done = subprocess.run([*command, *arguments], input=data, capture_output=True, check=True, timeout=PATIENCE_S)
        return done.stdout

    return run


@pytest.fixture(scope="session")
def debian_age() -> Callable[..., bytes]:
    return program(need("age", "apt-get install age"))


@pytest.fixture(scope="session")
def typescript_age() -> Callable[..., bytes]:
    node = need("node", "install Node.js 20.19 or newer")
    if not (HERE / "node_modules" / "age-encryption").is_dir():
        npm = need("npm", "install npm, which comes with Node.js")
        subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=HERE, check=True, timeout=INSTALL_S)
    return program(node, str(HERE / "age.mjs"))
