"""What the units cannot do, tried from inside: a probe runs in the place of each unit's own start, in its sandbox."""

import json
import os
import stat
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import boot.probe
from boot.household import (
    DOORBELL,
    OWNER,
    RELAY,
    RELAY_FOLDER,
    RELAY_SETTINGS,
    UPLINK,
    WATCH,
    drop_in,
    kept,
    start_relay,
    write,
)
from boot.nspawn import Container

pytestmark = pytest.mark.boot

PROBE = "/usr/local/lib/probe.py"
KEY = f"{DOORBELL}/state/signing.key"
CREDENTIALS = f"/run/credentials/{WATCH}"
HANDED_KEY = f"{CREDENTIALS}/signing.key"
IDENTITY = f"{OWNER}/identity.txt"
RELAY_KEY = f"{RELAY_FOLDER}/receipt.key"
CREDENTIAL = f"{DOORBELL}/mqtt.credential"
ANYBODYS = "/srv/anybodys"  # a file that everybody may write, but for a sandbox
FILES = (
    *(KEY, HANDED_KEY, CREDENTIAL, f"{DOORBELL}/bundle.json", IDENTITY, RELAY_KEY),
    *(ANYBODYS, "/etc/shadow", "/usr/bin/sealbell"),
)
HARMLESS = {"full", "null", "ptmx", "pts", "random", "shm", "tty", "urandom", "zero"}
# A test machine's kernel knows no video4linux, so the firmware's mailbox stands for what the unit lets through.
MAILBOX = "vcio"
NODES = {MAILBOX: (100, 0), "fuse": (10, 229), "kmsg": (1, 11), "hwrng": (10, 183), "mem": (1, 1)}
EXPOSURE = {WATCH: 0.8, UPLINK: 1.2, RELAY: 1.2}
REFUSED = ("EACCES", "ENOENT", "EPERM")
RECORD_S = 90.0  # somebody walks past for 24 of every 30 s


@pytest.fixture
def relay(system: Container) -> str:
    start_relay(system)
    card = json.loads(system.path(f"{RELAY_FOLDER}/relay.json").read_text())
    address = urlsplit(card["mqtt"]).netloc
    write(system, PROBE, Path(boot.probe.__file__).read_text())
    write(system, ANYBODYS, "")
    system.path(ANYBODYS).chmod(0o666)
    for name, (major, minor) in NODES.items():
        # The container's init may not make them; whoever is root outside may.
        os.mknod(system.path(f"/dev/{name}"), stat.S_IFCHR, os.makedev(major, minor))
        system.path(f"/dev/{name}").chmod(0o666)
    return address


def probe_in(system: Container, unit: str, relay: str) -> dict[str, Any]:
    drop_in(system, unit, "probe", f"[Service]\nExecStartPre=/usr/bin/python3 {PROBE} {relay} {' '.join(FILES)}\n")
    system.run("systemctl", "daemon-reload")
    system.run("systemctl", "restart", unit)
    return found(system.journal(unit))


def can(system: Container, user: str, *command: str) -> bool:
    """Whether a user can do it, with no sandbox around."""
    as_user = ("setpriv", f"--reuid={user}", "--regid=sealbell", "--clear-groups")
    return system.run("sh", "-c", '"$@" >/dev/null 2>&1 && echo yes', "sh", *as_user, *command, check=False) == "yes\n"


def found(output: str) -> dict[str, Any]:
    [line] = [line for line in output.splitlines() if line.startswith("probe ")]
    result: dict[str, Any] = json.loads(line.removeprefix("probe "))
    return result


def test_the_probe_itself_reaches_everything_outside_of_a_sandbox(system: Container, relay: str) -> None:
    result = found(system.run("/usr/bin/python3", PROBE, relay, *FILES))
    assert result["relay"] == "yes"
    assert {result["sockets"][family] for family in ("AF_UNIX", "AF_INET", "AF_INET6", "AF_PACKET")} == {"yes"}
    assert {result["devices"][f"/dev/{name}"] for name in ("fuse", "kmsg")} == {"yes"}
    assert set(result["files"].values()) == {"yes"}


def test_the_picture_process_has_no_network(system: Container, relay: str) -> None:
    result = probe_in(system, WATCH, relay)
    assert result["relay"] != "yes"
    assert result["datagram"] != "yes"
    assert result["interfaces"] in ([], ["lo"])
    allowed = {family for family, answer in result["sockets"].items() if answer == "yes"}
    assert allowed <= {"AF_UNIX", "AF_NETLINK"}


def test_the_picture_process_gets_no_device_but_those_that_are_named(system: Container, relay: str) -> None:
    devices = probe_in(system, WATCH, relay)["devices"]
    assert devices[f"/dev/{MAILBOX}"] in ("ENXIO", "ENODEV"), "let through, with nothing behind it"
    for name in set(NODES) - {MAILBOX}:
        assert devices[f"/dev/{name}"] in ("EPERM", "EACCES"), name


def test_the_network_process_has_no_device(system: Container, relay: str) -> None:
    result = probe_in(system, UPLINK, relay)
    assert result["relay"] == "yes", "it is the one that speaks to the relay"
    yes = {path.split("/")[2] for path, answer in result["devices"].items() if answer in ("yes", "ENXIO", "ENODEV")}
    assert yes <= HARMLESS


def test_the_network_process_cannot_read_the_keys_nor_write_what_was_pinned(system: Container, relay: str) -> None:
    result = probe_in(system, UPLINK, relay)
    for path in (KEY, HANDED_KEY, CREDENTIAL, IDENTITY, RELAY_KEY, "/etc/shadow"):
        assert result["files"][path] in REFUSED, path
    assert result["files"][f"{DOORBELL}/bundle.json"] == "yes"
    assert "yes" not in result["written"].values()


def test_the_picture_process_cannot_read_what_is_others(system: Container, relay: str) -> None:
    result = probe_in(system, WATCH, relay)
    assert result["files"][HANDED_KEY] == "yes", "it is the one that signs"
    for path in (KEY, CREDENTIAL, IDENTITY, RELAY_KEY, "/etc/shadow"):
        assert result["files"][path] in REFUSED, path
    assert "yes" not in result["written"].values()


def test_the_relay_reads_nothing_of_a_doorbells_or_an_owners_and_writes_in_its_own_folder_alone(
    system: Container, relay: str
) -> None:
    result = probe_in(system, RELAY, relay)
    for path in (KEY, HANDED_KEY, CREDENTIAL, f"{DOORBELL}/bundle.json", IDENTITY, "/etc/shadow"):
        assert result["files"][path] in REFUSED, path
    assert [path for path, answer in result["written"].items() if answer == "yes"] == [RELAY_KEY]
    assert can(system, "sealbell-relay", "sh", "-c", f"echo >{ANYBODYS}"), "it is the sandbox that keeps it from that"


def test_the_relay_writes_a_ledger_where_its_operator_lets_it(system: Container) -> None:
    folder = "/srv/ledger"
    write(system, RELAY_SETTINGS, f"RELAY_OPTIONS=--tls --ledger {folder}/ledger\n")
    system.run("install", "-d", "-o", "sealbell-relay", "-g", "sealbell-relay", "-m", "700", folder)
    system.run("systemctl", "restart", RELAY, check=False)
    system.wait_until(lambda: f"{folder}/ledger" in system.journal(RELAY), "the journal tells why it cannot")
    assert not system.path(f"{folder}/ledger").exists()
    drop_in(system, RELAY, "ledger", f"[Service]\nReadWritePaths={folder}\n")
    system.run("systemctl", "daemon-reload")
    system.run("systemctl", "stop", RELAY)
    start_relay(system)
    assert system.path(f"{folder}/ledger").is_file()


def test_the_relay_has_no_device_and_speaks_nothing_but_ip(system: Container, relay: str) -> None:
    result = probe_in(system, RELAY, relay)
    yes = {path.split("/")[2] for path, answer in result["devices"].items() if answer in ("yes", "ENXIO", "ENODEV")}
    assert yes <= HARMLESS
    allowed = {family for family, answer in result["sockets"].items() if answer == "yes"}
    assert allowed == {"AF_UNIX", "AF_INET", "AF_INET6"}


def test_root_keeps_the_signing_key_and_the_picture_process_alone_has_a_copy_in_memory(system: Container) -> None:
    start_relay(system)
    began_ms = time.time() * 1_000
    for user, readable in (("sealbell-watch", {HANDED_KEY}), ("sealbell-uplink", set[str]())):
        read = {path for path in (KEY, HANDED_KEY) if can(system, user, "cat", path)}
        assert read == readable, f"{user}, without its sandbox"
    mounts = [line.split() for line in system.run("cat", "/proc/mounts").splitlines()]
    [(kind, options)] = [(kind, options.split(",")) for _, at, kind, options, *_ in mounts if at == CREDENTIALS]
    print(f"\nthe copy lies in {kind}, {','.join(options)}")
    assert kind == "ramfs" or (kind == "tmpfs" and "noswap" in options)
    signed = lambda: [p for clip in kept(system) for p in clip["parts"] if p["wall_ms"] > began_ms]  # noqa: E731
    system.wait_until(lambda: bool(signed()), "the relay keeps what it signed", RECORD_S)


def test_the_picture_process_cannot_lead_root_to_another_file(system: Container) -> None:
    assert not can(system, "sealbell-watch", "mv", f"{DOORBELL}/state", f"{DOORBELL}/aside")
    assert not can(system, "sealbell-watch", "ln", "-sf", "/etc/shadow", KEY)
    assert can(system, "sealbell-watch", "mv", f"{DOORBELL}/outbox/.bell", f"{DOORBELL}/outbox/.aside")


def test_what_systemd_says_of_their_exposure(system: Container) -> None:
    for unit, limit in EXPOSURE.items():
        last = system.run("systemd-analyze", "security", "--no-pager", unit, check=False).strip().splitlines()[-1]
        exposure = float(last.split(":")[1].split()[0])
        print(f"\n{unit}: {exposure} (at most {limit})")
        assert exposure <= limit
