import hashlib
import re
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from packager import ROOT, load

wheels = load("wheels")
LOCK = (ROOT / "requirements.lock").read_text(encoding="ascii")
RECORD = "thing-1.dist-info/RECORD"


def wheel(folder: Path, files: Mapping[str, bytes]) -> Path:
    path = folder / "thing-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {RECORD: b"", **files}.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("machine", ["aarch64", "x86_64"])
def test_everything_is_carried_but_what_must_be_the_systems(machine: str) -> None:
    carried = wheels.closure(machine)
    named = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [named["dependencies"], *(named["optional-dependencies"][extra] for extra in wheels.EXTRAS)]
    needed = {re.split("[<>=]", line)[0] for lines in wanted for line in lines}
    assert needed - set(wheels.FROM_DEBIAN) <= set(carried)
    assert not {"numpy", "av", "sealbell", "pytest", "mypy", "ruff"} & set(carried)
    pins = wheels.locked(LOCK, carried, machine)
    assert len(pins) == len(carried)
    assert all(hashes and all(len(each) == 64 for each in hashes) for hashes in pins.values())


def test_what_the_lock_does_not_pin_is_not_carried() -> None:
    with pytest.raises(wheels.PackageError, match="pins no nonesuch\nhint: "):
        wheels.locked(LOCK, ["nonesuch"], "aarch64")


def test_markers_are_judged_by_the_python_of_the_pi() -> None:
    lock = (
        "thing==1 ; python_full_version < '3.12' \\\n    --hash=sha256:" + "a" * 64 + "\n"
        "thing==2 ; python_full_version >= '3.12' \\\n    --hash=sha256:" + "b" * 64 + "\n"
    )
    assert wheels.locked(lock, ["thing"], "aarch64") == {"thing==2": ["b" * 64]}


def test_wheel_that_was_exchanged_is_refused(tmp_path: Path) -> None:
    forged = wheel(tmp_path, {"thing.py": b"import os"})
    pins = {"thing==1": ["a" * 64]}
    (tmp_path / "complete.txt").write_text(f"thing==1 --hash=sha256:{'a' * 64}\n")  # so that nothing is downloaded
    with pytest.raises(wheels.PackageError, match="no hash that"):
        wheels.download(pins, "aarch64", tmp_path)
    digest = hashlib.sha256(forged.read_bytes()).hexdigest()
    (tmp_path / "complete.txt").write_text(f"thing==1 --hash=sha256:{digest}\n")
    assert wheels.download({"thing==1": [digest]}, "aarch64", tmp_path) == [forged]


@pytest.mark.parametrize("name", ["../thing.py", "/tmp/thing.py", "thing-1.data/purelib/../../../thing.py"])
def test_wheel_cannot_write_outside(tmp_path: Path, name: str) -> None:
    with pytest.raises(wheels.PackageError, match="holds the path"):
        wheels.unpack(wheel(tmp_path, {name: b""}), tmp_path / "site")
    assert not (tmp_path / "thing.py").exists()


def test_what_is_unpacked_is_recorded_and_no_more(tmp_path: Path) -> None:
    site = tmp_path / "site"
    files = {
        "thing/core.py": b"1",
        "thing-1.data/scripts/thing": b"#!",
        "thing-1.data/platlib/fast.so": b"ELF",
        "thing-1.data/headers/thing.h": b"",
    }
    wheels.unpack(wheel(tmp_path, files), site)
    found = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    assert found == {"thing/core.py", "bin/thing", "fast.so", RECORD}
    rows = [line.split(",") for line in (site / RECORD).read_text().splitlines()]
    assert {row[0] for row in rows} == found
    assert {row[0]: row[2] for row in rows} == {"thing/core.py": "1", "bin/thing": "2", "fast.so": "3", RECORD: ""}
    assert [path.name for path in site.rglob("*") if path.is_file() and path.stat().st_mode & 0o111] == ["thing"]
