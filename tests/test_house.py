"""What the whole house promises: what is locked, what limits are called, what each process can reach."""

import ast
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import bundles
from sealbell.home import Home, set_up
from sealbell_wire.age.header import parse as parse_header
from sealbell_wire.part import parse_part, split_sealed

ROOT = Path(__file__).parents[1]
PACKAGES = (
    "wire/sealbell_wire",
    "firmware/sealbell",
    "relay/sealbell_relay",
    "owner/sealbell_owner",
    "testing/sealbell_testing",
)
DEADLINE_S = 60

# Run a command of the doorbell in a process of its own, and tell what it has loaded and which sockets it has made.
DRIVER = """
import json, os, sys
sockets = []
def hear(event, args):
    if event == "socket.__new__":
        sockets.append(int(args[1]))
sys.addaudithook(hear)
from sealbell.cli import main
code = main(json.loads(sys.argv[1]))
print(json.dumps({"code": code, "modules": sorted(sys.modules), "sockets": sockets}), file=sys.__stdout__)
"""


@dataclass(frozen=True)
class Ran:
    """How the command ended, and what it was seen to do."""

    code: int
    modules: frozenset[str]
    sockets: tuple[int, ...]

    def loaded(self, *names: str) -> list[str]:
        """Which of these modules, or of what is below them, it has loaded."""
        return sorted(m for m in self.modules if any(m == name or m.startswith(f"{name}.") for name in names))


def run(*arguments: object, notify: str = "") -> Ran:
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, json.dumps([str(argument) for argument in arguments])],
        env={**os.environ, "NOTIFY_SOCKET": notify},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    return Ran(told["code"], frozenset(told["modules"]), tuple(told["sockets"]))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("doorbell")
    set_up(folder / "home", bundles.write(folder), os.urandom)
    return folder / "home"


@pytest.fixture(scope="module")
def watch(home: Path) -> Iterator[Ran]:
    systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    systemd.bind(str(home / "notify"))
    yield run(
        *("watch", home, "--synthetic", "320x240@10:200000", "--length", "2", "--press", "0.5"),
        notify=str(home / "notify"),
    )
    systemd.close()


@pytest.fixture(scope="module")
def uplink(home: Path, watch: Ran) -> Ran:
    for path in Home(home).outbox.glob("*.part"):
        path.unlink()  # nothing to send, so that it ends at once
    return run("uplink", home, "--until-empty")


def test_picture_process_opens_no_socket_but_systemds(watch: Ran, home: Path) -> None:
    assert watch.code == 0
    assert set(watch.sockets) == {int(socket.AF_UNIX)}, "and it did speak to systemd, so the hook hears"


def test_picture_process_loads_no_network_code(watch: Ran) -> None:
    assert watch.loaded("sealbell.watch.camera", "sealbell_wire.age"), "it is the picture process"
    network = (
        "sealbell.uplink",
        "paho",
        "ssl",
        "http",
        "urllib.request",
        "urllib3",
        "aiohttp",
        "asyncio",
        "socketserver",
    )
    assert watch.loaded(*network) == []


def test_network_process_loads_no_picture_code_and_nothing_that_seals_or_opens(uplink: Ran) -> None:
    assert uplink.code == 0
    assert uplink.loaded("sealbell.uplink", "paho"), "it is the network process"
    pictures = ("av", "cv2", "numpy", "sealbell.watch", "sealbell.items")
    sealing = ("age", "sealing", "opening", "content", "boxes", "readers")
    allowed = {"sealbell_wire.readers"}  # home.py reads the pinned bundle with it; it holds no code that opens
    assert uplink.loaded(*pictures) == []
    assert set(uplink.loaded(*(f"sealbell_wire.{name}" for name in sealing))) <= allowed


def test_what_the_picture_process_commits_tells_nobody_how_many_readers_there_are(
    tmp_path: Path,
) -> None:
    set_up(tmp_path / "home", bundles.write(tmp_path), os.urandom)
    assert run("watch", tmp_path / "home", "--synthetic", "64x48@10:100000", "--length", "1", "--press", "0").code == 0
    parts = [parse_part(path.read_bytes()) for path in Home(tmp_path / "home").outbox.glob("*.part")]
    assert {part.record.kind for part in parts} == {"notice", "init", "media", "manifest"}
    assert {len(parse_header(split_sealed(part.sealed or b"")[0]).stanzas) for part in parts} == {4}


def test_import_rules_hold() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_lock_holds_a_hash_for_everything_and_no_address_nor_path() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="ascii")
    lines = [line for line in text.replace("\\\n", "").splitlines() if line and not line.lstrip().startswith("#")]
    assert len(lines) > 20
    for line in lines:
        pinned, *hashes = line.split(" --hash=")
        assert re.fullmatch(r"[a-z0-9._-]+==[0-9][0-9A-Za-z.+!-]*( ; [^/]+)?", pinned.strip()), pinned
        assert hashes, pinned
        assert all(re.fullmatch(r"\s*sha256:[0-9a-f]{64}\s*", digest) for digest in hashes), pinned
    for forbidden in ("://", "--index", "--extra", "--find-links", "--trusted", "file:", " @ ", "-e "):
        assert forbidden not in text


UNITS = {"BYTES", "CHARS", "US", "MS", "S", "PX", "HZ", "PERCENT", "BITS", "FPS"}
PURE_NUMBERS = {"SEQ", "INTEGER", "PORT", "DEPTH", "GAIN", "MINUTE"}


def limits() -> Iterator[tuple[str, str]]:
    """(file, name) of every constant that is a limit and a number."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if not isinstance(node, ast.Assign) or _is_text(node.value):
                    continue
                names = [each for target in node.targets for each in ast.walk(target) if isinstance(each, ast.Name)]
                for name in names:
                    if re.match(r"_?(MAX|MIN)_|.*_(LIMIT|TIMEOUT)(_|$)", name.id) and not name.id.startswith("DEFAULT"):
                        yield str(path.relative_to(ROOT)), name.id


def _is_text(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def test_every_limit_has_its_unit_in_its_name() -> None:
    found = list(limits())
    assert len(found) > 40
    nameless = [
        (path, name)
        for path, name in found
        if not any(
            word in UNITS | PURE_NUMBERS or (len(word) > 3 and word.endswith("S")) for word in name.split("_")[1:]
        )
    ]
    assert nameless == [], "a unit of measure, or in the plural what is counted"
