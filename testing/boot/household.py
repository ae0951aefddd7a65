"""A doorbell, its relay and its owner, all in one booted container, set up as docs/flash.md does it.

The doorbell draws its pictures, and somebody walks past for most of the time, so that it nearly always records.
"""

import json
from pathlib import Path
from typing import Any

from boot import rootfs
from boot.nspawn import Container, booted

WATCH, UPLINK, RELAY = "sealbell-watch.service", "sealbell-uplink.service", "sealbell-relay.service"
DOORBELL, RELAY_FOLDER, OWNER = "/var/lib/sealbell", "/var/lib/sealbell-relay", "/srv/owner"
FRAGMENT_S = 1.0
AS_RELAY = ("setpriv", "--reuid=sealbell-relay", "--regid=sealbell-relay", "--clear-groups")
INSTALL_S = 300.0
RELAY_SETTINGS = "/etc/default/sealbell-relay"
SETTINGS, BOOT_PARTITION = "/etc/sealbell/sealbell.toml", "/boot/firmware"
DRAWING = "640x360@10:500000"
DRAWN = f'[camera]\nsource = "drawn:{DRAWING}"\n'
SOMEBODY_WALKS = f"""\
[Service]
ExecStart=
ExecStart=/usr/bin/sealbell watch {DOORBELL} --config {SETTINGS} --synthetic {DRAWING} --walk 24
"""


def install(container: Container, package: Path) -> None:
    """Install a package file with apt, without a network; an older version too."""
    inside = f"/srv/{package.name}"
    container.path(inside).write_bytes(package.read_bytes())
    options = ("--yes", "--quiet", "--allow-downgrades", "--no-install-recommends")
    container.run("apt-get", "install", *options, inside, timeout_s=INSTALL_S)
    container.path(inside).unlink()


def introduce(container: Container) -> None:
    """Let owner, doorbell and relay know each other, and start all three."""
    drop_in(container, WATCH, "walks", SOMEBODY_WALKS)
    write(container, SETTINGS, DRAWN)
    container.run("systemctl", "daemon-reload")
    write(container, RELAY_SETTINGS, "RELAY_OPTIONS=--tls\n")
    container.run(*AS_RELAY, "sealbell-relay", "init", RELAY_FOLDER)
    start_relay(container)
    invite = json.loads(container.run(*AS_RELAY, "sealbell-relay", "invite", RELAY_FOLDER, "--json"))["invite"]
    container.run("sealbell-owner", "init", OWNER, "--relay", f"{RELAY_FOLDER}/relay.json", "--invite", invite)
    container.run("install", "-D", "-t", f"{BOOT_PARTITION}/sealbell", f"{OWNER}/bundle.json")
    container.run("systemctl", "start", "sealbell-setup.service")
    introduction = f"{BOOT_PARTITION}/sealbell-introduction.json"
    container.run("sealbell-owner", "pin", OWNER, introduction, "--name", "door")
    container.run("systemctl", "restart", WATCH, UPLINK)


def start_relay(container: Container) -> None:
    """Start the relay and wait until it serves."""
    container.run("systemctl", "start", RELAY)
    healthy = ("sh", "-c", f"sealbell-relay status {RELAY_FOLDER} >&2 && echo healthy")
    container.wait_until(lambda: "healthy" in container.run(*healthy, check=False), "the relay serves")


def forget(container: Container) -> None:
    """Take away what `introduce` put there and the package does not know of."""
    container.run("systemctl", "stop", RELAY, check=False)
    container.run(
        "rm",
        "-r",
        BOOT_PARTITION,
        OWNER,
        RELAY_FOLDER,
        RELAY_SETTINGS,
        f"/etc/systemd/system/{WATCH}.d",
    )


def prepared(folder: Path, package: Path) -> Path:
    """Return a system in `folder` with the package installed and a household set up."""
    root = rootfs.unpack("amd64", folder)
    with booted(root, keep=True) as container:
        install(container, package)
        introduce(container)
        container.wait_until(lambda: container.active(WATCH, UPLINK), "both units are active")
        container.power_off()
    return root


def write(container: Container, path: str, text: str) -> None:
    """Write a file inside."""
    outside = container.path(path)
    outside.parent.mkdir(parents=True, exist_ok=True)
    outside.write_text(text, encoding="utf-8")


def drop_in(container: Container, unit: str, name: str, text: str) -> None:
    """Add to a unit; counts from its next start."""
    write(container, f"/etc/systemd/system/{unit}.d/{name}.conf", text)


def outbox(container: Container) -> dict[str, bytes]:
    """Return what is committed and not yet received, by name."""
    found = {}
    for path in container.path(f"{DOORBELL}/outbox").glob("*.part"):
        try:
            found[path.name] = path.read_bytes()
        except FileNotFoundError:  # received meanwhile
            continue
    return found


def kept(container: Container) -> list[dict[str, Any]]:
    """Return what the relay has: clips, oldest first, each with its records in order."""
    clips: list[dict[str, Any]] = json.loads(container.run("sealbell-relay", "knows", RELAY_FOLDER, "--json"))["clips"]
    return clips
