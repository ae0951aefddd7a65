"""The package: it installs without a network, goes up and down a version, and leaves nothing when purged."""

import os
from pathlib import Path

import pytest

from boot import household
from boot.household import (
    DOORBELL,
    DRAWN,
    RELAY,
    RELAY_FOLDER,
    SETTINGS,
    UPLINK,
    WATCH,
    install,
    introduce,
    kept,
    outbox,
    start_relay,
)
from boot.nspawn import Container

pytestmark = pytest.mark.boot

EDITED = f"# edited by its owner\n{DRAWN}"
OWN = ("state/signing.key", "mqtt.credential", "introduction.json", "card.json", "bundle.json")
KEYS = tuple(f"{DOORBELL}/{name}" for name in OWN)
# What apt, dpkg and systemd write down of what they did, for whichever package.
NOT_OURS = ("/var/lib/dpkg/", "/var/lib/apt/", "/var/log/", "/var/cache/", "/var/lib/systemd/", "/etc/ld.so.cache")
PLACES = ("/etc", "/opt", "/root", "/srv", "/usr", "/var")
RECORD_S = 90.0


def files(system: Container) -> set[str]:
    root = str(system.path("/"))
    found = set()
    for place in PLACES:
        for folder, folders, names in os.walk(system.path(place)):
            found |= {f"/{Path(folder, name).relative_to(root)}" for name in (*folders, *names)}
    return {path for path in found if not f"{path}/".startswith(NOT_OURS)}


def accounts(system: Container) -> dict[str, str]:
    databases = ("passwd", "group", "shadow", "gshadow")
    return {name: system.path(f"/etc/{name}").read_text() for name in databases}


def contents(system: Container, paths: tuple[str, ...]) -> list[tuple[bytes, int, int, int]]:
    found = []
    for path in paths:
        status = system.path(path).stat()
        found.append((system.path(path).read_bytes(), status.st_mode, status.st_uid, status.st_gid))
    return found


def test_up_from_the_version_before_and_back_keeps_keys_outbox_and_settings(
    bare_system: Container, package: Path, package_before: Path
) -> None:
    system = bare_system
    install(system, package_before)
    introduce(system)
    system.run("systemctl", "stop", RELAY)
    system.path(SETTINGS).write_text(EDITED)
    system.wait_until(lambda: len(outbox(system)) > 6, "the outbox fills", RECORD_S)
    keys = contents(system, KEYS)
    # As packages had it before systemd handed the key over; back to one of those goes by hand (CHANGELOG.md).
    system.run("chown", "sealbell-watch:sealbell", DOORBELL, f"{DOORBELL}/state", *KEYS)
    for each in (package, package_before, package):
        waiting = outbox(system)
        old = [system.main_pid(unit) for unit in (WATCH, UPLINK)]
        install(system, each)
        assert each.name.split("_")[1] == system.run("dpkg-query", "--show", "--showformat=${Version}", "sealbell")
        system.wait_until(lambda: system.active(WATCH, UPLINK), "both units are active")
        assert all(system.main_pid(unit) != pid for unit, pid in zip((WATCH, UPLINK), old, strict=True))
        assert contents(system, KEYS) == keys
        assert {system.path(path).stat().st_uid for path in (DOORBELL, f"{DOORBELL}/state")} == {0}
        now = outbox(system)
        assert {name: now.get(name) for name in waiting} == waiting
        assert system.path(SETTINGS).read_text() == EDITED
    committed = {(name.split("-")[0], int(name.split("-")[1])) for name in outbox(system)}
    start_relay(system)
    received = lambda: {(p["clip"], p["seq"]) for clip in kept(system) for p in clip["parts"]}  # noqa: E731
    system.wait_until(lambda: committed <= received(), "all of it arrives", RECORD_S)


def test_purging_leaves_nothing_and_removing_leaves_the_keys(bare_system: Container, package: Path) -> None:
    system = bare_system
    before, accounts_before = files(system), accounts(system)
    install(system, package)
    introduce(system)
    system.wait_until(lambda: system.active(WATCH, UPLINK), "both units are active")
    assert system.run("systemctl", "is-enabled", RELAY, check=False).strip() == "disabled", "an operator enables it"
    keys = contents(system, KEYS)
    system.run("apt-get", "remove", "--yes", "--quiet", "sealbell", timeout_s=household.INSTALL_S)
    assert not system.active(WATCH)
    assert contents(system, KEYS) == keys
    assert [path for path in files(system) - before if path.startswith("/usr/lib/sealbell")] == []
    system.run("apt-get", "purge", "--yes", "--quiet", "sealbell", timeout_s=household.INSTALL_S)
    assert system.path(f"{RELAY_FOLDER}/receipt.key").is_file(), "what a relay keeps is other people's"
    household.forget(system)
    assert sorted(files(system) - before) == []
    assert sorted(before - files(system)) == []
    for name, text in accounts(system).items():
        left = set(text.splitlines()) - set(accounts_before[name].splitlines())
        # The group gpio is Raspberry Pi OS's own there, so it is made if absent and never deleted; the relay's user
        # stays for as long as files are its own.
        assert {line.split(":")[0] for line in left} <= {"gpio", "sealbell-relay"}, name
