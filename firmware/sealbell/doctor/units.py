"""The two services: whether they run, what trouble the picture process has, how well they are shut in."""

import re
from collections.abc import Mapping

from sealbell.doctor.camera import CABLE
from sealbell.doctor.card import NEW_CARD
from sealbell.doctor.finding import Finding, failure, ok, unseen, warning
from sealbell.doctor.machine import Machine
from sealbell.doctor.panel import SHORTED
from sealbell.items import Trouble

WATCH, UPLINK = "sealbell-watch.service", "sealbell-uplink.service"
MAX_EXPOSURE_POINTS = {WATCH: 0.8, UPLINK: 1.2}  # by `systemd-analyze security`; systemd 257 finds so much in them
BLIND = (Trouble.CAMERA_STALLED, Trouble.CAMERA_FAILING)
WHAT_TO_DO: Mapping[Trouble, str] = {
    Trouble.CAMERA_STALLED: CABLE,
    Trouble.CAMERA_FAILING: CABLE,
    Trouble.BUTTON_STUCK: SHORTED,
    Trouble.PICTURES_LOST: "lower width, height or fps in the settings, and see the line about power",
    Trouble.CARD_FAILING: NEW_CARD,
    Trouble.OUTBOX_DAMAGED: NEW_CARD,
    Trouble.OUTBOX_FULL: "see the lines about relay and space",
    Trouble.RELAY_AWAY: "see the line about relay",
    Trouble.UNDERVOLTAGE: "see the line about power",
    Trouble.THROTTLED: "see the line about power",
    Trouble.CLOCK_UNSYNCED: "see the line about clock",
}
_EXPOSURE = re.compile(r"Overall exposure level for \S+: ([0-9]+\.[0-9]+)")


def active(machine: Machine, unit: str) -> bool:
    """Whether a unit is up, and so holds what it opened."""
    return _told(machine, unit).get("ActiveState") == "active"


def running(machine: Machine, unit: str) -> Finding:
    """Whether a unit is up, and what it says of itself."""
    told, check = _told(machine, unit), unit.removesuffix(".service")
    if told.get("LoadState") != "loaded":
        return unseen(check, "not installed as a service here")
    if told.get("ActiveState") != "active":
        return failure(check, f"it is {told.get('ActiveState', 'unknown')}", f"see `journalctl --unit {unit}`")
    said = told.get("StatusText") or "it runs"
    if troubles := [trouble for trouble in WHAT_TO_DO if trouble in said.split("; ")]:
        return (failure if troubles[0] in BLIND else warning)(check, said, WHAT_TO_DO[troubles[0]])
    restarts = told.get("NRestarts", "0")
    if restarts != "0":
        return warning(check, f"{said}; restarted {restarts} times", f"see `journalctl --unit {unit}`")
    return ok(check, said)


def hardening(machine: Machine, unit: str) -> Finding:
    """How much of the system a unit could reach, by systemd's own reckoning: 0 nothing, 10 everything."""
    check = f"{unit.removesuffix('.service')} shut in"
    found = _EXPOSURE.search(machine.ask(("systemd-analyze", "security", "--no-pager", unit)) or "")
    if not found:
        return unseen(check, "systemd does not tell here")
    exposure = float(found[1])
    said = f"exposure {exposure} of 10, at most {MAX_EXPOSURE_POINTS[unit]} was promised"
    if exposure > MAX_EXPOSURE_POINTS[unit]:
        return warning(check, said, f"see `systemctl cat {unit}`: a drop-in may have opened it")
    return ok(check, said)


def _told(machine: Machine, unit: str) -> dict[str, str]:
    shown = machine.ask(("systemctl", "show", "--property=LoadState,ActiveState,NRestarts,StatusText", unit))
    return dict(line.split("=", 1) for line in (shown or "").splitlines() if "=" in line)
