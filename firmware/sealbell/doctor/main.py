"""The doctor, put together: what is examined, and in which order it is told."""

import secrets
import shutil
import sys
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from sealbell.clock import SystemClock
from sealbell.config import Settings
from sealbell.config.rules import PI
from sealbell.doctor import board, camera, card, ipa, panel, relay, units
from sealbell.doctor.finding import Finding, State, unseen, worst
from sealbell.doctor.machine import Machine, ask
from sealbell.doctor.report import as_json, lines
from sealbell.home import Home
from sealbell.notify import Notifier
from sealbell.pins import Function, Pin
from sealbell.seams import Camera, Clock, Panel
from sealbell.supervisor import Supervisor
from sealbell.watch import eyes

BOOT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined: the machine, the doorbell's folder, and how its parts are opened.

    `open_camera` is None where the settings name a camera that no such machine has, `open_panel` unless somebody asked
    to see the lights and hear the chime.
    """

    machine: Machine
    home: Path
    open_camera: Callable[[], Camera] | None
    open_panel: Callable[[], Panel] | None
    pins: Collection[Pin]
    active_inputs: Callable[[], Mapping[Function, bool]]
    free_bytes: Callable[[Path], int]
    connect: relay.Connect
    clock: Clock
    wait: Callable[[float], object]


def disk_free_bytes(folder: Path) -> int:
    """Return the bytes that are free on the disk of `folder`; OSError if it cannot be asked."""
    return shutil.disk_usage(folder).free


def examine(patient: Patient, tell: Callable[[str], None] = lambda _: None) -> list[Finding]:
    """Return all findings; `tell` hears what is examined before anything that takes long."""
    machine, home = patient.machine, patient.home
    tell("services")
    watching, sending = units.running(machine, units.WATCH), units.running(machine, units.UPLINK)
    busy = units.active(machine, units.WATCH)
    tell("camera")
    findings = [
        watching,
        sending,
        _in_use("camera", "its pictures") if busy else _camera(patient),
        camera.encoder(machine),
        ipa.signatures(machine),
        panel.pins(machine, None if busy else patient.active_inputs),
        panel.buses(patient.pins),
    ]
    if patient.open_panel is None:
        findings.append(unseen("light and chime", "not asked for", "`sealbell doctor --ring` shows and rings them"))
    elif busy:
        findings.append(_in_use("light and chime", "its pins"))
    else:
        tell("light and chime")
        findings.append(panel.show(patient.open_panel, patient.wait))
    tell("relay")
    return [
        *findings,
        board.wireless(machine),
        relay.told(Home(home), patient.clock) or relay.reached(Home(home), patient.connect, patient.clock.synced),
        board.clock(machine),
        board.power(machine),
        card.space(home, patient.free_bytes),
        card.health(machine),
        board.watchdog(machine),
        units.hardening(machine, units.WATCH),
        units.hardening(machine, units.UPLINK),
        card.keys(home),
    ]


def _camera(patient: Patient) -> Finding:
    if patient.open_camera is None:
        return unseen("camera", "the settings name a Pi's camera, and this is no Raspberry Pi")
    return camera.pictures(patient.open_camera)


def _in_use(check: str, what: str) -> Finding:
    return unseen(
        check, f"sealbell-watch holds {what} and told above how it is", f"`systemctl stop {units.WATCH}` first"
    )


def run(patient: Patient, *, json: bool) -> bool:
    """Examine, print the report, and return whether nothing failed. Progress goes to a terminal alone."""
    progress = sys.stderr.isatty() and not json
    findings = examine(patient, lambda what: print(f"looking at {what} ...", file=sys.stderr) if progress else None)
    print(as_json(findings) if json else "\n".join(lines(findings)))
    return worst(findings) is not State.FAILURE


def examine_this_machine(home: Path, settings: Settings, *, ring: bool, json: bool) -> bool:
    """Examine the machine that this runs on, print the report, and return whether nothing failed."""
    boot = secrets.token_hex(BOOT_BYTES)
    clock, supervisor, pause = SystemClock(boot), Supervisor(Notifier(None)), threading.Event()
    machine = Machine(Path("/"), ask)

    def open_camera() -> Camera:
        return eyes.by_settings(settings, boot, supervisor.spawn, panel=False).camera

    patient = Patient(
        machine,
        home,
        None if machine.model is None and settings.camera.source == PI else open_camera,
        (lambda: eyes.gpio_panel(settings, clock, supervisor.spawn)) if ring else None,
        eyes.pins(settings).values(),
        lambda: eyes.active_inputs(settings),
        disk_free_bytes,
        relay.connect,
        clock,
        pause.wait,
    )
    return run(patient, json=json)
