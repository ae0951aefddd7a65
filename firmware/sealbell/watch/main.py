"""The picture process, put together: the only place that names its parts. It reaches no network."""

import logging
import queue
import random
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sealbell import __version__
from sealbell.clock import LocalTime, local_time
from sealbell.config import Settings
from sealbell.home import Home, HomeError
from sealbell.items import Condition, Draft, Felt, NoticeDraft, Packet, Press, Seen
from sealbell.link import Link, read_link
from sealbell.notify import Notifier
from sealbell.seams import Camera, Clock, DeviceError, Panel
from sealbell.supervisor import Supervisor
from sealbell.watch import zones
from sealbell.watch.cover import Cover, DrawnCover
from sealbell.watch.health import HealthWatch
from sealbell.watch.intake import Intake
from sealbell.watch.keeper import Keeper
from sealbell.watch.machine import MachineReader
from sealbell.watch.modes import Modes
from sealbell.watch.motion import MotionDetector
from sealbell.watch.movement import Movement
from sealbell.watch.night import Night, Thresholds
from sealbell.watch.outbox import Outbox
from sealbell.watch.pipeline import Pipeline
from sealbell.watch.presses import Presses
from sealbell.watch.recorder import Recorder, Timing
from sealbell.watch.sealer import Readers, Sealer, SealPart
from sealbell.watch.snapshot import snapshot
from sealbell_wire.age.decoy import Decoy
from sealbell_wire.age.mlkem768x25519 import HybridRecipient
from sealbell_wire.sealing import drop_part, hide_number, seal_part
from sealbell_wire.sshsig import verify_key_of

INTAKE_ITEMS = 90  # three seconds of pictures at 15 a second, lores and packet each
DRAFTS = 64
TAKE_S = 0.25
US_PER_S = 1_000_000
MIN_LIFE_US = 60 * US_PER_S  # of a process whose camera fails: while it starts anew, nothing rings
DEFAULTS = Settings()
DRAWN = DrawnCover(random.SystemRandom())
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Eyes:
    """What differs between a Pi, a file and a drawing. `patient` cameras can be made to wait.

    `linked` says that a network process tells of its link on the same clock.
    """

    camera: Camera
    panel: Panel
    clock: Clock
    patient: bool
    linked: bool = False


class Watch:
    """The running process: three stages in a row, a thread each."""

    def __init__(
        self,
        eyes: Eyes,
        intake: Intake,
        pipeline: Pipeline,
        keeper: Keeper,
        sealer: Sealer,
        supervisor: Supervisor,
        seen: Callable[[int], None],
    ) -> None:
        self._eyes = eyes
        self._intake = intake
        self._pipeline = pipeline
        self._keeper = keeper
        self._sealer = sealer
        self._supervisor = supervisor
        self._seen = seen
        self._drafts: queue.Queue[Draft | None] = queue.Queue(DRAFTS)
        self._presses = Presses()
        self._stopped = threading.Event()

    def run(self) -> None:
        """Return when the camera has ended or `stop` was called and all is committed; StageError on a failure."""
        self._supervisor.spawn("seal", self._seal)
        self._supervisor.spawn("watch", self._watch)
        self._eyes.panel.start(self._feel)
        self._supervisor.spawn("camera", self._look)
        self._supervisor.wait(self.stop)

    def stop(self) -> None:
        """End after what was seen so far."""
        self._stopped.set()
        self._eyes.panel.stop()
        self._eyes.camera.stop()

    def _feel(self, felt: Felt) -> None:
        if isinstance(felt, Press):
            self._presses.felt()
        self._intake.offer(felt)

    def _look(self, beat: Callable[[], None]) -> None:
        began_us, shown = self._eyes.clock.now_us(), False

        def sink(item: Seen) -> None:
            nonlocal shown
            self._intake.offer(item)
            self._seen(item.t_us)
            shown = shown or isinstance(item, Packet)
            if shown:  # before the first picture nothing else is progress: then the doorbell is not ready
                beat()

        try:
            self._eyes.camera.run(sink)
        except DeviceError:
            while self._eyes.clock.now_us() < began_us + MIN_LIFE_US and not self._stopped.wait(TAKE_S):
                if shown:
                    beat()
            raise
        finally:
            self._eyes.panel.stop()
            self._intake.close()

    def _watch(self, beat: Callable[[], None]) -> None:
        try:
            while not self._intake.ended:
                item = self._intake.take(TAKE_S)
                drafts = self._pipeline.step(item) if item else []
                self._hand_on(drafts + self._keeper.keep(item, drafts), beat)
            drafts = self._pipeline.finish()
            self._hand_on(drafts + self._keeper.keep(None, drafts, ending=True), beat)
        finally:  # whatever happens here, the stages on both sides can end
            self._intake.close()
            self._drafts.put(None)

    def _hand_on(self, drafts: list[Draft], beat: Callable[[], None]) -> None:
        for draft in drafts:
            self._drafts.put(draft)
            beat()
        beat()

    def _seal(self, beat: Callable[[], None]) -> None:
        wait_s = 0.0
        while True:
            try:
                draft = self._drafts.get(timeout=wait_s)
            except queue.Empty:
                # One head at a time, so that a draft never waits for more than one.
                wait_s = 0.0 if self._sealer.prepare() else TAKE_S
            else:
                if draft is None:
                    return
                self._await(draft)
                self._sealer.step(draft)
                wait_s = 0.0
            beat()

    def _await(self, draft: Draft) -> None:
        if not isinstance(draft, NoticeDraft):
            return
        if draft.trigger == "button":
            self._presses.sealed()
        elif not self._eyes.patient:  # a file that is run through fast has a time of its own
            self._presses.rest(draft.wait_us / US_PER_S)


def open_outbox(home: Home, settings: Settings = DEFAULTS) -> Outbox:
    """Return the outbox of a doorbell, which signs away what it must drop; HomeError if there is no key."""
    key = home.signing_key()
    limits = settings.outbox
    return Outbox(home.outbox, limits.max_bytes, limits.min_free_bytes, lambda part: drop_part(part, key))


def timing(settings: Settings) -> Timing:
    """Return how long things last."""
    recording = settings.recording
    return Timing(
        recording.pre_roll_s * US_PER_S,
        recording.post_roll_s * US_PER_S,
        recording.max_clip_s * US_PER_S,
        recording.fragment_ms * 1_000,
    )


def compose(
    home: Home,
    eyes: Eyes,
    timing: Timing,
    outbox: Outbox,
    seen: Callable[[int], None] = lambda _: None,
    seal: SealPart = seal_part,
    settings: Settings = DEFAULTS,
    supervisor: Supervisor | None = None,
    cover: Cover = DRAWN,
) -> Watch:
    """Put the picture process together; HomeError, WireError or OutboxError if the folder is not in order.

    `seen` is told the time of everything that the camera shows, for a progress bar; `seal` is how parts are made;
    `supervisor` is the one that the panel's stages were given, if it has any; `cover` hides presses.
    """
    notifier = Notifier.from_environment()
    intake = Intake(INTAKE_ITEMS, patient=eyes.patient)
    modes = Modes.of(settings)
    pipeline = compose_pipeline(eyes, timing, settings, cover)
    health = _health(home, eyes, lambda at_us: modes.in_force(_local(eyes.clock, settings, at_us)))
    keeper = Keeper(eyes.clock, eyes.panel, health, notifier.status)
    sealer = compose_sealer(home, eyes.clock, outbox, seal, intake.offer)
    _log.info("watching: doorbell %s", home.card().doorbell)
    return Watch(eyes, intake, pipeline, keeper, sealer, supervisor or Supervisor(notifier), seen)


def compose_pipeline(eyes: Eyes, timing: Timing, settings: Settings = DEFAULTS, cover: Cover = DRAWN) -> Pipeline:
    """Put together what makes drafts of what is seen, without threads."""
    modes = Modes.of(settings)
    return Pipeline(
        MotionDetector(zones.cells(zones.areas(settings.zones))),
        Recorder(eyes.camera.format, timing, lambda: snapshot(eyes.camera.still()), cover),
        Movement(settings.motion.source),
        Night(_thresholds(settings)),
        lambda at_us: modes.on_motion(_local(eyes.clock, settings, at_us)),
        lambda night: _switch(eyes, night=night, infrared=settings.night.infrared),
    )


def _local(clock: Clock, settings: Settings, at_us: int) -> LocalTime | None:
    return local_time(clock.wall_ms(at_us), settings.mode.timezone) if clock.synced() else None


def _thresholds(settings: Settings) -> Thresholds:
    night = settings.night
    return Thresholds(night.dark_lux, night.light_lux, night.hold_s * US_PER_S)


def _switch(eyes: Eyes, *, night: bool, infrared: bool) -> None:
    _log.info("it is %s now", "night" if night else "day")
    eyes.camera.expose(night=night)
    if infrared:
        eyes.panel.infrared(on=night)


def _health(home: Home, eyes: Eyes, mode: Callable[[int], str]) -> HealthWatch:
    def link() -> Link | None:
        return read_link(home.inbox)

    reader = MachineReader(Path("/"), home.folder)
    return HealthWatch(eyes.clock, reader.read, link if eyes.linked else None, mode)


def compose_sealer(
    home: Home,
    clock: Clock,
    outbox: Outbox,
    seal: SealPart = seal_part,
    tell: Callable[[Condition], None] = lambda _: None,
) -> Sealer:
    """Put together what makes parts of drafts; HomeError, WireError or OutboxError if the folder is not in order."""
    key: Ed25519PrivateKey = home.signing_key()
    signed = home.readers()
    recipients = [HybridRecipient.from_string(entry.recipient) for entry in signed.readers.entries]
    readers = Readers(hide_number(recipients, Decoy(secrets.token_bytes)), signed.hash)
    if home.card().key != verify_key_of(key).hex():
        raise HomeError(f"{home.folder}: card.json is not of the key in state: one of them is another doorbell's")
    return Sealer(key, readers, __version__, clock, outbox, secrets.token_bytes, seal, tell)
