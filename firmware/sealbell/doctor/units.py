"""The two services: whether they run, what the camera shows, how well they are shut in."""

import re

from sealbell.doctor.finding import Finding, failure, ok, unseen, warning
from sealbell.doctor.machine import Machine

WATCH, UPLINK = "sealbell-watch.service", "sealbell-uplink.service"
MAX_EXPOSURE_POINTS = {WATCH: 0.8, UPLINK: 1.2}  # as issue 3 promises, by `systemd-analyze security`
_EXPOSURE = re.compile(r"Overall exposure level for \S+: ([0-9]+\.[0-9]+)")


def running(machine: Machine, unit: str) -> Finding:
    """Whether a unit is up, and what it says of itself."""
    shown = machine.ask(("systemctl", "show", "--property=LoadState,ActiveState,NRestarts,StatusText", unit))
    check = unit.removesuffix(".service")
    told = dict(line.split("=", 1) for line in (shown or "").splitlines() if "=" in line)
    if told.get("LoadState") != "loaded":
        return unseen(check, "not installed as a service here")
    if told.get("ActiveState") != "active":
        return failure(check, f"it is {told.get('ActiveState', 'unknown')}", f"see `journalctl --unit {unit}`")
    said = told.get("StatusText") or "it runs"
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
