"""Builds the package that is to be installed."""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
BUILD_S = 900


def build(folder: Path, arch: str, *arguments: str) -> Path:
    """Return the file of a package for `arch`, built from this tree into `folder`."""
    script = REPOSITORY / "packaging" / "deb.py"
    command = [sys.executable, str(script), "--arch", arch, "--out", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=BUILD_S)
    if done.returncode:
        raise AssertionError(f"the package cannot be built\n{done.stderr}")
    return Path(done.stdout.splitlines()[-1])
