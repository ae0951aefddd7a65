"""Writes what a card with Raspberry Pi OS Lite (trixie) needs to become a doorbell: `make image-config`.

OUT/boot is copied onto the card's boot partition: cloud-init's user-data, meta-data and network-config, the package,
and the owner's bundle. With --image, OUT/sealbell.rpi-imager-manifest lets Raspberry Pi Imager 2 customise an image of
one's own. YAML is a superset of JSON, so what is written is JSON: nothing that a person types can break out of it.
"""

import argparse
import getpass
import hashlib
import json
import lzma
import re
import secrets
import shutil
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BOOT = "/boot/firmware"
FOLDER = "sealbell"
PSK_ROUNDS, PSK_BYTES = 4_096, 32  # WPA2: PBKDF2 with SHA-1, IEEE 802.11-2020, annex J.4
MIN_PASSPHRASE_CHARS, MAX_PASSPHRASE_CHARS = 8, 63
MAX_SSID_BYTES = 32
MAX_BUNDLE_BYTES = 1_000_000
CHUNK_BYTES = 1 << 20
DEVICES = ("pi3-64bit", "pi4-64bit", "pi5-64bit")  # Imager's tags; a Zero 2 W is a pi3-64bit
# picamera2 recommends a desktop, so what is wanted of it is named; there is nothing else in the package's Recommends.
CAMERA = "--no-install-recommends python3-picamera2 python3-lgpio"
UNITS = ("sealbell-setup", "sealbell-watch", "sealbell-uplink", "sealbell-scrub")
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,30}\Z")
_COUNTRY = re.compile(r"[A-Z]{2}\Z")
_KEY = re.compile(r"(?:ssh-(?:ed25519|rsa)|ecdsa-sha2-\S+|sk-\S+) [A-Za-z0-9+/=]+(?: [^\n]*)?\Z")


class ConfigError(Exception):
    """What was asked for cannot be written."""


def main() -> int:
    """Write it all and say what to do with it."""
    args = _parser().parse_args()
    try:
        write(args)
    except ConfigError as error:
        print(f"image-config: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"image-config: {error.filename}: {(error.strerror or 'unknown').lower()}", file=sys.stderr)
        return 1
    print(f"next: flash Raspberry Pi OS Lite (64-bit, trixie) without customising it, copy what is in {args.out}/boot")
    print("      onto the card's boot partition (docs/flash.md)")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="image-config", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "card", metavar="DIR", help="default build/card")
    parser.add_argument("--deb", type=Path, default=_package(), metavar="FILE", help="default: that of `make deb`")
    parser.add_argument("--bundle", type=Path, metavar="FILE", help="bundle.json of `sealbell-owner init`")
    parser.add_argument("--hostname", default="doorbell", metavar="NAME", help="default %(default)s")
    parser.add_argument("--user", default="maker", metavar="NAME", help="who logs in by ssh, default %(default)s")
    parser.add_argument("--ssh-key", type=Path, required=True, metavar="FILE", help="that user's public key")
    parser.add_argument("--wifi", metavar="NAME", help="the Wi-Fi's name; without one, a cable")
    parser.add_argument("--wifi-password", type=Path, metavar="FILE", help="its first line; default: ask")
    parser.add_argument("--country", metavar="XX", help="where the Wi-Fi is, such as DE")
    parser.add_argument("--image", type=Path, metavar="FILE", help="an image of one's own, .img or .img.xz")
    return parser


def _package() -> Path:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    return ROOT / "dist" / f"sealbell_{version}_arm64.deb"


def write(args: argparse.Namespace) -> None:
    """Write the boot partition's files and, for an image, its manifest."""
    boot: Path = args.out / "boot"
    seeds = {
        "user-data": "#cloud-config\n" + dumped(user_data(args.hostname, args.user, _first_line(args.ssh_key))),
        "meta-data": dumped({"instance-id": f"sealbell-{secrets.token_hex(8)}", "dsmode": "local"}),
        "network-config": dumped(network_config(*_wifi(args))),
    }
    if not args.deb.name.endswith("_arm64.deb") or not args.deb.is_file():
        raise ConfigError(f"{args.deb} is not a package for arm64\nhint: `make deb` builds one")
    shutil.rmtree(args.out, ignore_errors=True)
    (boot / FOLDER).mkdir(parents=True)
    for name, text in seeds.items():
        (boot / name).touch(mode=0o600)
        (boot / name).write_text(text, encoding="utf-8")
    shutil.copyfile(args.deb, boot / FOLDER / args.deb.name)
    if args.bundle:
        (boot / FOLDER / "bundle.json").write_bytes(_bundle(args.bundle))
    if args.image:
        text = dumped(manifest(args.image))
        (args.out / "sealbell.rpi-imager-manifest").write_text(text, encoding="utf-8")


def dumped(value: dict[str, Any]) -> str:
    """Return JSON, which is YAML too."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"  # YAML has no pairs of escapes for one character


def user_data(hostname: str, user: str, ssh_key: str) -> dict[str, Any]:
    """Return cloud-init's user-data: one user with an ssh key and no password, and the package installed."""
    if not _HOST.match(hostname):
        raise ConfigError(f"{hostname!r} is no host name\nhint: small letters, digits and hyphens, such as doorbell")
    if not _USER.match(user) or user == "root":
        raise ConfigError(f"{user!r} is no user name\nhint: small letters and digits, such as maker")
    if not _KEY.match(ssh_key):
        raise ConfigError("that is no public ssh key\nhint: --ssh-key takes the file that ends in .pub")
    # A Pi has no clock before the network gave it one, and apt would hold all lists for not valid yet.
    apt = "apt-get -o Acquire::Retries=5 -o Acquire::Check-Date=false"
    return {
        "hostname": hostname,
        "manage_etc_hosts": True,
        "ssh_pwauth": False,
        "users": [
            {
                "name": user,
                "groups": ["adm", "netdev", "sudo", "video", "gpio"],
                "shell": "/bin/bash",
                "lock_passwd": True,
                "sudo": "ALL=(ALL) NOPASSWD:ALL",
                "ssh_authorized_keys": [ssh_key],
            }
        ],
        "runcmd": [
            ["systemctl", "enable", "--now", "ssh.service"],
            [
                "sh",
                "-c",
                f"{apt} update && DEBIAN_FRONTEND=noninteractive {apt} install -y {BOOT}/{FOLDER}/*.deb {CAMERA}",
            ],
            # Not waited for: scrubbing comes after cloud-init, and this is cloud-init.
            ["systemctl", "start", "--no-block", *(f"{unit}.service" for unit in UNITS)],
        ],
    }


def network_config(ssid: str | None, password: str | None, country: str | None) -> dict[str, Any]:
    """Return cloud-init's network-config (netplan, version 2); of the password only the key that Wi-Fi makes of it."""
    wired = {"eth0": {"dhcp4": True, "dhcp6": True, "optional": True}}
    if ssid is None:
        return {"network": {"version": 2, "ethernets": wired}}
    if not 1 <= len(ssid.encode()) <= MAX_SSID_BYTES:
        raise ConfigError(f"a Wi-Fi's name has 1 to {MAX_SSID_BYTES} bytes")
    if password is None or not MIN_PASSPHRASE_CHARS <= len(password) <= MAX_PASSPHRASE_CHARS:
        raise ConfigError(f"a Wi-Fi's password has {MIN_PASSPHRASE_CHARS} to {MAX_PASSPHRASE_CHARS} characters")
    if country is None or not _COUNTRY.match(country):
        raise ConfigError("a Wi-Fi needs its country\nhint: --country DE; the radio stays off without one")
    key = hashlib.pbkdf2_hmac("sha1", password.encode(), ssid.encode(), PSK_ROUNDS, PSK_BYTES).hex()
    wireless = {
        "wlan0": {
            "dhcp4": True,
            "dhcp6": True,
            "optional": True,
            "regulatory-domain": country,
            "access-points": {ssid: {"password": key}},
        }
    }
    return {"network": {"version": 2, "ethernets": wired, "wifis": wireless}}


def manifest(image: Path) -> dict[str, Any]:
    """Return an os_list for Raspberry Pi Imager 2, which customises an image only if a manifest says how."""
    size_bytes, digest = _measured(_extracted(image))
    packed_bytes, packed_digest = _measured(_chunks(image))
    return {
        "os_list": [
            {
                "name": f"Sealbell on {image.name}",
                "description": "Raspberry Pi OS Lite (trixie) for a doorbell",
                "icon": "",
                "url": image.resolve().as_uri(),
                "release_date": datetime.fromtimestamp(image.stat().st_mtime, UTC).date().isoformat(),
                "extract_size": size_bytes,
                "extract_sha256": digest,
                "image_download_size": packed_bytes,
                "image_download_sha256": packed_digest,
                "devices": list(DEVICES),
                "init_format": "cloudinit-rpi",
                "architecture": "armv8",
            }
        ]
    }


def _measured(chunks: Iterator[bytes]) -> tuple[int, str]:
    size_bytes, digest = 0, hashlib.sha256()
    for chunk in chunks:
        size_bytes += len(chunk)
        digest.update(chunk)
    return size_bytes, digest.hexdigest()


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _extracted(image: Path) -> Iterator[bytes]:
    if image.suffix != ".xz":
        yield from _chunks(image)
        return
    try:
        with lzma.open(image) as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
    except (lzma.LZMAError, EOFError):
        raise ConfigError(f"{image} is no whole .xz file\nhint: download it again") from None


def _wifi(args: argparse.Namespace) -> tuple[str | None, str | None, str | None]:
    if args.wifi is None:
        return None, None, None
    if args.wifi_password:
        return args.wifi, _first_line(args.wifi_password), args.country
    return args.wifi, getpass.getpass(f"password of the Wi-Fi {args.wifi}: "), args.country


def _first_line(path: Path) -> str:
    return path.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")


def _bundle(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(MAX_BUNDLE_BYTES + 1)
    try:
        found = json.loads(data) if len(data) <= MAX_BUNDLE_BYTES else None
    except ValueError:
        found = None
    if not isinstance(found, dict) or found.get("what") != "bundle":
        raise ConfigError(f"{path} is not an owner's bundle\nhint: `sealbell-owner init` writes bundle.json")
    return data


if __name__ == "__main__":
    sys.exit(main())
