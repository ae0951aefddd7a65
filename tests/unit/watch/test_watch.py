"""The picture process, put together as it runs, with a camera that does what the test says."""

import os
import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crafted import key_of
from histories import Told, tell
from scene import VIDEO, filmed
from sealbell.items import Frame, LightCode, Machine, Packet, Picture, Press, Seen, VideoFormat
from sealbell.notify import Notifier
from sealbell.seams import Sink
from sealbell.spool import listing
from sealbell.supervisor import StageError, Supervisor
from sealbell.watch.cover import Cover, NoCover
from sealbell.watch.heads import MAX_PREPARED_HEADS
from sealbell.watch.health import HealthWatch
from sealbell.watch.intake import Intake
from sealbell.watch.keeper import Keeper
from sealbell.watch.main import INTAKE_ITEMS, Eyes, Watch
from sealbell.watch.movement import Movement
from sealbell.watch.night import Night, Thresholds
from sealbell.watch.outbox import Outbox
from sealbell.watch.pipeline import Pipeline
from sealbell.watch.recorder import Recorder, Timing
from sealbell.watch.sealer import Readers, Sealer, SealPart
from sealbell_testing.clock import HandClock
from sealbell_testing.panel import HandPanel
from sealbell_testing.waiting import DEADLINE_S, until
from sealbell_wire import sealing, sshsig
from sealbell_wire.age.decoy import Decoy
from sealbell_wire.age.file import Head
from sealbell_wire.age.mlkem768x25519 import HybridIdentity
from sealbell_wire.part import Part, parse_part
from sealbell_wire.sealing import drop_part, hide_number, seal_part
from wraps import CountedDecoy

KEY = key_of(1)
IDENTITY = HybridIdentity(b"\x01" * 32)


class ScriptedCamera:
    """Shows what `script` feeds to the sink."""

    def __init__(self, script: Callable[[Sink, threading.Event], None]) -> None:
        self._script = script
        self._stopped = threading.Event()

    @property
    def format(self) -> VideoFormat:
        return VIDEO

    def run(self, sink: Sink) -> None:
        self._script(sink, self._stopped)

    def still(self) -> Picture | None:
        return None

    def expose(self, *, night: bool) -> None: ...

    def stop(self) -> None:
        self._stopped.set()


class Detector:
    """Always sees something, or never."""

    def __init__(self, *, active: bool) -> None:
        self.active = active

    def step(self, t_us: int, luma: object) -> "Detector":
        return self

    def reset(self) -> None: ...


class House:
    """A picture process in a folder; `told` is what an owner would open."""

    def __init__(
        self,
        folder: Path,
        script: Callable[[Sink, threading.Event], None],
        *,
        patient: bool = True,
        decoy: Decoy | None = None,
        seal: SealPart = seal_part,
        moving: bool = False,
        cover: Cover | None = None,
    ) -> None:
        self.folder = folder
        self.clock = HandClock()
        self.panel = HandPanel(self.clock)
        self.seen: list[int] = []
        self.lines: list[str] = []
        eyes = Eyes(ScriptedCamera(script), self.panel, self.clock, patient=patient)
        readers = Readers(hide_number([IDENTITY.recipient], decoy or Decoy(os.urandom)), "5e" * 32)
        outbox = Outbox(folder, 1 << 40, 0, lambda part: drop_part(part, KEY), lambda _: 1 << 40)
        sealer = Sealer(KEY, readers, "1.2.3", eyes.clock, outbox, random.Random(3).randbytes, seal)
        pipeline = Pipeline(
            Detector(active=moving), Recorder(VIDEO, Timing(), lambda: b"", cover or NoCover()), Movement("picture"),
            Night(Thresholds(5, 30, 0)), lambda _: "alert", lambda _: None,
        )  # fmt: skip
        keeper = Keeper(self.clock, self.panel, HealthWatch(self.clock, Machine, None), self.lines.append)
        intake = Intake(INTAKE_ITEMS, patient=patient)
        self.watch = Watch(eyes, intake, pipeline, keeper, sealer, Supervisor(Notifier(None)), self.seen.append)

    @property
    def told(self) -> list[Told]:
        parts = [parse_part((self.folder / entry.name).read_bytes()) for entry in listing(self.folder)]
        return tell(parts, sshsig.verify_key_of(KEY), [IDENTITY])


def film(presses_us: list[int], packets: tuple[Packet, ...] = ()) -> Callable[[Sink, threading.Event], None]:
    def script(sink: Sink, stopped: threading.Event) -> None:
        items: list[Seen] = [*(packets or filmed(80)), *(Press(t_us) for t_us in presses_us)]
        for item in sorted(items, key=lambda item: item.t_us):
            if stopped.is_set():
                return
            sink(item)

    return script


def test_everything_that_was_seen_is_committed_before_it_ends(tmp_path: Path) -> None:
    house = House(tmp_path, film([1_000_000, 2_500_000]))
    house.watch.run()
    (clip,) = house.told
    assert clip.kinds == "nivvnvvvvvvf"
    assert max(house.seen) == 7_900_000


def test_doorbell_prepares_heads_while_it_waits_for_a_press(tmp_path: Path) -> None:
    decoy = CountedDecoy(os.urandom)
    prepared = 3 * (MAX_PREPARED_HEADS + 1)  # with three decoys each; one for the health message at the start
    wraps_when_sealed: list[int] = []

    def script(sink: Sink, stopped: threading.Event) -> None:
        until(lambda: decoy.wraps == prepared, "as many heads are prepared as a press asks for")
        film([0])(sink, stopped)

    def seal(draft: sealing.Draft, head: Head, key: Ed25519PrivateKey) -> Part:
        wraps_when_sealed.append(decoy.wraps)
        return seal_part(draft, head, key)

    house = House(tmp_path, script, decoy=decoy, seal=seal)
    house.watch.run()
    assert house.told[0].kinds.startswith("niv")
    assert wraps_when_sealed[0] == prepared


def test_press_of_the_button_is_recorded_while_nothing_moves(tmp_path: Path) -> None:
    pressed = threading.Event()

    def script(sink: Sink, _: threading.Event) -> None:
        packets = filmed(80)
        for packet in packets[:20]:
            sink(packet)
        assert pressed.wait(DEADLINE_S)
        for packet in packets[20:]:
            sink(packet)

    house = House(tmp_path, script)
    thread = threading.Thread(target=house.watch.run, daemon=True)
    thread.start()
    until(lambda: house.panel.listens, "the panel feels presses")
    house.clock.pass_us(1_950_000)
    house.panel.press()
    pressed.set()
    thread.join(DEADLINE_S)
    assert not thread.is_alive()
    assert house.told[0].notices[0].trigger == "button"


class WaitsForEver(NoCover):
    def wait_us(self, period_us: int) -> int:
        return 1_000_000_000


def test_press_never_waits_behind_a_movement_that_does(tmp_path: Path) -> None:
    def script(sink: Sink, stopped: threading.Event) -> None:
        sink(Frame(0, None))  # type: ignore[arg-type]  # the detector here does not look
        stopped.wait(DEADLINE_S)

    house = House(tmp_path, script, patient=False, moving=True, cover=WaitsForEver())
    thread = threading.Thread(target=house.watch.run, daemon=True)
    thread.start()
    until(lambda: bool(house.seen), "something has moved")
    house.panel.press()
    until(lambda: len(listing(tmp_path)) == 2, "both notices are committed")
    house.watch.stop()
    thread.join(DEADLINE_S)
    assert [notice.trigger for notice in house.told[0].notices] == ["motion", "button"]


def test_stop_commits_what_is_open_and_ends(tmp_path: Path) -> None:
    running = threading.Event()

    def script(sink: Sink, stopped: threading.Event) -> None:
        sink(Press(0))
        for packet in filmed(25):
            sink(packet)
        running.set()
        stopped.wait(DEADLINE_S)

    house = House(tmp_path, script)
    thread = threading.Thread(target=house.watch.run, daemon=True)
    thread.start()
    assert running.wait(DEADLINE_S)
    house.watch.stop()
    thread.join(DEADLINE_S)
    assert not thread.is_alive()
    assert not house.panel.listens
    assert house.told[0].kinds == "nivvvf"


@pytest.mark.parametrize("error", [OSError(19, "no such device"), ValueError("bad frame")])
def test_camera_that_fails_ends_the_process(tmp_path: Path, error: Exception) -> None:
    def script(sink: Sink, _: threading.Event) -> None:
        sink(Press(0))
        raise error

    house = House(tmp_path, script)
    with pytest.raises(StageError, match=f"camera failed: {type(error).__name__}"):
        house.watch.run()
    assert house.told[0].kinds == "nf", "what was felt before is committed"
    assert not house.panel.listens


def test_picture_that_no_stage_understands_ends_the_process(tmp_path: Path) -> None:
    def script(sink: Sink, stopped: threading.Event) -> None:
        sink(Press(0))
        sink(Packet(0, b"no parameter sets", keyframe=True))
        sink(Packet(1, b"no parameter sets", keyframe=True))
        stopped.wait(DEADLINE_S)

    with pytest.raises(StageError, match="watch failed: ValueError: the encoder gave a keyframe without"):
        House(tmp_path, script).watch.run()


def test_light_and_systemd_are_told_what_goes_on(tmp_path: Path) -> None:
    house = House(tmp_path, film([1_000_000]))
    house.watch.run()
    assert {LightCode.WATCHING, LightCode.RINGING} <= set(house.panel.lights)
    assert house.lines
