"""What runs is what the package brought: nothing of the environment, of a user, or of pip gets in between."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from packager import ROOT

LAUNCHER = (ROOT / "packaging" / "launcher").read_text(encoding="utf-8")
CLI = "import sys\ndef main():\n    print(*sys.path, sep='\\n')\n    return 3\n"


@pytest.fixture
def ran(tmp_path: Path) -> subprocess.CompletedProcess[str]:
    site, evil = tmp_path / "site", tmp_path / "evil"
    for folder, text in ((site, CLI), (evil, "raise SystemExit('evil')")):
        (folder / "thing").mkdir(parents=True)
        (folder / "thing" / "cli.py").write_text(text)
    program = tmp_path / "bin" / "thing"
    program.parent.mkdir()
    program.write_text(LAUNCHER.replace("@PACKAGE@", "thing").replace("/usr/lib/sealbell", str(site)))
    (program.parent / "sys.py").write_text("raise SystemExit('beside')")
    assert LAUNCHER.startswith("#!/usr/bin/python3 -I\n")
    return subprocess.run(
        [sys.executable, "-I", program], env={**os.environ, "PYTHONPATH": str(evil)}, cwd=evil, timeout=60,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_launcher_runs_what_the_package_brought(ran: subprocess.CompletedProcess[str], tmp_path: Path) -> None:
    assert (ran.returncode, ran.stderr) == (3, "")
    assert ran.stdout.splitlines()[0] == str(tmp_path / "site")


def test_launcher_lets_nothing_else_in(ran: subprocess.CompletedProcess[str], tmp_path: Path) -> None:
    for path in ran.stdout.splitlines()[1:]:
        assert not path.startswith(str(tmp_path))
        assert not path.startswith("/usr/local/lib/python3.13/")
