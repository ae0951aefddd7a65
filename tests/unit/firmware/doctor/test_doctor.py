"""The doctor before made-up Pis: a tree of small files, programs that answer what they are told to."""

import json
import os
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import bundles
from sealbell.clock import FootageClock
from sealbell.doctor import board, camera, card, ipa, panel, relay, units
from sealbell.doctor.finding import Finding, State, failure, ok, unseen, warning, worst
from sealbell.doctor.machine import MAX_READ_BYTES, Machine, ask
from sealbell.doctor.main import Patient, examine, run
from sealbell.doctor.report import as_json, lines
from sealbell.home import Home, set_up
from sealbell.items import Felt, LightCode, Packet, Picture, Trouble, VideoFormat
from sealbell.link import LINK, Link
from sealbell.pins import PINS, Function
from sealbell.seams import Camera, Sink
from sealbell.watch.camera.synthetic import Synthetic
from sealbell.watch.status import BLIND, Status

BOOT = "b0" * 16
CLOCK = FootageClock(BOOT, real=False)
GB = 1_000_000_000
THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"
PI_4 = "Raspberry Pi 4 Model B Rev 1.4\0"
WIRELESS = (
    "Inter-| sta-|   Quality        |\n face | tus | link level noise |\n wlan0: 0000   54.  {}.  -256        0\n"
)
SHOW = f"systemctl show --property=LoadState,ActiveState,NRestarts,StatusText {units.WATCH}"
ACTIVE = "LoadState=loaded\nActiveState=active\nNRestarts={}\nStatusText=watching: 15.0 pictures a second\n"


@dataclass
class Pi:
    """A machine that is made up file by file."""

    root: Path
    answers: dict[str, str] = field(default_factory=dict)

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def ask(self, command: Sequence[str]) -> str | None:
        return self.answers.get(" ".join(command))

    @property
    def machine(self) -> Machine:
        return Machine(self.root, self.ask)


@pytest.fixture
def pi(tmp_path: Path) -> Pi:
    (tmp_path / "root").mkdir()
    return Pi(tmp_path / "root")


@pytest.mark.parametrize(
    ("bits", "state"),
    [
        ("0", State.OK),
        ("0x0", State.OK),
        ("1", State.FAILURE),
        ("2", State.WARNING),
        ("4", State.WARNING),
        ("8", State.WARNING),
        ("10000", State.WARNING),
        ("20000", State.WARNING),
        ("40000", State.WARNING),
        ("80000", State.WARNING),
        ("50005", State.FAILURE),
        ("none", State.UNSEEN),
    ],
)
def test_supply_is_judged_by_what_the_firmware_tells(pi: Pi, bits: str, state: State) -> None:
    pi.write(THROTTLED, bits + "\n")
    assert board.power(pi.machine).state is state


@pytest.mark.parametrize(
    ("dbm", "state"), [(-50, State.OK), (-67, State.OK), (-70, State.WARNING), (-80, State.FAILURE)]
)
def test_wireless_link_is_judged_by_its_strength(pi: Pi, dbm: int, state: State) -> None:
    pi.write("proc/net/wireless", WIRELESS.format(dbm))
    found = board.wireless(pi.machine)
    assert (found.state, str(dbm) in found.said) == (state, True)


@pytest.mark.parametrize("table", ["", "one\ntwo\n", "one\ntwo\n wlan0: 0000\n", "one\ntwo\n wlan0: 0000 1. x. 3\n"])
def test_table_without_a_link_is_no_link(pi: Pi, table: str) -> None:
    pi.write("proc/net/wireless", table)
    assert board.wireless(pi.machine).state is State.UNSEEN


def test_clock_that_nobody_set_is_a_warning(pi: Pi) -> None:
    assert board.clock(pi.machine).state is State.WARNING
    pi.answers["timedatectl show --property=NTPSynchronized --value"] = "yes\n"
    assert board.clock(pi.machine).state is State.OK
    pi.answers.clear()
    pi.write("run/systemd/timesync/synchronized", "")
    assert board.clock(pi.machine).state is State.OK


@pytest.mark.parametrize(
    ("state", "timeout", "found"),
    [("active", "15", State.OK), ("inactive", "15", State.WARNING), ("active", "60", State.WARNING)],
)
def test_watchdog_is_fed_and_waits_no_longer_than_it_can(pi: Pi, state: str, timeout: str, found: State) -> None:
    for name, text in (("identity", "Broadcom BCM2835 Watchdog timer"), ("state", state), ("timeout", timeout)):
        pi.write(f"sys/class/watchdog/watchdog0/{name}", text + "\n")
    assert board.watchdog(pi.machine).state is found


def test_watchdog_of_which_the_kernel_tells_nothing_is_not_said_to_be_missing(pi: Pi) -> None:
    assert board.watchdog(pi.machine).said == "this machine has no hardware watchdog"
    pi.write("sys/class/watchdog/watchdog0/uevent", "")
    found = board.watchdog(pi.machine)
    assert (found.state, "there is one" in found.said) == (State.UNSEEN, True)


def test_encoder_of_each_kind_of_machine(pi: Pi) -> None:
    assert camera.encoder(pi.machine).state is State.UNSEEN
    pi.write("proc/device-tree/model", PI_4)
    assert camera.encoder(pi.machine).state is State.FAILURE
    pi.write("sys/class/video4linux/video11/name", camera.HARDWARE_ENCODER + "\n")
    assert camera.encoder(pi.machine).said.startswith("hardware")
    pi.write("sys/class/video4linux/video11/name", "rpivid\n")
    pi.write("proc/device-tree/model", "Raspberry Pi 5 Model B Rev 1.0\0")
    assert camera.encoder(pi.machine).said.startswith("software")
    pi.write("proc/device-tree/model", "Raspberry Pi Compute Module 5 Rev 1.0\0")
    assert camera.encoder(pi.machine).state is State.OK


LIBCAMERA = "usr/lib/aarch64-linux-gnu/libcamera"
MODULE = f"{LIBCAMERA}/ipa/ipa_rpi_vc4.so"


def sign(pi: Pi, key: rsa.RSAPrivateKey, module: bytes) -> None:
    """As libcamera's build does it: the public key lies somewhere in the library, the signature beside the module."""
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pi.write(f"{LIBCAMERA}.so.0.4.0", "")
    (pi.root / f"{LIBCAMERA}.so.0.4.0").write_bytes(b"\x7fELF" + ipa.KEY_BEGINS + b"none" + public + b"more")
    pi.write(MODULE, "")
    (pi.root / MODULE).write_bytes(module)
    (pi.root / f"{MODULE}.sign").write_bytes(key.sign(module, PKCS1v15(), SHA256()))


def test_module_whose_signature_does_not_fit_is_named(pi: Pi) -> None:
    assert ipa.signatures(pi.machine).state is State.UNSEEN
    key = rsa.generate_private_key(65_537, 2_048)
    sign(pi, key, b"module")
    assert ipa.signatures(pi.machine).state is State.OK
    (pi.root / MODULE).write_bytes(b"modul")
    stripped = ipa.signatures(pi.machine)
    assert (stripped.state, "ipa_rpi_vc4.so" in stripped.said) == (State.FAILURE, True)
    sign(pi, rsa.generate_private_key(65_537, 2_048), b"module")
    (pi.root / f"{MODULE}.sign").write_bytes(key.sign(b"module", PKCS1v15(), SHA256()))
    assert ipa.signatures(pi.machine).state is State.FAILURE, "of another build"
    (pi.root / f"{MODULE}.sign").unlink()
    assert ipa.signatures(pi.machine).state is State.FAILURE


def test_signature_that_nobody_can_check_is_not_said_to_fit(pi: Pi) -> None:
    sign(pi, rsa.generate_private_key(65_537, 2_048), b"module")
    (pi.root / f"{LIBCAMERA}.so.0.4.0").unlink()
    assert ipa.signatures(pi.machine).state is State.UNSEEN


def drawn() -> Camera:
    return Synthetic(VideoFormat(64, 48), 20, 100_000, FootageClock("b0" * 16, real=False), 3_000_000)


class DeadCamera:
    """Opens, and then fails, or shows `shown` pictures and no more."""

    def __init__(self, error: Exception | None, shown: int = 0) -> None:
        self._error, self._shown = error, shown

    @property
    def format(self) -> VideoFormat:
        return VideoFormat(64, 48)

    def run(self, sink: Sink) -> None:
        if self._error:
            raise self._error
        for number in range(self._shown):
            sink(Packet(number * 500_000, b"\0", keyframe=True))

    def still(self) -> Picture | None:
        return None

    def expose(self, *, night: bool) -> None: ...

    def stop(self) -> None: ...


def absent() -> Camera:
    raise RuntimeError("picamera2 is not installed\nhint: sudo apt install python3-picamera2")


def test_pictures_that_flow_are_counted_by_their_own_time() -> None:
    found = camera.pictures(drawn)
    assert (found.state, found.said) == (State.OK, "pictures of 64x48, 20.0 a second")


@pytest.mark.parametrize(
    ("open_camera", "state", "said"),
    [
        (lambda: DeadCamera(RuntimeError("the sensor is gone")), State.FAILURE, "the sensor is gone"),
        (lambda: DeadCamera(None), State.FAILURE, "it was opened, and no picture came"),
        (lambda: DeadCamera(None, 4), State.WARNING, "pictures of 64x48 come slowly: 2.0 a second"),
        (absent, State.FAILURE, "picamera2 is not installed"),
    ],
)
def test_camera_that_shows_nothing_says_why(open_camera: Callable[[], Camera], state: State, said: str) -> None:
    found = camera.pictures(open_camera)
    assert (found.state, found.said) == (state, said)
    assert found.hint
    assert "\n" not in found.said + found.hint


@dataclass
class Shown:
    """A panel that remembers what it was told."""

    codes: list[LightCode] = field(default_factory=list)
    chimes: int = 0
    stopped: bool = False

    def start(self, sink: Callable[[Felt], None]) -> None: ...

    def show(self, code: LightCode) -> None:
        self.codes.append(code)

    def chime(self) -> None:
        self.chimes += 1

    def infrared(self, *, on: bool) -> None: ...

    def stop(self) -> None:
        self.stopped = True


def no_panel() -> Shown:
    raise RuntimeError("gpiozero finds no pins\nhint: sudo apt install python3-lgpio")


def test_light_and_chime_are_shown_and_put_out_again() -> None:
    shown = Shown()
    assert panel.show(lambda: shown, lambda _: None).state is State.OK
    assert (tuple(shown.codes), shown.chimes, shown.stopped) == (panel.SHOWN, 1, True)
    found = panel.show(no_panel, lambda _: None)
    assert (found.state, found.said, found.hint) == (
        State.FAILURE, "gpiozero finds no pins", "sudo apt install python3-lgpio",
    )  # fmt: skip


def held() -> dict[Function, bool]:
    raise RuntimeError("button: BCM 17 cannot be had\nhint: is it another program's?")


def nothing_active() -> dict[Function, bool]:
    return dict.fromkeys(panel.SAID, False)


def test_pins_tell_what_is_active(pi: Pi) -> None:
    assert panel.pins(pi.machine, nothing_active).state is State.UNSEEN
    pi.write("dev/gpiochip0", "")
    assert panel.pins(pi.machine, None).state is State.OK
    assert panel.pins(pi.machine, nothing_active).state is State.OK
    reset = panel.pins(pi.machine, lambda: {Function.RESET: True})
    assert (reset.state, reset.said) == (State.OK, "the reset jumper is set")
    assert panel.pins(pi.machine, lambda: {Function.BUTTON: True}).state is State.WARNING
    found = panel.pins(pi.machine, held)
    assert (found.state, found.hint) == (State.FAILURE, "is it another program's?")


def test_pin_that_a_bus_may_take_is_named() -> None:
    assert panel.buses(PINS).state is State.OK
    found = panel.buses([replace(PINS[0], bcm=2)])
    assert (found.state, found.said) == (State.WARNING, "button: BCM 2 is I2C's where that is switched on")


def test_room_on_the_card_is_judged(tmp_path: Path) -> None:
    assert card.space(tmp_path, lambda _: 8 * GB).state is State.OK
    assert card.space(tmp_path, lambda _: 300_000_000).state is State.WARNING
    assert card.space(tmp_path, lambda _: 1_000).state is State.FAILURE

    def gone(_: Path) -> int:
        raise FileNotFoundError(2, "No such file or directory")

    assert card.space(tmp_path, gone).state is State.FAILURE


def test_errors_that_the_file_system_counted_are_a_failing_card(pi: Pi) -> None:
    assert card.health(pi.machine).state is State.UNSEEN
    pi.write("sys/fs/ext4/mmcblk0p2/errors_count", "0\n")
    assert card.health(pi.machine).state is State.OK
    pi.write("sys/fs/ext4/mmcblk0p3/errors_count", "3\n")
    found = card.health(pi.machine)
    assert (found.state, "mmcblk0p3" in found.said, "mmcblk0p2" in found.said) == (State.FAILURE, True, False)


@pytest.mark.parametrize(("path", "mode"), [("state", 0o750), ("state/signing.key", 0o640)])
def test_key_that_others_may_read_is_a_failure(tmp_path: Path, path: str, mode: int) -> None:
    folder = tmp_path / "doorbell"
    set_up(folder, bundles.write(tmp_path), bytes)
    assert card.keys(folder).state is State.OK
    (folder / path).chmod(mode)
    assert card.keys(folder).state is State.FAILURE


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give away")
@pytest.mark.parametrize(
    ("of_folder", "of_key", "reader"), [(0, 0, "root"), (0, 7, "root"), (7, 0, "root"), (7, 7, "its owner")]
)
def test_key_is_said_to_be_read_by_whoever_can(tmp_path: Path, of_folder: int, of_key: int, reader: str) -> None:
    folder = tmp_path / "doorbell"
    set_up(folder, bundles.write(tmp_path), bytes)
    os.chown(folder / "state", of_folder, -1)
    os.chown(folder / "state" / "signing.key", of_key, -1)
    assert card.keys(folder).said.startswith(f"only {reader} may read ")


def test_folder_that_is_no_doorbell_says_how_to_make_one(tmp_path: Path) -> None:
    found = card.keys(tmp_path)
    assert (found.state, "sealbell init" in found.hint) == (State.FAILURE, True)
    assert relay.reached(Home(tmp_path), lambda *_: None, CLOCK.synced).state is State.FAILURE


def test_relay_is_knocked_at_where_the_bundle_says(tmp_path: Path) -> None:
    folder = tmp_path / "doorbell"
    set_up(folder, bundles.write(tmp_path), bytes)
    knocked: list[tuple[str, int]] = []

    def note(host: str, port: int, context: ssl.SSLContext | None) -> None:
        assert context is None
        knocked.append((host, port))

    assert relay.reached(Home(folder), note, CLOCK.synced).state is State.OK
    assert knocked
    assert f"{knocked[0][0]}:{knocked[0][1]}" in bundles.RELAY.mqtt

    def refuse(host: str, port: int, context: ssl.SSLContext | None) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    found = relay.reached(Home(folder), refuse, CLOCK.synced)
    assert (found.state, "connection refused" in found.said) == (State.FAILURE, True)


@pytest.mark.parametrize(("connected", "state"), [(True, State.OK), (False, State.FAILURE)])
def test_what_the_uplink_says_of_its_link_counts_before_a_knock(tmp_path: Path, connected: bool, state: State) -> None:
    home = Home(tmp_path)
    home.inbox.mkdir()
    assert relay.told(home, CLOCK) is None
    (home.inbox / LINK).write_bytes(
        Link(BOOT, 0, connected, 0, "relay.example", "" if connected else "no-route", -60).encode()
    )
    found = relay.told(home, CLOCK)
    assert found
    assert (found.state, "relay.example" in found.said) == (state, True)
    (home.inbox / LINK).write_bytes(Link("c1" * 16, 0, connected, 0, "relay.example", "", -60).encode())
    assert relay.told(home, CLOCK) is None


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (None, State.UNSEEN),
        ("LoadState=not-found\nActiveState=inactive\n", State.UNSEEN),
        ("LoadState=loaded\nActiveState=failed\nNRestarts=5\n", State.FAILURE),
        (ACTIVE.format(3), State.WARNING),
        (ACTIVE.format(0), State.OK),
    ],
)
def test_service_is_judged_by_what_systemd_says(pi: Pi, answer: str | None, state: State) -> None:
    if answer:
        pi.answers[SHOW] = answer
    found = units.running(pi.machine, units.WATCH)
    assert found.state is state
    assert state is not State.OK or found.said == "watching: 15.0 pictures a second"


def test_every_trouble_of_the_picture_process_is_told_with_what_to_do(pi: Pi) -> None:
    for trouble in Trouble:
        line = Status().line(0, {trouble})
        pi.answers[SHOW] = ACTIVE.format(0).replace("watching: 15.0 pictures a second", line)
        found = units.running(pi.machine, units.WATCH)
        assert found.state is (State.FAILURE if trouble in BLIND else State.WARNING), trouble
        assert trouble in found.said
        assert found.hint


def test_camera_that_has_stalled_in_the_service_is_a_failure_and_is_not_opened_meanwhile(
    pi: Pi, tmp_path: Path
) -> None:
    pi.answers[SHOW] = ACTIVE.format(0).rstrip() + "; button-stuck; camera-stalled\n"
    found = {finding.check: finding for finding in examine(replace(patient(pi, tmp_path), open_camera=absent))}
    assert (found["sealbell-watch"].state, found["camera"].state) == (State.FAILURE, State.UNSEEN)
    assert "ribbon cable" in found["sealbell-watch"].hint


@pytest.mark.parametrize(("exposure", "state"), [("0.8", State.OK), ("0.9", State.WARNING), ("", State.UNSEEN)])
def test_unit_that_somebody_opened_is_noticed(pi: Pi, exposure: str, state: State) -> None:
    pi.answers[f"systemd-analyze security --no-pager {units.WATCH}"] = (
        f"  NAME  DESCRIPTION\n\n→ Overall exposure level for {units.WATCH}: {exposure} SAFE 😀\n"
    )
    assert units.hardening(pi.machine, units.WATCH).state is state


def test_file_that_is_too_long_is_read_only_so_far(pi: Pi) -> None:
    pi.write("proc/device-tree/model", "x" * (MAX_READ_BYTES + 1))
    assert len(pi.machine.read("proc/device-tree/model") or "") == MAX_READ_BYTES


def test_program_that_fails_or_is_absent_says_nothing() -> None:
    assert ask(("false",)) is None
    assert ask(("/nowhere/program",)) is None
    assert ask(("echo", "said")) == "said\n"


def patient(pi: Pi, home: Path) -> Patient:
    return Patient(
        pi.machine, home, drawn, None, PINS, nothing_active, lambda _: 8 * GB, lambda *_: None, CLOCK, lambda _: None
    )


def test_relay_that_answers_is_no_comfort_where_the_uplink_says_that_it_is_not_connected(
    pi: Pi, tmp_path: Path
) -> None:
    folder = tmp_path / "doorbell"
    set_up(folder, bundles.write(tmp_path), bytes)
    states = {finding.check: finding.state for finding in examine(patient(pi, folder))}
    assert states["relay"] is State.OK
    (folder / "inbox" / LINK).write_bytes(Link(BOOT, 0, False, 0, "relay.example", "refused", None).encode())
    states = {finding.check: finding.state for finding in examine(patient(pi, folder))}
    assert states["relay"] is State.FAILURE


def test_camera_and_pins_that_the_service_holds_are_left_alone(pi: Pi, tmp_path: Path) -> None:
    pi.answers[SHOW] = ACTIVE.format(0)
    opened = replace(patient(pi, tmp_path), open_camera=absent, open_panel=no_panel)
    states = {finding.check: finding.state for finding in examine(opened)}
    assert (states["camera"], states["light and chime"]) == (State.UNSEEN, State.UNSEEN)


def test_doctor_runs_off_a_pi_and_says_what_it_cannot_see(
    pi: Pi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "doorbell"
    set_up(folder, bundles.write(tmp_path), bytes)
    assert run(patient(pi, folder), json=False)
    told = capsys.readouterr().out
    assert "only a Raspberry Pi tells about its supply" in told
    assert "FAILURE" not in told.replace("first FAILURE", "")


def test_every_finding_that_wants_something_says_what_to_do(pi: Pi, tmp_path: Path) -> None:
    for finding in examine(patient(pi, tmp_path / "nowhere")):
        assert finding.state not in (State.WARNING, State.FAILURE) or finding.hint
        assert finding.said == finding.said.strip()
        assert not finding.said.endswith(".")


def test_report_for_programs_holds_the_same(pi: Pi, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not run(patient(pi, tmp_path / "nowhere"), json=True)
    report = json.loads(capsys.readouterr().out)
    assert report["state"] == "failure"
    assert {finding["check"] for finding in report["findings"]} >= {
        "camera", "encoder", "ipa", "pins", "light and chime", "wi-fi", "relay", "clock", "power", "space", "card",
        "watchdog", "keys", "sealbell-watch", "sealbell-uplink", "sealbell-watch shut in", "sealbell-uplink shut in",
    }  # fmt: skip


def test_what_is_unseen_decides_nothing() -> None:
    found: list[Finding] = [ok("a", "x"), unseen("b", "y")]
    assert worst(found) is State.OK
    assert worst([*found, warning("c", "z", "do")]) is State.WARNING
    assert worst([*found, failure("d", "z", "do"), warning("c", "z", "do")]) is State.FAILURE
    assert any("hint: do" in line for line in lines([failure("d", "z", "do")]))
    assert json.loads(as_json(found))["state"] == "ok"
