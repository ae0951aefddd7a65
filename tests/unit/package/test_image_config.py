import hashlib
import json
import lzma
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import bundles
from packager import ROOT, load

image_config = load("image_config")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKNMz41W05h0m5d98rFwK+143Z6B3OIMVyyYNMSmrFtB maker@desk"
PASSPHRASE = "correct horse battery"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    (tmp_path / "key.pub").write_text(KEY + "\n")
    (tmp_path / "wifi").write_text(PASSPHRASE + "\n")
    (tmp_path / "sealbell_1_arm64.deb").write_bytes(b"deb")
    bundles.write(tmp_path)
    return tmp_path


def run(desk: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-S", ROOT / "packaging" / "image_config.py", "--out", desk / "card",
         "--deb", desk / "sealbell_1_arm64.deb", "--ssh-key", desk / "key.pub", *arguments],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_card_holds_all_that_the_first_boot_needs(desk: Path) -> None:
    done = run(
        desk, "--wifi", "Home", "--wifi-password", desk / "wifi", "--country", "DE", "--bundle", desk / "bundle.json"
    )
    assert done.returncode == 0, done.stderr
    boot = desk / "card" / "boot"
    found = {path.relative_to(boot).as_posix() for path in boot.rglob("*") if path.is_file()}
    assert found == {
        *("user-data", "meta-data", "network-config", "sealbell/sealbell_1_arm64.deb", "sealbell/bundle.json"),
    }
    assert (boot / "sealbell" / "bundle.json").read_bytes() == (desk / "bundle.json").read_bytes()
    assert (boot / "user-data").read_text().startswith("#cloud-config\n")
    assert {stat.S_IMODE((boot / name).stat().st_mode) for name in ("user-data", "network-config")} == {0o600}


def test_password_of_the_wifi_is_not_written_but_the_key_made_of_it(desk: Path) -> None:
    run(desk, "--wifi", "IEEE", "--wifi-password", desk / "wifi", "--country", "DE")
    written = b"".join(path.read_bytes() for path in (desk / "card").rglob("*") if path.is_file())
    assert PASSPHRASE.encode() not in written
    # IEEE 802.11-2020, annex J.4.2, the first test vector.
    network = image_config.network_config("IEEE", "password", "DE")["network"]
    key = network["wifis"]["wlan0"]["access-points"]["IEEE"]["password"]
    assert key == "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"


def test_nothing_that_is_typed_breaks_out_of_its_place() -> None:
    for ssid in ('Home"\n  evil: {x}', "-#*&!|>'%@`", "\u00dcn\u00ef \U0001f514"):
        config = image_config.network_config(ssid, "12345678", "DE")
        assert json.loads(image_config.dumped(config)) == config
        assert list(config["network"]["wifis"]["wlan0"]["access-points"]) == [ssid]
    assert "\U0001f514" in image_config.dumped({"bell": "\U0001f514"}), "YAML does not know JSON's pairs of escapes"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--hostname", "door bell"), "no host name"),
        (("--hostname", "a" * 64), "no host name"),
        (("--user", "root"), "no user name"),
        (("--user", "Maker"), "no user name"),
        (("--ssh-key", "wifi"), "no public ssh key"),
        (("--wifi", "Home", "--wifi-password", "wifi"), "needs its country"),
        (("--wifi", "Home", "--wifi-password", "key.pub", "--country", "DE"), "8 to 63"),
        (("--wifi", "H" * 33, "--wifi-password", "wifi", "--country", "DE"), "1 to 32 bytes"),
        (("--deb", "sealbell_1_amd64.deb"), "not a package for arm64"),
        (("--bundle", "wifi"), "not an owner's bundle"),
    ],
)
def test_what_cannot_be_is_refused_with_a_word(desk: Path, arguments: tuple[str, ...], complaint: str) -> None:
    files = {"wifi", "key.pub", "sealbell_1_amd64.deb"}
    done = run(desk, *(desk / word if word in files else word for word in arguments))
    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


def test_private_key_is_never_written(desk: Path) -> None:
    (desk / "key").write_text("-----BEGIN OPENSSH PRIVATE" + " KEY-----\n")
    assert "ends in .pub" in run(desk, "--ssh-key", desk / "key").stderr
    assert not (desk / "card").exists()


def test_every_card_is_a_first_boot_of_its_own(desk: Path) -> None:
    ids = []
    for _ in range(2):
        run(desk)
        ids.append(json.loads((desk / "card" / "boot" / "meta-data").read_text())["instance-id"])
    assert ids[0] != ids[1]


def test_nobody_logs_in_with_a_password() -> None:
    data = image_config.user_data("doorbell", "maker", KEY)
    [user] = data["users"]
    assert user["lock_passwd"] is True
    assert data["ssh_pwauth"] is False
    assert user["ssh_authorized_keys"] == [KEY]


def test_first_boot_installs_before_it_starts_and_waits_for_no_scrubbing() -> None:
    *_, install, start = image_config.user_data("doorbell", "maker", KEY)["runcmd"]
    assert "/boot/firmware/sealbell/*.deb" in install[-1]
    assert start[:3] == ["systemctl", "start", "--no-block"]
    for unit in start[3:]:
        assert (ROOT / "systemd" / unit).exists()


@pytest.mark.parametrize("packed", [False, True])
def test_manifest_tells_imager_how_to_customise(desk: Path, packed: bool) -> None:
    image, data = desk / ("own.img.xz" if packed else "own.img"), bytes(3_000_000)
    image.write_bytes(lzma.compress(data) if packed else data)
    assert run(desk, "--image", image).returncode == 0
    [entry] = json.loads((desk / "card" / "sealbell.rpi-imager-manifest").read_text())["os_list"]
    assert entry["init_format"] == "cloudinit-rpi"
    assert entry["url"] == image.as_uri()
    assert (entry["extract_size"], entry["extract_sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert entry["image_download_size"] == image.stat().st_size
    assert entry["image_download_sha256"] == hashlib.sha256(image.read_bytes()).hexdigest()
    required = {
        "name",
        "description",
        "icon",
        "url",
        "extract_size",
        "extract_sha256",
        "image_download_size",
        "release_date",
    }
    assert required <= set(entry)


def test_image_that_was_cut_short_is_refused(desk: Path) -> None:
    (desk / "own.img.xz").write_bytes(lzma.compress(bytes(3_000_000))[:-20])
    done = run(desk, "--image", desk / "own.img.xz")
    assert done.returncode == 2
    assert "no whole .xz file" in done.stderr
