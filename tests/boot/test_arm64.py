"""The package on a Pi's processor, emulated: it installs, the demo passes, and power cuts cost nothing committed."""

import random
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from boot.arm64 import Board, installed, run_in
from boot.household import DOORBELL
from boot.ledger import UNITS
from boot.package import REPOSITORY, build
from sealbell.demo import processes
from sealbell.demo.street import Street
from sealbell.spool import parse_name
from sealbell_wire import chain
from sealbell_wire.enrolment import DoorbellCard, parse_card
from sealbell_wire.part import Part, parse_part, verify_part

pytestmark = pytest.mark.arm64

FOOTAGE = REPOSITORY / "tests/footage/derived_static_onebyone_0-55.mp4"
CUTS = 10
LONGEST_WAIT_S = 3.0
COMMITS_BEFORE_A_CUT = 5
MEMORY_MIB = 150
SEED = 20_260


@pytest.fixture(scope="module")
def root(workshop: Path) -> Path:
    return installed(workshop / "arm64-root", build(workshop / "arm64", "arm64"))


@pytest.fixture(scope="module")
def street(workshop: Path) -> Iterator[Street]:
    """The owner and the relay of the board's doorbell; they are here, it reaches nobody."""
    with ExitStack() as stack:
        street = Street(workshop, stack)
        street.start_relay()
        street.set_up_owner()
        yield street


@pytest.fixture(scope="module")
def board(root: Path, street: Street) -> Board:
    shutil.copy(street.owner / "bundle.json", root / "srv")
    run_in(root, f"sealbell init {DOORBELL} --owner /srv/bundle.json && systemd-tmpfiles --create sealbell.conf")
    return Board.laid(root, street.folder / "board")


def committed_parts(folder: Path) -> dict[str, Part]:
    """Every part in an outbox, read and verified, and every clip in it whole as far as it goes."""
    card = parse_card((folder / "card.json").read_bytes())
    assert isinstance(card, DoorbellCard)
    parts = {path.name: parse_part(path.read_bytes()) for path in sorted((folder / "outbox").glob("*.part"))}
    assert all(parse_name(name) for name in parts)
    for part in parts.values():
        verify_part(part, bytes.fromhex(card.key))
    first = before = next(iter(parts.values()))
    for after in list(parts.values())[1:]:
        if before.record.clip == after.record.clip:
            chain.check_joins(before.record, before.hash, after.record)
        else:
            chain.check_follows(first.record, before.hash, after.record)
            first = after
        before = after
    return parts


def test_it_installs_without_network_and_compiler(root: Path) -> None:
    assert run_in(root, "dpkg --print-architecture; ! command -v cc gcc make").split() == ["arm64"]
    said = run_in(root, "sealbell --version; dpkg --audit; dpkg-query --show --showformat='${Status}' sealbell")
    assert said.splitlines()[-1] == "install ok installed"
    assert len(said.splitlines()) == 2


def test_the_demo_passes_there(root: Path) -> None:
    shutil.copy(FOOTAGE, root / "srv")
    said = run_in(root, f"sealbell demo --once --footage /srv/{FOOTAGE.name} --press 3 --out /tmp/out")
    print("\n" + said)
    assert "refused: no match" in said


def test_ten_power_cuts_cost_nothing_that_was_committed(board: Board, street: Street, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    known: set[str] = set()
    hashes: dict[str, str] = {}
    for cut in range(1, CUTS + 1):
        with board.powered() as run:
            took_s = run.wait_until_committed(COMMITS_BEFORE_A_CUT, known)
            after_s = chance.uniform(0, LONGEST_WAIT_S)
            run.wait_for_memory(1)
            run.stay(after_s)
        parts = committed_parts(board.checked_copy(tmp_path / str(cut)))
        new = run.committed - known
        known |= run.committed
        assert known <= parts.keys()
        assert hashes.items() <= {name: part.hash for name, part in parts.items()}.items()
        hashes = {name: parts[name].hash for name in parts}
        print(f"\ncut {cut}: {took_s:.0f} s after power came, {len(new)} more parts committed, none lost; clean")
    folder = tmp_path / str(CUTS)
    processes.run("sealbell-owner", "pin", street.owner, folder / "introduction.json", "--name", "board")
    processes.run("sealbell", "uplink", folder, "--until-empty")
    for clip in {part.record.clip for part in parts.values()}:
        opened = tmp_path / f"{clip}.mp4"
        processes.run("sealbell-owner", "open", street.owner, clip, "--out", opened)
        assert opened.stat().st_size > 0


def test_both_processes_together_stay_within_their_memory(board: Board) -> None:
    with board.powered() as run:
        run.wait_for_memory(6)
    found = {unit: run.memory(unit) for unit in UNITS}
    for unit, (pss_kb, cpu_s) in found.items():
        print(f"\n{unit}: {pss_kb / 1024:.1f} MiB proportional set size, {cpu_s:.1f} s of emulated processor time")
    together_mib = sum(pss_kb for pss_kb, _ in found.values()) / 1024
    print(f"\ntogether {together_mib:.1f} MiB of at most {MEMORY_MIB}")
    assert together_mib <= MEMORY_MIB
