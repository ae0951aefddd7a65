"""What the units promise as they are written; tests/boot tries from inside what they keep."""

import re
from collections import defaultdict
from pathlib import Path

import pytest

from packager import ROOT
from sealbell.cli import main
from sealbell.config import Settings, parse_settings
from sealbell_relay.notify import ALIVE_S

SYSTEMD = ROOT / "systemd"
BOTH = ("sealbell-watch", "sealbell-uplink")
LONGEST_WATCHDOG_S = 30
HARDWARE_WATCHDOG_S = 15  # the most that bcm2835_wdt counts to


def unit(path: Path) -> dict[str, list[str]]:
    """Every setting of a unit, whichever section it is in."""
    found = defaultdict(list)
    for line in path.read_text(encoding="ascii").splitlines():
        if line and not line.startswith(("#", "[")):
            name, _, value = line.partition("=")
            found[name].append(value)
    return found


def process(name: str) -> dict[str, list[str]]:
    return unit(SYSTEMD / f"{name}.service")


def seconds(text: str) -> int:
    assert re.fullmatch(r"[0-9]+s", text)
    return int(text[:-1])


def test_picture_process_has_no_network() -> None:
    watch = process("sealbell-watch")
    assert watch["PrivateNetwork"] == ["yes"]
    assert watch["RestrictAddressFamilies"] == ["AF_UNIX AF_NETLINK"]
    assert watch["IPAddressDeny"] == ["any"]


def test_picture_process_gets_named_devices_only() -> None:
    watch = process("sealbell-watch")
    assert watch["DevicePolicy"] == ["closed"]
    assert {value.split()[0] for value in watch["DeviceAllow"]} == {
        *("char-video4linux", "char-media", "char-dma_heap", "/dev/vcio", "char-gpiochip"),
    }


def test_picture_process_gets_the_key_from_systemd_and_writes_to_the_outbox_alone() -> None:
    watch = process("sealbell-watch")
    assert watch["LoadCredential"] == ["signing.key:/var/lib/sealbell/state/signing.key"]
    assert watch["InaccessiblePaths"] == ["/var/lib/sealbell/state"]
    assert watch["ReadWritePaths"] == ["/var/lib/sealbell/outbox"]


def test_pins_have_the_folder_that_lgpio_writes_to() -> None:
    watch = process("sealbell-watch")
    assert watch["WorkingDirectory"] == ["/run/" + watch["RuntimeDirectory"][0]]
    assert watch["Environment"] == ["LG_WD=" + watch["WorkingDirectory"][0]]


def test_network_process_has_no_device_and_does_not_see_the_keys() -> None:
    uplink = process("sealbell-uplink")
    assert uplink["PrivateDevices"] == ["yes"]
    assert uplink["DeviceAllow"] == uplink["SupplementaryGroups"] == []
    assert uplink["InaccessiblePaths"] == ["/var/lib/sealbell/state"]
    assert uplink["ReadWritePaths"] == ["/var/lib/sealbell/outbox /var/lib/sealbell/inbox"]


@pytest.mark.parametrize("name", BOTH)
def test_process_that_hangs_is_killed_and_one_that_ends_is_started_for_ever(name: str) -> None:
    found = process(name)
    assert found["Type"] == ["notify"]
    assert seconds(found["WatchdogSec"][0]) <= LONGEST_WATCHDOG_S
    assert found["Restart"] == ["always"]
    assert found["StartLimitIntervalSec"] == ["0"]
    assert 1 <= seconds(found["RestartSec"][0]) < seconds(found["RestartMaxDelaySec"][0]) <= 60


@pytest.mark.parametrize("name", BOTH)
def test_memory_never_lies_on_the_card(name: str) -> None:
    found = process(name)
    assert found["LimitCORE"] == ["0"]
    assert found["WatchdogSignal"] == ["SIGKILL"]  # SIGABRT, the default, would leave a dump of it


def test_memory_is_not_swapped_to_the_card() -> None:
    assert process("sealbell-watch")["MemorySwapMax"] == ["0"]
    assert unit(ROOT / "packaging" / "swap.conf")["Mechanism"] == ["zram"]
    installed = (ROOT / "packaging" / "debian" / "conffiles").read_text(encoding="ascii").splitlines()
    assert "/etc/rpi/swap.conf.d/sealbell.conf" in installed


@pytest.mark.parametrize("name", BOTH)
def test_doorbell_waits_for_neither_network_nor_clock(name: str) -> None:
    waits_for = " ".join(value for key in ("After", "Requires", "Wants", "BindsTo") for value in process(name)[key])
    assert not re.search(r"network|time|chrony", waits_for)


@pytest.mark.parametrize("name", BOTH)
def test_doorbell_that_is_not_set_up_is_no_failing_unit(name: str) -> None:
    assert process(name)["ConditionPathExists"] == ["/var/lib/sealbell/card.json"]


@pytest.mark.parametrize("name", BOTH)
def test_unit_works_on_a_read_only_root(name: str) -> None:
    found = process(name)
    # systemd would make or chown these below /etc and /var, and two users would wrestle for one folder.
    for setting in ("ConfigurationDirectory", "StateDirectory", "CacheDirectory", "LogsDirectory"):
        assert found[setting] == []
    assert found["ProtectSystem"] == ["strict"]
    assert found["PrivateTmp"] == ["disconnected"]  # `yes` wants to write to /var/tmp
    assert found["RequiresMountsFor"] == ["/var/lib/sealbell"]


@pytest.mark.parametrize("name", BOTH)
def test_unit_starts_a_command_that_there_is(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    [line] = process(name)["ExecStart"]
    program, command, *arguments = line.split()
    assert program == "/usr/bin/sealbell"
    with pytest.raises(SystemExit):
        main([command, "--help"])
    said = capsys.readouterr().out
    assert all(word in said for word in arguments if word.startswith("--"))


def test_the_two_are_different_users_of_one_group() -> None:
    users = {name: (process(name)["User"], process(name)["Group"]) for name in BOTH}
    assert users == {name: ([name], ["sealbell"]) for name in BOTH}
    made = (SYSTEMD / "sealbell.sysusers").read_text(encoding="ascii")
    for name in BOTH:
        assert re.search(rf"^u {name} -:sealbell ", made, re.MULTILINE)


def test_relay_shares_nothing_with_a_doorbell_and_waits_for_nobody_who_has_not_made_one() -> None:
    relay = process("sealbell-relay")
    assert (relay["User"], relay["Group"], relay["UMask"]) == (["sealbell-relay"], ["sealbell-relay"], ["0077"])
    assert re.search(r"^u sealbell-relay - ", (SYSTEMD / "sealbell.sysusers").read_text(encoding="ascii"), re.MULTILINE)
    assert relay["StateDirectory"] == ["sealbell-relay"]
    assert relay["ReadWritePaths"] == relay["DeviceAllow"] == relay["SupplementaryGroups"] == []
    assert relay["ConditionPathExists"] == ["/var/lib/sealbell-relay/receipt.key"]
    assert relay["Type"] == ["notify"]
    assert ALIVE_S * 2 < seconds(relay["WatchdogSec"][0]) <= LONGEST_WATCHDOG_S
    assert (relay["LimitCORE"], relay["WatchdogSignal"]) == (["0"], ["SIGKILL"])


def test_keys_are_roots_and_the_group_reads_what_is_committed_and_nobody_else_does() -> None:
    lines = (SYSTEMD / "sealbell.tmpfiles").read_text(encoding="ascii").splitlines()
    found = {path: " ".join(rest) for _, path, *rest in (line.split() for line in lines if not line.startswith("#"))}
    assert found == {
        "/var/lib/sealbell": "0750 root sealbell",
        "/var/lib/sealbell/state": "0700 root root",
        "/var/lib/sealbell/state/signing.key": "0600 root root",
        "/var/lib/sealbell/mqtt.credential": "0600 root root",
        "/var/lib/sealbell/introduction.json": "0600 root root",
        "/var/lib/sealbell/bundle.json": "0644 root root",
        "/var/lib/sealbell/card.json": "0644 root root",
        "/var/lib/sealbell/outbox": "2770 sealbell-watch sealbell",
        "/var/lib/sealbell/inbox": "2770 sealbell-watch sealbell",
        "/var/lib/sealbell/outbox/.bell": "0660 sealbell-watch sealbell",
        "/var/lib/sealbell-relay": "0700 sealbell-relay sealbell-relay",
    }
    assert all(process(name)["UMask"] == ["0027"] for name in BOTH)


def test_hardware_watchdog_counts_to_no_more_than_it_can() -> None:
    watchdog = unit(SYSTEMD / "sealbell-watchdog.conf")
    assert seconds(watchdog["RuntimeWatchdogSec"][0]) <= HARDWARE_WATCHDOG_S
    assert seconds(watchdog["RebootWatchdogSec"][0]) <= HARDWARE_WATCHDOG_S


def test_settings_that_are_installed_are_the_defaults() -> None:
    assert parse_settings((ROOT / "packaging" / "sealbell.toml").read_text(encoding="utf-8")) == Settings()
