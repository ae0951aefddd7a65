"""What a relay sees of a scene that a doorbell records: the records of its parts, and when each arrived.

The doorbell's own stages, put together by its own composition root, are driven in one thread, so that each part leaves
when it would leave: a picture reaches the stages PICTURE_LATE_US after it was taken, a press at once. The network adds
little, which favours whoever listens. What a scene holds is encoded once and recorded as often as is asked for.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from heapq import merge
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np

from sealbell.home import Home, set_up
from sealbell.items import ClipBegins, ClipEnds, Draft, Frame, NoticeDraft, Packet, Picture, Press, VideoFormat
from sealbell.seams import Sink
from sealbell.spool import Entry
from sealbell.watch.cover import Cover, NoCover
from sealbell.watch.main import Eyes, compose_pipeline, compose_sealer
from sealbell.watch.outbox import Outbox
from sealbell.watch.panel.scripted import ScriptedPanel
from sealbell.watch.recorder import Timing
from sealbell_owner.home import BUNDLE, make_home
from sealbell_wire.content import Trigger
from sealbell_wire.enrolment import RelayCard
from sealbell_wire.part import Part
from sealbell_wire.record import Record
from shape_street import VIDEO, Scene

PICTURE_LATE_US = 40_000  # sensor, encoder and motion detector
SEAL_US = 1_500
NETWORK_US = 3_000  # mean of what the network adds to a part's way
START_WALL_MS = 1_764_000_000_000
NO_LIMIT = 1 << 40
RAM = Path("/dev/shm")  # where there is one: what is recorded here need not survive a power cut


@dataclass(frozen=True, slots=True)
class Arrived:
    """One part at the relay; `at_us` on the doorbell's clock, which the relay can tell from its own."""

    record: Record
    at_us: int


@dataclass(slots=True)
class Clip:
    """One clip as the relay has it, and the truth about it, which the relay has not."""

    scene: int
    busy: bool
    parts: list[Arrived] = field(default_factory=list)
    rang: bool = False
    visited: bool = False
    presses_after_the_first: int = 0
    snapshot_bytes: list[int] = field(default_factory=list)


class _Clock:
    """Stands where the scene is."""

    boot = "b0" * 16

    def __init__(self) -> None:
        self.at_us = 0

    def now_us(self) -> int:
        return self.at_us

    def wall_ms(self, at_us: int) -> int:
        return START_WALL_MS + at_us // 1_000

    def synced(self) -> bool:
        return False

    def at(self, t_us: int, alarm: Callable[[], None]) -> None:
        raise AssertionError("the presses of a scene are fed by its recording")


class _Camera:
    """Has been looked through before: shows the newest picture."""

    format: VideoFormat = VIDEO

    def __init__(self) -> None:
        self.newest: Frame | None = None

    def run(self, sink: Sink) -> None:
        raise AssertionError("the pictures of a scene are fed by its recording")

    def still(self) -> Picture | None:
        return None if self.newest is None else np.repeat(self.newest.luma[:, :, None], 3, axis=2)

    def expose(self, *, night: bool) -> None: ...

    def stop(self) -> None: ...


class _Shelf(Outbox):
    """Keeps the records, and of the parts only the newest, as where the relay signs for each at once."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, NO_LIMIT, 0, lambda part: part, lambda _: NO_LIMIT)
        self._folder_here = folder
        self._before: Path | None = None
        self.committed: list[Record] = []

    def commit(self, part: Part, *, pressed: bool, counter: int) -> list[Entry]:
        dropped = super().commit(part, pressed=pressed, counter=counter)
        record = part.record
        self.committed.append(record)
        if self._before:
            self._before.unlink()
        entry = Entry(record.clip, record.seq, record.kind, pressed, counter)
        self._before = self._folder_here / entry.name
        return dropped


def record(scene: Scene, cover: Cover | None, timing: Timing, network: Random) -> list[Clip]:
    """Return the clips that a doorbell makes of a scene, as they arrive; without a cover as before decision 16."""
    with TemporaryDirectory(dir=RAM if RAM.is_dir() else None) as name:
        return list(_record(scene, cover, timing, network, _home(Path(name))))


def _home(folder: Path) -> Home:
    relay = RelayCard("mqtt://127.0.0.1:1883", "http://127.0.0.1:8080", os.urandom(32).hex())
    make_home(folder / "owner", os.urandom(32), relay)
    set_up(folder / "door", folder / "owner" / BUNDLE, os.urandom)
    return Home(folder / "door")


def _record(scene: Scene, cover: Cover | None, timing: Timing, network: Random, home: Home) -> Iterator[Clip]:
    clock, camera, shelf = _Clock(), _Camera(), _Shelf(home.outbox)
    eyes = Eyes(camera, ScriptedPanel(clock, ()), clock, patient=True)
    pipeline, sealer = compose_pipeline(eyes, timing, cover=cover or NoCover()), compose_sealer(home, clock, shelf)
    free_us = arrived_us = 0
    clip = Clip(scene.number, scene.busy)
    for clock.at_us, item in [*_fed(scene), (1 << 60, None)]:
        if isinstance(item, Frame):
            camera.newest = item
        for draft in pipeline.step(item) if item else pipeline.finish():
            if isinstance(draft, ClipBegins):
                clip = Clip(scene.number, scene.busy)
            leaves_us = max(free_us, clock.at_us + (draft.wait_us if isinstance(draft, NoticeDraft) else 0))
            shelf.committed.clear()
            sealer.step(draft if cover or not isinstance(draft, NoticeDraft) else replace(draft, shown_us=None))
            for committed in shelf.committed:
                leaves_us += SEAL_US
                arrived_us = max(arrived_us + 1, leaves_us + round(network.expovariate(1 / NETWORK_US)))
                clip.parts.append(Arrived(committed, arrived_us))
            free_us = leaves_us
            _note(draft, clip, scene)
            if isinstance(draft, ClipEnds) and item:  # one that the scene's end cuts is no clip of its street
                yield clip


def _fed(scene: Scene) -> Iterator[tuple[int, Frame | Packet | Press]]:
    pictures = ((item.t_us + PICTURE_LATE_US, item) for item in scene.seen)
    presses = ((t_us, Press(t_us)) for t_us in scene.presses_us)
    return merge(pictures, presses, key=lambda fed: fed[0])


def _note(draft: Draft, clip: Clip, scene: Scene) -> None:
    match draft:
        case NoticeDraft():
            clip.presses_after_the_first += bool(clip.snapshot_bytes) and draft.trigger == "button"
            clip.snapshot_bytes.append(len(draft.snapshot))
        case ClipEnds(triggers=triggers):
            clip.rang = any(trigger.kind == "button" for trigger in triggers)
            clip.visited = any(_meets(trigger, scene) for trigger in triggers)
        case _:
            pass


def _meets(trigger: Trigger, scene: Scene) -> bool:
    return any(
        actor.kind == "visitor" and actor.begins_s * 1e3 <= trigger.to_ms and trigger.from_ms <= actor.ends_s * 1e3
        for actor in scene.actors
    )
