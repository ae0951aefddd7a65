"""Both units in a booted trixie: they come up, are restarted when they hang, and cost little when they are killed."""

import json
import os
import signal
import time
from typing import Any

import pytest

from boot.freeze import frozen, switches, working_threads
from boot.household import (
    DOORBELL,
    FRAGMENT_S,
    OWNER,
    RELAY,
    RELAY_FOLDER,
    SETTINGS,
    UPLINK,
    WATCH,
    kept,
    outbox,
    start_relay,
)
from boot.nspawn import Container

pytestmark = pytest.mark.boot

BOOT_S = 30.0
HANG_S = 90.0  # three times the WatchdogSec of both
RECORD_S = 90.0  # somebody walks past for 24 of every 30 s
LATE_S = 1.0  # sealing, committing, and a machine that has other things to do


def parts(system: Container) -> list[dict[str, Any]]:
    return [part for clip in kept(system) for part in clip["parts"]]


def media(system: Container) -> list[dict[str, Any]]:
    return [part for part in parts(system) if part["kind"] == "media"]


def waiting(system: Container) -> set[tuple[str, int]]:
    return {(name.split("-")[0], int(name.split("-")[1])) for name in outbox(system)}


def wait_for_footage_after(system: Container, wall_ms: float) -> None:
    system.wait_until(lambda: any(part["wall_ms"] > wall_ms for part in media(system)), "it records", RECORD_S)


def record_now(system: Container) -> None:
    """Let it come to the middle of a clip."""
    start_relay(system)
    system.wait_until(lambda: system.active(WATCH, UPLINK), "both units are active", BOOT_S)
    wait_for_footage_after(system, now_ms())


def now_ms() -> float:
    return time.time() * 1_000


def restarts(system: Container, unit: str) -> int:
    return int(system.shown(unit, "NRestarts"))


def hold_together(system: Container) -> None:
    """Every clip at the relay is whole from its first part on, and the owner can open all of it."""
    for clip in kept(system):
        assert [part["seq"] for part in clip["parts"]] == list(range(len(clip["parts"])))
        said = system.run("sealbell-owner", "verify", OWNER, clip["clip"], check=False)
        for promise in ("signed  ", "sealed          every part that is here opens", "unbroken        from part 0"):
            assert promise in said, said


def names(system: Container) -> set[tuple[str, int]]:
    """Every part that is committed, wherever it is by now."""
    return waiting(system) | {(part["clip"], part["seq"]) for part in parts(system)}


def test_it_boots_to_both_units_active_with_no_more_than_its_settings(system: Container) -> None:
    system.run("rm", "-r", f"/etc/systemd/system/{WATCH}.d")
    system.run("systemctl", "daemon-reload")
    system.run("systemctl", "restart", WATCH)
    assert system.active(WATCH, UPLINK)
    assert SETTINGS in system.shown(WATCH, "ExecStart")
    assert restarts(system, WATCH) == restarts(system, UPLINK) == 0


def test_it_boots_and_records_without_anybody_logging_in(system: Container) -> None:
    start_relay(system)
    system.wait_until(lambda: system.active(WATCH, UPLINK), "both units are active", BOOT_S)
    print("\n" + system.run("systemd-analyze", "--no-pager", "time").strip())
    began_us = int(system.run("systemctl", "show", "--property=UserspaceTimestampMonotonic", "--value"))
    for unit in (WATCH, UPLINK):
        active_us = int(system.shown(unit, "ActiveEnterTimestampMonotonic"))
        print(f"{unit} was active {(active_us - began_us) / 1e6:.2f} s after systemd began")
        assert system.shown(unit, "Type") == "notify"
        assert restarts(system, unit) == 0
    wait_for_footage_after(system, now_ms())
    hold_together(system)


def test_a_doorbell_that_nobody_has_set_up_is_no_failure(system: Container) -> None:
    system.run("systemctl", "stop", WATCH, UPLINK)
    system.path("/var/lib/sealbell/card.json").unlink()
    system.run("systemctl", "start", WATCH, UPLINK)
    assert system.shown(WATCH, "ActiveState") == system.shown(UPLINK, "ActiveState") == "inactive"
    assert system.run("systemctl", "is-system-running").strip() == "running"


def test_a_process_that_hangs_is_killed_and_the_doorbell_records_again(system: Container) -> None:
    record_now(system)
    for unit in (WATCH, UPLINK):
        os.kill(system.outer_pid(system.main_pid(unit)), signal.SIGSTOP)
    for unit in (WATCH, UPLINK):
        system.wait_until(lambda unit=unit: restarts(system, unit) == 1, f"{unit} was restarted", HANG_S)
        assert "Watchdog timeout" in system.journal(unit)
    wait_for_footage_after(system, now_ms())
    hold_together(system)


@pytest.mark.parametrize("stage", ["seal", "watch", "camera"])
def test_a_single_stage_that_hangs_is_enough(system: Container, stage: str) -> None:
    record_now(system)
    pid = system.outer_pid(system.main_pid(WATCH))
    threads = working_threads(pid)
    assert len(threads) == 3, "the stages of the picture process, in the order in which it starts them"
    thread = threads[["seal", "watch", "camera"].index(stage)]
    with frozen(thread):
        before = switches(pid)
        took_s = system.wait_until(lambda: restarts(system, WATCH) == 1, "it was restarted", HANG_S)
        print(f"\nthe stage {stage} hung; restarted after {took_s:.0f} s")
    assert before[thread] > 0
    assert "Watchdog timeout" in system.journal(WATCH)
    wait_for_footage_after(system, now_ms())
    hold_together(system)


def test_killing_the_picture_process_costs_no_more_than_the_fragment_in_flight(system: Container) -> None:
    record_now(system)
    for kills in range(1, 4):
        committed = names(system)
        killed_ms = now_ms()
        os.kill(system.outer_pid(system.main_pid(WATCH)), signal.SIGKILL)
        system.wait_until(lambda kills=kills: restarts(system, WATCH) == kills, "it was restarted")
        wait_for_footage_after(system, killed_ms + 1_000)
        newest_ms = max(part["wall_ms"] for part in media(system) if part["wall_ms"] < killed_ms)
        lost_s = (killed_ms - newest_ms) / 1_000 - FRAGMENT_S
        print(f"\nkilled: the last {lost_s:.2f} s before it are lost")
        assert lost_s <= FRAGMENT_S + LATE_S
        assert committed <= names(system)
    hold_together(system)


def test_killing_the_network_process_costs_nothing(system: Container) -> None:
    record_now(system)
    for kills in range(1, 4):
        wait_for_footage_after(system, now_ms())
        committed = names(system)
        os.kill(system.outer_pid(system.main_pid(UPLINK)), signal.SIGKILL)
        system.wait_until(lambda kills=kills: restarts(system, UPLINK) == kills, "it was restarted")
        assert committed <= names(system)
    wait_for_footage_after(system, now_ms())
    assert restarts(system, WATCH) == 0
    hold_together(system)


def test_a_doorbell_that_was_set_up_without_a_credential_says_what_to_do(system: Container) -> None:
    system.path(f"{DOORBELL}/mqtt.credential").unlink()
    system.run("systemctl", "restart", UPLINK, check=False)
    told = f"hint: `sealbell init {DOORBELL} --owner BUNDLE`"
    system.wait_until(lambda: told in system.journal(UPLINK), "the journal tells", BOOT_S)
    assert "its broker credential cannot be read: no such file" in system.journal(UPLINK)
    system.run("systemctl", "restart", WATCH)
    assert system.active(WATCH), "it goes on recording"


def test_the_relay_serves_by_tls_alone_with_a_broker_in_its_sandbox(system: Container) -> None:
    record_now(system)
    card = json.loads(system.path(f"{RELAY_FOLDER}/relay.json").read_text())
    assert (card["mqtt"].split(":")[0], card["http"].split(":")[0]) == ("mqtts", "https")
    group = system.shown(RELAY, "ControlGroup")
    pids = system.run("cat", f"/sys/fs/cgroup{group}/cgroup.procs").split()
    status = {system.run("cat", f"/proc/{pid}/comm").strip(): system.run("cat", f"/proc/{pid}/status") for pid in pids}
    broker = next(text for name, text in status.items() if name.startswith("nats-server"))
    assert "NoNewPrivs:\t1" in broker
    assert "Seccomp:\t2" in broker
    hold_together(system)


def test_a_relay_that_is_stopped_hands_out_the_receipts_of_all_that_it_keeps(system: Container) -> None:
    record_now(system)
    for _ in range(3):
        wait_for_footage_after(system, now_ms())
        system.run("systemctl", "stop", RELAY)
        assert system.shown(RELAY, "Result") == "success"
        assert system.shown(RELAY, "ExecMainStatus") == "0"
        stored = {(part["clip"], part["seq"]) for part in parts(system)}
        system.wait_until(lambda stored=stored: not stored & waiting(system), "what is kept is receipted", BOOT_S)
        start_relay(system)
    hold_together(system)


def test_a_relay_that_hangs_is_killed_and_serves_again_and_nothing_is_lost(system: Container) -> None:
    record_now(system)
    committed = names(system)
    os.kill(system.outer_pid(system.main_pid(RELAY)), signal.SIGSTOP)
    took_s = system.wait_until(lambda: restarts(system, RELAY) == 1, "it was restarted", HANG_S)
    print(f"\nthe relay hung; restarted after {took_s:.0f} s")
    assert "Watchdog timeout" in system.journal(RELAY)
    hung = committed | names(system)
    wait_for_footage_after(system, now_ms())
    system.wait_until(lambda: hung <= {(part["clip"], part["seq"]) for part in parts(system)}, "all arrives", RECORD_S)
    hold_together(system)
