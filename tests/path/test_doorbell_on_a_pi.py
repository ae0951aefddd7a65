"""The picture process as a Pi runs it: composed from its settings, on a stand-in for picamera2 and gpiozero's pins for
tests, all behind them real. Time passes by the test's hand; what is committed is opened by the owner."""

import io
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import bundles
from fakes import picamera2
from handpins import HandPins
from histories import Told, tell
from sealbell.config import parse_settings
from sealbell.home import Home, set_up
from sealbell.items import Area, LightCode, Trouble, VideoFormat
from sealbell.notify import Notifier
from sealbell.pins import TABLE, Direction, Function, Level
from sealbell.spool import HEALTH, listing
from sealbell.supervisor import LOOK_S, StageError, Supervisor
from sealbell.watch import eyes
from sealbell.watch.camera.masks import rectangle
from sealbell.watch.cover import NoCover
from sealbell.watch.main import DRAFTS, MIN_LIFE_US, Eyes, compose, open_outbox, timing
from sealbell.watch.sealer import SealPart
from sealbell_testing.clock import HandClock
from sealbell_testing.waiting import DEADLINE_S, until
from sealbell_wire.age.file import Head
from sealbell_wire.health import parse_health
from sealbell_wire.part import Part, parse_part
from sealbell_wire.report import Report, open_health
from sealbell_wire.sealing import Draft, seal_part
from sealbell_wire.sshsig import verify_key_of

FPS = 10
S = 1_000_000
MS = 1_000
SMALL = f"[camera]\nwidth = 320\nheight = 240\nfps = {FPS}\nbits_per_s = 400000\n"
BRIEF = "[recording]\npre_roll_s = 1\npost_roll_s = 1\n"
OUTPUTS = [function for function, pin in TABLE.items() if pin.direction is Direction.OUT]
SAFE_PX = 4  # coding blurs the edge of a mask
BLACK_UP_TO = 22
NIGHT_LUX, DAY_LUX = 0.5, 400.0


class Street:
    """A wall, before which somebody walks from left to right, in the left half of the picture or in the right."""

    def __init__(self) -> None:
        self.walks_in: int | None = None
        self._bricks = np.random.default_rng(5).integers(90, 130, (60, 80)).astype(np.uint8)

    def __call__(self, number: int, width: int, height: int) -> Any:
        luma = np.kron(self._bricks, np.ones((height // 60, width // 80), np.uint8))
        if self.walks_in is not None:
            left = self.walks_in * width // 2 + number % 12 * width // 32
            luma[height // 4 : height * 7 // 8, left : left + width // 10] = 230
        return luma


class Witness:
    """The panel, and what it was told to show."""

    def __init__(self, panel: Any) -> None:
        self._panel = panel
        self.codes: list[LightCode] = []

    def show(self, code: LightCode) -> None:
        self.codes.append(code)
        self._panel.show(code)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._panel, name)


class Pi:
    """A board with a doorbell on it, whose owner is `bundles.IDENTITY`."""

    def __init__(
        self, folder: Path, settings: str = BRIEF, seal: SealPart = seal_part, notify: str | None = None
    ) -> None:
        self.settings = parse_settings(SMALL + settings)
        self.home = Home(folder / "doorbell")
        set_up(self.home.folder, bundles.write(folder), os.urandom)
        self.clock = HandClock()
        self.street = Street()
        self.sensor = picamera2.Sensor(self.clock, FPS, self.street)
        self.pins = HandPins(self.clock)
        self.ended: BaseException | None = None
        self._shown_us = -1
        supervisor = Supervisor(Notifier(notify))
        self.panel = Witness(eyes.gpio_panel(self.settings, self.clock, supervisor.spawn, self.pins))
        camera = eyes.pi_camera(self.settings, self.clock, picamera2.library(self.sensor))
        self.watch = compose(
            self.home, Eyes(camera, self.panel, self.clock, patient=False), timing(self.settings),
            open_outbox(self.home), self._seen, seal, self.settings, supervisor, NoCover(),
        )  # fmt: skip
        self._thread = threading.Thread(target=self._run, daemon=True)

    def starts(self) -> "Pi":
        self._thread.start()
        until(lambda: self.sensor.openings > 0, "the camera is opened")
        return self

    def ends(self) -> BaseException | None:
        """SIGTERM, or whatever ended it before; return that."""
        self.watch.stop()
        return self.has_ended()

    def has_ended(self) -> BaseException | None:
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive(), "the process hangs"
        return self.ended

    def shows(self, seconds: float) -> None:
        """Pictures pass, each handed on before the next."""
        for _ in range(round(seconds * FPS)):
            began_us = self.clock.now_us()
            self.sensor.show()
            until(lambda: self._shown_us >= began_us, "the picture is handed on")  # noqa: B023 - called at once

    def grows_old(self) -> None:
        """Longer than a process lives whose camera never worked, with a picture now and then."""
        for _ in range(MIN_LIFE_US // (2 * S)):
            self.clock.pass_us(2 * S)
            self.shows(0.1)

    def waits(self, holds: Callable[[], bool], what: str, step_us: int = S // 10) -> None:
        """Let time pass without a picture until something is so."""
        until(lambda: holds() or self.clock.pass_us(step_us) is not None, what)

    def presses(self) -> None:
        """A finger on the button, for 50 ms."""
        for down in (True, False):
            self.drives(Function.BUTTON, down)
            self.clock.pass_us(50 * MS)

    def drives(self, function: Function, active: bool) -> None:
        pin = self.pins.pin(TABLE[function].bcm)
        (pin.drive_high if active == (TABLE[function].active is Level.HIGH) else pin.drive_low)()

    def lit(self, *functions: Function) -> list[Function]:
        """Which of these outputs are on."""
        pins = {function: self.pins.pin(TABLE[function].bcm) for function in functions}
        return [
            f for f, pin in pins.items() if pin.function == "output" and pin.state == (TABLE[f].active is Level.HIGH)
        ]

    @property
    def told(self) -> list[Told]:
        """Every clip as the owner opens it."""
        parts = [parse_part((self.home.outbox / entry.name).read_bytes()) for entry in listing(self.home.outbox)]
        return tell(parts, verify_key_of(self.home.signing_key()), [bundles.IDENTITY])

    @property
    def notices(self) -> int:
        return sum(entry.kind == "notice" for entry in listing(self.home.outbox))

    @property
    def triggers(self) -> list[str]:
        return [notice.trigger for clip in self.told for notice in clip.notices]

    def report(self) -> Report:
        """How it is, as the owner reads it."""
        health = parse_health((self.home.outbox / HEALTH).read_bytes())
        return open_health(health, verify_key_of(self.home.signing_key()), [bundles.IDENTITY])

    def says(self, trouble: Trouble) -> bool:
        return (self.home.outbox / HEALTH).exists() and trouble.value in dict(self.report().troubles)

    def _seen(self, t_us: int) -> None:
        self._shown_us = max(self._shown_us, t_us)

    def _run(self) -> None:
        try:
            self.watch.run()
        except BaseException as error:
            self.ended = error


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Callable[..., Pi]]:
    """Doorbells that are switched off when the test is over."""
    boards: list[Pi] = []

    def make(*arguments: Any, **chosen: Any) -> Pi:
        folder = tmp_path / str(len(boards))
        folder.mkdir()
        boards.append(Pi(folder, *arguments, **chosen))
        return boards[-1].starts()

    yield make
    for pi in boards:
        pi.sensor.end()
        pi.ends()


class Systemd:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)

    def hears(self, within_s: float = DEADLINE_S) -> str:
        self._socket.settimeout(within_s)
        try:
            return self._socket.recv(4_096).decode()
        except TimeoutError:
            return ""

    def hears_while(self, pi: Pi, seconds: float) -> set[str]:
        """What comes within so many seconds of its own, while pictures pass."""
        heard = set()
        for _ in range(round(5 * seconds)):
            pi.shows(0.1)
            heard.add(self.hears(0.2))
        return heard - {""}

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    systemd = Systemd(tmp_path)
    yield systemd
    systemd.close()


def pictures(clip: Told) -> list[Any]:
    """The luma of every picture in a clip."""
    film = b"".join(
        text for part, text in zip(clip.parts, clip.plaintexts, strict=True)
        if text is not None and part.record.kind in ("init", "media")
    )  # fmt: skip
    with av.open(io.BytesIO(film)) as container:
        return [picture.to_ndarray(format="yuv420p")[: picture.height] for picture in container.decode(video=0)]


def snapshot(jpeg: bytes) -> Any:
    with av.open(io.BytesIO(jpeg), format="jpeg_pipe") as container:
        return next(container.decode(video=0)).to_ndarray(format="gray8")


def test_a_press_rings_and_is_a_notice_and_a_clip(board: Callable[..., Pi]) -> None:
    pi = board()
    pi.shows(3)
    began_ms = pi.clock.now_us() // MS
    pi.presses()
    until(lambda: bool(pi.lit(Function.CHIME)), "the chime rings")
    until(lambda: pi.notices == 1, "the notice is committed before the clip has ended")
    pi.shows(4)
    assert pi.ends() is None
    (clip,) = pi.told
    assert (clip.notices[0].trigger, clip.notices[0].monotonic_ms, clip.notices[0].alert) == ("button", began_ms, True)
    assert len(pictures(clip)) >= 2 * FPS, "a second before the press and one after it"
    assert clip.manifest.lost == 0
    assert snapshot(clip.notices[0].snapshot).std() > 5
    assert {LightCode.STARTING, LightCode.WATCHING, LightCode.RINGING} <= set(pi.panel.codes)


def test_what_is_masked_is_black_in_clip_and_snapshot(board: Callable[..., Pi]) -> None:
    mask = Area(250, 250, 500, 500)
    pi = board(BRIEF + '[[mask]]\nname = "window"\nx = 250\ny = 250\nwidth = 500\nheight = 500\n')
    pi.shows(2)
    pi.presses()
    pi.shows(3)
    assert pi.ends() is None
    (clip,) = pi.told
    shown = [*pictures(clip), snapshot(clip.notices[0].snapshot)]
    assert len(shown) > 2 * FPS
    for luma in shown:
        at = rectangle(mask, VideoFormat(luma.shape[1], luma.shape[0]))
        inside = luma[at.top + SAFE_PX : at.bottom - SAFE_PX, at.left + SAFE_PX : at.right - SAFE_PX]
        assert inside.max() <= BLACK_UP_TO
        assert luma[: at.top - SAFE_PX].min() > BLACK_UP_TO


def test_motion_counts_in_a_zone_alone(board: Callable[..., Pi]) -> None:
    pi = board(BRIEF + '[[zone]]\nname = "path"\nx = 0\ny = 0\nwidth = 450\nheight = 1000\n')
    pi.shows(3)
    pi.street.walks_in = 1
    pi.shows(2)
    pi.street.walks_in = None
    pi.shows(2)
    beside = pi.notices
    pi.street.walks_in = 0
    pi.shows(2)
    pi.street.walks_in = None
    pi.shows(3)
    assert pi.ends() is None
    assert beside == 0
    assert pi.triggers[:1] == ["motion"]


def test_where_motion_is_ignored_a_press_is_recorded_all_the_same(board: Callable[..., Pi]) -> None:
    pi = board(BRIEF + '[mode]\nnow = "quiet"\n[modes]\nquiet = "ignore"\n')
    pi.shows(3)
    pi.street.walks_in = 0
    pi.shows(2)
    pi.presses()
    pi.shows(1)
    pi.street.walks_in = None
    pi.shows(2)
    assert pi.ends() is None
    assert pi.triggers == ["button"]
    assert len(pictures(pi.told[0])) >= FPS
    assert pi.report().mode == "quiet"


def test_the_pir_alone_is_heard_where_it_is_to_be_heard_alone(board: Callable[..., Pi]) -> None:
    pi = board(BRIEF + '[motion]\nsource = "pir"\n')
    pi.shows(3)
    pi.street.walks_in = 0
    pi.shows(2)
    pi.street.walks_in = None
    unheard = pi.notices
    pi.drives(Function.PIR, True)
    until(lambda: pi.notices == 1, "the PIR is told")
    pi.shows(2)
    pi.drives(Function.PIR, False)
    pi.shows(3)
    assert pi.ends() is None
    assert (unheard, pi.triggers) == (0, ["pir"])


def test_night_lights_the_door_and_exposes_for_it_and_day_ends_it(board: Callable[..., Pi]) -> None:
    pi = board(BRIEF + "[night]\nhold_s = 1\n")
    light = (Function.INFRARED, Function.IR_CUT)
    pi.shows(3)
    assert pi.lit(*light) == []
    pi.sensor.lux = NIGHT_LUX
    pi.shows(3)
    until(lambda: pi.lit(*light) == list(light), "the infrared light is on and the filter out of its way")
    pi.shows(7)
    assert pi.sensor.controls["Saturation"] == 0.0
    assert pi.sensor.controls["FrameDurationLimits"][1] >= 66_666
    pi.sensor.lux = DAY_LUX
    pi.shows(3)
    until(lambda: pi.lit(*light) == [], "and off again")
    assert pi.ends() is None
    assert pi.told == [], "what we changed ourselves is no motion"


def test_a_stalled_camera_is_said_and_shown_and_over_when_it_has_recovered(board: Callable[..., Pi]) -> None:
    pi = board()
    pi.shows(2)
    pi.sensor.faults.stalled = True
    pi.waits(lambda: pi.says(Trouble.CAMERA_STALLED), "health says that the camera has stalled")
    assert pi.panel.codes[-1] is LightCode.TROUBLE
    pi.presses()
    until(lambda: pi.notices == 1, "a press is told without a camera")
    until(lambda: bool(pi.lit(Function.CHIME)), "and rings")
    pi.sensor.faults.heals_at_opening = pi.sensor.openings + 1
    pi.waits(lambda: not pi.sensor.faults.stalled, "it is opened anew")
    until(lambda: pi.shows(0.5) is None and not pi.says(Trouble.CAMERA_STALLED), "health says that it is over")
    until(lambda: pi.panel.codes[-1] is LightCode.WATCHING, "the light watches again")
    pi.presses()
    pi.shows(3)
    assert pi.ends() is None
    blind, seeing = pi.told
    assert blind.notices[0].snapshot == b"", "an old picture would show who is not there"
    assert seeing.notices[0].snapshot
    assert "v" in seeing.kinds


def test_a_camera_that_drops_pictures_is_said_and_shown_and_its_clip_is_whole(board: Callable[..., Pi]) -> None:
    pi = board()
    pi.shows(4)
    pi.presses()
    for _ in range(20):
        pi.sensor.miss(1)
        pi.shows(0.1)
    until(lambda: pi.shows(0.5) is None and pi.says(Trouble.PICTURES_LOST), "health says that pictures are lost")
    assert LightCode.TROUBLE in pi.panel.codes
    assert pi.ends() is None
    assert pi.told[0].kinds[-1] == "f"
    assert len(pictures(pi.told[0])) >= FPS


def test_a_camera_that_fails_in_a_callback_ends_the_process_with_all_committed_and_every_pin_dark(
    board: Callable[..., Pi],
) -> None:
    pi = board(BRIEF + "[night]\nhold_s = 1\n")
    pi.sensor.lux = NIGHT_LUX
    pi.grows_old()
    until(lambda: bool(pi.lit(Function.INFRARED)), "it is night")
    pi.presses()
    pi.shows(1)
    pi.sensor.faults.no_stamp = True
    pi.sensor.show()
    error = pi.has_ended()
    assert isinstance(error, StageError)
    assert "SensorTimestamp" in str(error)
    assert pi.lit(*OUTPUTS) == []
    assert pi.told[0].kinds[-1] == "f", "the clip that was open has its manifest"
    assert pi.says(Trouble.CAMERA_FAILING)


def test_without_a_camera_it_rings_for_a_minute_before_it_starts_anew(
    board: Callable[..., Pi], systemd: Systemd
) -> None:
    pi = board(notify=systemd.address)
    pi.sensor.faults.no_stamp = True
    pi.sensor.show()
    pi.waits(lambda: pi.says(Trouble.CAMERA_FAILING), "health says that the camera fails", MS)
    pi.presses()
    until(lambda: pi.notices == 1, "a press is told")
    until(lambda: bool(pi.lit(Function.CHIME)), "and rings")
    assert systemd.hears(1.2 * LOOK_S) == "", "it is not ready, as no picture ever came"
    assert pi.ended is None
    pi.clock.pass_us(MIN_LIFE_US)
    assert isinstance(pi.has_ended(), StageError)


def test_a_card_that_takes_nothing_is_said_and_shown_until_it_takes_parts_again(board: Callable[..., Pi]) -> None:
    pi = board()
    outbox, away = pi.home.outbox, pi.home.outbox.with_name("away")
    pi.shows(1)
    outbox.rename(away)
    pi.presses()
    until(lambda: LightCode.RINGING in pi.panel.codes, "the press is felt")
    until(lambda: pi.shows(0.5) is None and pi.panel.codes[-1] is LightCode.TROUBLE, "the light shows the trouble")
    away.rename(outbox)
    pi.presses()
    pi.shows(3)
    until(lambda: pi.shows(0.5) is None and pi.panel.codes[-1] is LightCode.WATCHING, "and that it is over")
    assert pi.ends() is None
    assert pi.triggers[-1] == "button"


def test_it_ends_in_order_when_told_to_and_every_pin_is_dark(board: Callable[..., Pi]) -> None:
    pi = board()
    pi.shows(2)
    pi.presses()
    pi.shows(1)
    assert pi.ends() is None
    assert pi.lit(*OUTPUTS) == []
    assert pi.told[0].kinds[-1] == "f"
    rung = pi.notices
    pi.presses()
    assert pi.notices == rung


class Slow:
    """Sealing that waits to be let go on."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.waits = threading.Event()
        self.free.set()

    def __call__(self, draft: Draft, head: Head, key: Ed25519PrivateKey) -> Part:
        self.waits.set()
        assert self.free.wait(DEADLINE_S)
        return seal_part(draft, head, key)


def test_no_press_is_lost_while_more_wait_than_can_wait_to_be_sealed(board: Callable[..., Pi]) -> None:
    slow = Slow()
    pi = board(seal=slow)
    pi.shows(1)
    slow.free.clear()
    presses = DRAFTS + 16
    for _ in range(presses):
        pi.presses()
    assert slow.waits.wait(DEADLINE_S)
    slow.free.set()
    until(lambda: pi.notices == presses, "every press is a notice")
    assert pi.ends() is None
    assert pi.triggers == ["button"] * presses


def test_systemd_hears_that_it_is_ready_with_the_first_picture_and_nothing_more_of_a_stage_that_hangs(
    board: Callable[..., Pi], systemd: Systemd
) -> None:
    slow = Slow()
    pi = board(seal=slow, notify=systemd.address)
    pi.waits(lambda: pi.says(Trouble.CAMERA_STALLED), "no picture comes, and the camera says so")
    assert systemd.hears(1.5 * LOOK_S) == ""
    until(lambda: pi.sensor.openings == 2, "it is opened anew")
    pi.shows(1)
    assert systemd.hears() == "READY=1"
    assert systemd.hears_while(pi, 1.4 * LOOK_S) == {"WATCHDOG=1"}
    slow.free.clear()
    slow.waits.clear()
    pi.presses()
    assert slow.waits.wait(DEADLINE_S)
    systemd.hears_while(pi, 1.2 * LOOK_S)
    assert systemd.hears_while(pi, 2.2 * LOOK_S) == set()
    until(lambda: not pi.lit(Function.CHIME), "that ring is over")
    pi.presses()
    until(lambda: bool(pi.lit(Function.CHIME)), "it rings all the same")
    slow.free.set()


def test_a_camera_that_recovers_is_no_stage_that_hangs(board: Callable[..., Pi], systemd: Systemd) -> None:
    pi = board(notify=systemd.address)
    pi.shows(1)
    assert systemd.hears() == "READY=1"
    pi.sensor.faults.stalled = True
    pi.waits(lambda: pi.says(Trouble.CAMERA_STALLED), "the camera has stalled")
    until(lambda: pi.sensor.openings == 2, "it is opened anew, and waited for")
    systemd.hears(1.2 * LOOK_S)
    assert [systemd.hears(3 * LOOK_S) for _ in range(2)] == ["WATCHDOG=1"] * 2
    pi.sensor.faults.no_stamp, pi.sensor.faults.stalled = True, False
    pi.sensor.show()
    pi.waits(lambda: pi.says(Trouble.CAMERA_FAILING), "and fails for good")
    systemd.hears(1.2 * LOOK_S)
    assert systemd.hears(3 * LOOK_S) == "WATCHDOG=1", "it still rings, and shall not be killed for that"
