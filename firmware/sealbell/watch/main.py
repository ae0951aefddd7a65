"""The picture process, put together: the only place that names its parts. It reaches no network."""

import logging
import queue
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sealbell import __version__
from sealbell.home import Home, HomeError
from sealbell.items import Draft, Seen
from sealbell.notify import Notifier
from sealbell.seams import Camera, Clock, Panel
from sealbell.supervisor import Supervisor
from sealbell.watch.intake import Intake
from sealbell.watch.motion import MotionDetector
from sealbell.watch.outbox import Outbox
from sealbell.watch.pipeline import Pipeline
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
DEFAULT_OUTBOX_BYTES = 512_000_000
MIN_FREE_BYTES = 16_000_000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Eyes:
    """What differs between a Pi, a file and a drawing. `patient` cameras can be made to wait."""

    camera: Camera
    panel: Panel
    clock: Clock
    patient: bool


class Watch:
    """The running process: three stages in a row, a thread each."""

    def __init__(
        self, eyes: Eyes, pipeline: Pipeline, sealer: Sealer, supervisor: Supervisor, seen: Callable[[int], None]
    ) -> None:
        self._eyes = eyes
        self._seen = seen
        self._pipeline = pipeline
        self._sealer = sealer
        self._supervisor = supervisor
        self._intake = Intake(INTAKE_ITEMS, patient=eyes.patient)
        self._drafts: queue.Queue[Draft | None] = queue.Queue(DRAFTS)

    def run(self) -> None:
        """Return when the camera has ended or `stop` was called and all is committed; StageError on a failure."""
        self._supervisor.spawn("seal", self._seal)
        self._supervisor.spawn("watch", self._watch)
        self._eyes.panel.start(self._intake.offer)
        self._supervisor.spawn("camera", self._look)
        self._supervisor.wait()

    def stop(self) -> None:
        """End after what was seen so far."""
        self._eyes.panel.stop()
        self._eyes.camera.stop()

    def _look(self, beat: Callable[[], None]) -> None:
        def sink(item: Seen) -> None:
            self._intake.offer(item)
            self._seen(item.t_us)
            beat()

        self._eyes.camera.run(sink)
        self._intake.close()

    def _watch(self, beat: Callable[[], None]) -> None:
        while not self._intake.ended:
            item = self._intake.take(TAKE_S)
            for draft in self._pipeline.step(item) if item else []:
                self._drafts.put(draft)
            beat()
        for draft in self._pipeline.finish():
            self._drafts.put(draft)
        self._drafts.put(None)

    def _seal(self, beat: Callable[[], None]) -> None:
        while True:
            try:
                draft = self._drafts.get(timeout=TAKE_S)
            except queue.Empty:
                beat()
                continue
            if draft is None:
                return
            self._sealer.step(draft)
            beat()


def open_outbox(home: Home, cap_bytes: int = DEFAULT_OUTBOX_BYTES) -> Outbox:
    """Return the outbox of a doorbell, which signs away what it must drop; HomeError if there is no key."""
    key = home.signing_key()
    return Outbox(home.outbox, cap_bytes, MIN_FREE_BYTES, lambda part: drop_part(part, key))


def compose(
    home: Home,
    eyes: Eyes,
    timing: Timing,
    outbox: Outbox,
    seen: Callable[[int], None] = lambda _: None,
    seal: SealPart = seal_part,
) -> Watch:
    """Put the picture process together; HomeError, WireError or OutboxError if the folder is not in order.

    `seen` is told the time of everything that the camera shows, for a progress bar; `seal` is how parts are made.
    """
    pipeline = Pipeline(MotionDetector(), Recorder(eyes.camera.format, timing, lambda: snapshot(eyes.camera.still())))
    sealer = _sealer(home, home.signing_key(), eyes.clock, outbox, seal)
    _log.info("watching: doorbell %s", home.card().doorbell)
    return Watch(eyes, pipeline, sealer, Supervisor(Notifier.from_environment()), seen)


def _sealer(home: Home, key: Ed25519PrivateKey, clock: Clock, outbox: Outbox, seal: SealPart) -> Sealer:
    signed = home.readers()
    recipients = [HybridRecipient.from_string(entry.recipient) for entry in signed.readers.entries]
    readers = Readers(hide_number(recipients, Decoy(secrets.token_bytes)), signed.hash)
    if home.card().key != verify_key_of(key).hex():
        raise HomeError(f"{home.folder}: card.json is not of the key in state: one of them is another doorbell's")
    return Sealer(key, readers, __version__, clock, outbox, secrets.token_bytes, seal)
