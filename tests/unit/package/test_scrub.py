import os
import subprocess
import sys
from pathlib import Path

import pytest

from packager import ROOT

SECRET = b"f5e9817f66c348f8b203a676e35fc62067532fd2"


@pytest.fixture
def boot(tmp_path: Path) -> Path:
    boot = tmp_path / "boot"
    (boot / "sealbell").mkdir(parents=True)
    for name in ("user-data", "network-config", "sealbell/bundle.json", "sealbell/sealbell_1_arm64.deb"):
        (boot / name).write_bytes(SECRET * 4_000)
    for name in ("meta-data", "config.txt", "sealbell-card.json"):
        (boot / name).write_bytes(b"stays")
    (tmp_path / "home").mkdir()
    return boot


def scrub(boot: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", ROOT / "packaging" / "scrub.py", boot, boot.parent / "home"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def set_up(boot: Path) -> None:
    (boot.parent / "home" / "card.json").touch()


def test_nothing_of_the_first_boot_is_left(boot: Path) -> None:
    set_up(boot)
    assert scrub(boot).returncode == 0
    assert {path.name for path in boot.iterdir()} == {
        *("user-data", "network-config", "meta-data", "config.txt", "sealbell-card.json"),
    }
    for path in boot.parent.rglob("*"):
        assert not path.is_file() or SECRET not in path.read_bytes(), path


def test_what_is_removed_is_overwritten_where_it_lies(boot: Path) -> None:
    set_up(boot)
    for name in ("bundle.json", "sealbell_1_arm64.deb"):
        os.link(boot / "sealbell" / name, boot.parent / name)  # the same blocks by another name
    scrub(boot)
    for name in ("bundle.json", "sealbell_1_arm64.deb"):
        assert (boot.parent / name).read_bytes() == bytes(len(SECRET) * 4_000)


def test_cloud_init_finds_what_it_knows_and_does_nothing(boot: Path) -> None:
    set_up(boot)
    scrub(boot)
    assert (boot / "meta-data").read_bytes() == b"stays"  # another instance-id would be a new first boot
    text = (boot / "user-data").read_text()
    assert text.startswith("#cloud-config\n")
    settings = [line for line in text.splitlines() if not line.startswith("#")]
    assert settings == ["ssh_pwauth: false"]  # none would be an error to it


def test_a_doorbell_that_is_not_set_up_keeps_its_bundle(boot: Path) -> None:
    before = {path: path.read_bytes() for path in boot.rglob("*") if path.is_file()}
    done = scrub(boot)
    assert done.returncode == 1
    assert "hint: journalctl -u sealbell-setup" in done.stderr
    assert {path: path.read_bytes() for path in boot.rglob("*") if path.is_file()} == before


def test_no_link_leads_it_elsewhere(boot: Path) -> None:
    set_up(boot)
    outside = boot.parent / "outside"
    outside.write_bytes(SECRET)
    (boot / "sealbell" / "bundle.json").unlink()
    (boot / "sealbell" / "bundle.json").symlink_to(outside)
    scrub(boot)
    assert outside.read_bytes() == SECRET


def test_scrubbing_twice_is_scrubbing_once(boot: Path) -> None:
    set_up(boot)
    assert [scrub(boot).returncode for _ in range(2)] == [0, 0]
