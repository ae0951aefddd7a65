"""A card as docs/flash.md makes it, started for the first time: real cloud-init, of Debian, in a container.

What is not Raspberry Pi's here: the system, the processor, the camera (drawn), and the two packages that only its
archive has, for which empty ones of their names stand in.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import bundles
from boot import rootfs
from boot.household import DRAWING, UPLINK, WATCH
from boot.nspawn import Container, booted

pytestmark = pytest.mark.boot

REPOSITORY = Path(__file__).parents[2]
NETPLAN = ".".join(("netplan", "io"))  # a package, whose name looks like a host's
INIT = ("cloud-init", NETPLAN, "openssh-server", "sudo")
STAND_INS = ("python3-picamera2", "python3-lgpio")
# As RPi-Distro/pi-gen writes it into Raspberry Pi OS (stage2/04-cloud-init).
SEED = "datasource_list: [ NoCloud, None ]\ndatasource:\n  NoCloud:\n    seedfrom: file:///boot/firmware\n"
DRAWN = f"[Service]\nExecStart=\nExecStart=/usr/bin/sealbell watch /var/lib/sealbell --synthetic {DRAWING}\n"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKNMz41W05h0m5d98rFwK+143Z6B3OIMVyyYNMSmrFtB maker@desk"
PASSPHRASE, SSID = "correct horse battery", 'Home "5" \u00dcn\u00ef'
INSTALL_S, SCRUB_S = 600, 180.0


def inside(root: Path, *command: str) -> None:
    done = subprocess.run(
        ["chroot", root, "env", "DEBIAN_FRONTEND=noninteractive", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *command],
        capture_output=True, text=True, timeout=INSTALL_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def stand_in(root: Path, name: str) -> None:
    folder = root / "tmp" / name
    (folder / "DEBIAN").mkdir(parents=True)
    text = f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: nobody\nDescription: stands in\n"
    (folder / "DEBIAN" / "control").write_text(text)
    subprocess.run(["dpkg-deb", "--build", folder, f"{folder}.deb"], check=True, capture_output=True, timeout=60)
    inside(root, "dpkg", "--install", f"/tmp/{name}.deb")


def card(folder: Path, package: Path) -> Path:
    """What a maker copies onto the boot partition."""
    folder.mkdir()
    (folder / "key.pub").write_text(KEY)
    (folder / "wifi").write_text(PASSPHRASE)
    deb = shutil.copy(package, folder / package.name.replace("amd64", "arm64"))
    command = [sys.executable, REPOSITORY / "packaging" / "image_config.py", "--out", folder / "card", "--deb", deb]
    options = ["--ssh-key", folder / "key.pub", "--bundle", bundles.write(folder)]
    wifi = ["--wifi", SSID, "--wifi-password", folder / "wifi", "--country", "DE"]
    subprocess.run([*command, *options, *wifi], check=True, timeout=60)
    return folder / "card" / "boot"


@pytest.fixture(scope="module")
def flashed(workshop: Path, package: Path) -> Path:
    root = rootfs.unpack("amd64", workshop / "flashed")
    (root / "etc/resolv.conf").unlink(missing_ok=True)
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    inside(root, "apt-get", "update", "--quiet")
    inside(root, "apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *INIT)
    for name in STAND_INS:
        stand_in(root, name)
    (root / "etc/apt/sources.list").unlink()  # from here on there is no network
    shutil.copytree(card(workshop / "desk", package), root / "boot/firmware")
    (root / "etc/cloud/cloud.cfg.d/99_raspberry-pi.cfg").write_text(SEED)
    drop_in = root / "etc/systemd/system" / f"{WATCH}.d" / "drawn.conf"
    drop_in.parent.mkdir(parents=True)
    drop_in.write_text(DRAWN)
    return root


def scrubbed(system: Container) -> bool:
    return not system.path("/boot/firmware/sealbell").exists()


def test_cloud_init_knows_every_word_of_it(flashed: Path) -> None:
    inside(
        flashed, "cloud-init", "schema", "--config-file", "/boot/firmware/user-data", "--schema-type", "cloud-config"
    )
    network = ("--config-file", "/boot/firmware/network-config", "--schema-type", "network-config")
    inside(flashed, "cloud-init", "schema", *network)


def test_card_becomes_a_doorbell_by_itself_and_tells_nothing_of_it_then(flashed: Path) -> None:
    with booted(flashed, keep=True) as system:
        system.wait_until(lambda: system.active(WATCH, UPLINK) and scrubbed(system), "it is set up", SCRUB_S)
        boot = system.path("/boot/firmware")
        names = {path.name for path in boot.iterdir()}
        assert names == {"user-data", "network-config", "meta-data", "sealbell-introduction.json"}
        public = json.loads(system.path("/var/lib/sealbell/card.json").read_text())
        told = json.loads((boot / "sealbell-introduction.json").read_text())
        assert told == json.loads(system.path("/var/lib/sealbell/introduction.json").read_text())
        assert {key: told[key] for key in ("key", "owner")} == {key: public[key] for key in ("key", "owner")}
        left = b"".join((boot / name).read_bytes() for name in names)
        for secret in (PASSPHRASE, SSID, "maker", "ssh-ed25519", bundles.readers().owner[:16]):
            assert secret.encode() not in left.replace(public["owner"].encode(), b"")
        assert system.run("hostname").strip() == "doorbell"
        assert "sudo" in system.run("id", "--name", "--groups", "maker").split()
        assert system.run("sh", "-c", "cat ~maker/.ssh/authorized_keys").strip() == KEY
        netplan = system.run("sh", "-c", "cat /etc/netplan/*.yaml")
        assert PASSPHRASE not in netplan
        assert "wlan0" in netplan
        system.power_off()
    with booted(flashed, keep=True) as system:
        system.wait_until(lambda: system.active(WATCH, UPLINK), "it watches again")
        status = ("cloud-init", "status", "--wait", "--long")
        assert "errors: []" in system.run(*status, check=False, timeout_s=SCRUB_S)
        assert "recoverable_errors: {}" in system.run("cloud-init", "status", "--long", check=False)
        assert json.loads(system.path("/var/lib/sealbell/card.json").read_text()) == public
        assert system.run("sh", "-c", "cat /etc/netplan/*.yaml") == netplan
        system.power_off()
