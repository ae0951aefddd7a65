"""`make setup` says what a machine lacks, before anything is installed: the real target, on a Python made worse."""

import ast
import os
import subprocess
import sys
from pathlib import Path

from docs.pages import ROOT


def make_setup(tmp_path: Path, python: Path | str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `make setup` into an empty folder with this Python."""
    return subprocess.run(
        ["make", "--no-print-directory", "setup", f"PYTHON={python}", f"VENV={tmp_path / 'venv'}"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environment},
    )  # fmt: skip


def test_setup_names_the_version_it_needs(tmp_path: Path) -> None:
    python = tmp_path / "python3"
    code = (
        "import runpy, sys; sys.version_info = (3, 9, 2, 'final', 0); sys.argv = sys.argv[1:]; "
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{code}" "$@"\n')
    python.chmod(0o755)
    done = make_setup(tmp_path, python)
    assert done.returncode != 0
    assert "is Python 3.9: sealbell needs 3.11 or later" in done.stderr
    assert "hint: " in done.stderr
    assert not (tmp_path / "venv").exists()


def test_setup_names_the_package_that_holds_venv(tmp_path: Path) -> None:
    # Debian's python3 without python3-venv: `venv` is there, `ensurepip` is not.
    (tmp_path / "ensurepip.py").write_text("raise ImportError('No module named ensurepip')\n")
    done = make_setup(tmp_path, sys.executable, PYTHONPATH=str(tmp_path))
    assert done.returncode != 0
    assert "apt-get install python3-venv" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_the_complaint_runs_on_the_pythons_that_it_refuses() -> None:
    source = (ROOT / "testing" / "check_python.py").read_text(encoding="ascii")
    ast.parse(source, feature_version=(3, 4))


def test_nothing_is_missing_here() -> None:
    subprocess.run([sys.executable, ROOT / "testing" / "check_python.py"], check=True)
