"""What the package promises by its imports alone."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import sealbell_wire

PACKAGE = Path(sealbell_wire.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
FOR_THE_RELAY = (
    "errors",
    "ids",
    "topics",
    "sshsig",
    "record",
    "part",
    "chain",
    "receipt",
    "enrolment",
    "invite",
    "strictjson",
)
OPENS = ("age", "sealing", "opening", "content", "boxes", "readers")
IMPURE = {"time", "datetime", "random", "secrets", "socket", "threading", "asyncio", "subprocess", "pathlib", "logging"}


def imported_by(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


def test_importing_the_package_brings_nothing_along() -> None:
    assert ast.parse((PACKAGE / "__init__.py").read_text()).body == []


def test_what_the_relay_may_import_brings_nothing_that_opens() -> None:
    modules = ", ".join(f"sealbell_wire.{name}" for name in FOR_THE_RELAY)
    loaded = subprocess.run(
        [sys.executable, "-c", f"import {modules}, sys; print(*sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert "sealbell_wire.receipt" in loaded
    assert [name for name in loaded if name.startswith(tuple(f"sealbell_wire.{part}" for part in OPENS))] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_wire_stands_on_the_standard_library_and_cryptography(path: Path) -> None:
    assert imported_by(path) <= sys.stdlib_module_names | {"cryptography", "sealbell_wire"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_wire_has_no_clock_no_io_and_no_threads(path: Path) -> None:
    assert imported_by(path) & IMPURE == set()
