"""What the doctor says in a booted system, as root, of units, keys and relay as they really are there."""

import json

import pytest

from boot.household import RELAY, UPLINK, WATCH, start_relay
from boot.nspawn import Container

pytestmark = pytest.mark.boot


def states(system: Container) -> dict[str, str]:
    report = json.loads(system.run("sealbell", "doctor", "--json", check=False))
    return {finding["check"]: finding["state"] for finding in report["findings"]}


def test_doctor_finds_a_doorbell_well_and_then_what_is_not(system: Container) -> None:
    start_relay(system)
    system.wait_until(lambda: system.active(WATCH, UPLINK), "both units are active")
    system.wait_until(lambda: states(system)["relay"] == "ok", "the relay is reached")
    found = states(system)
    well = ("sealbell-watch", "sealbell-uplink", "sealbell-watch shut in", "sealbell-uplink shut in", "keys")
    assert {check: found[check] for check in well} == dict.fromkeys(well, "ok")
    unseen = ("camera", "encoder", "ipa", "light and chime", "power")
    assert {check: found[check] for check in unseen} == dict.fromkeys(unseen, "unseen")
    system.run("systemctl", "stop", RELAY, WATCH)
    system.run("chmod", "0644", "/var/lib/sealbell/state/signing.key")
    system.wait_until(lambda: states(system)["relay"] == "failure", "the relay is missed")
    found = states(system)
    assert (found["sealbell-watch"], found["sealbell-uplink"], found["keys"]) == ("failure", "ok", "failure")
