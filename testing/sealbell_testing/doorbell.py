"""A doorbell that does not exist: its picture process in threads of the test, its network process as it is.

The camera shows a film or a drawing and goes on as the test's clock does, so that the same test records the same clip
each time. All behind the camera and the panel is the product's own code, put together as it puts itself together.
"""

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sealbell.config import Settings, parse_settings
from sealbell.home import INTRODUCTION, Home, read_card, set_up
from sealbell.seams import Camera, Panel
from sealbell.spool import Entry, listing
from sealbell.watch import zones
from sealbell.watch.camera.footage import Footage
from sealbell.watch.camera.masks import Masks
from sealbell.watch.camera.synthetic import Synthetic, parse_drawing
from sealbell.watch.cover import NoCover
from sealbell.watch.main import Eyes, Watch, compose, timing
from sealbell.watch.outbox import Outbox
from sealbell_testing.camera import StallingCamera
from sealbell_testing.clock import HandClock
from sealbell_testing.program import Program, command_of
from sealbell_testing.waiting import DEADLINE_S
from sealbell_wire.enrolment import Introduction
from sealbell_wire.health import Health
from sealbell_wire.part import Part
from sealbell_wire.sealing import drop_part

SMALL = "320x240@10:300000"  # width x height @ pictures a second : bits a second
_US_PER_S = 1_000_000


class Doorbell:
    """A doorbell of the owner whose bundle it was given. It is switched on by what it shall see."""

    def __init__(self, folder: Path, bundle: Path, clock: HandClock, panel: Panel) -> None:
        """Set it up in `folder`, as `sealbell init` does."""
        self.card = set_up(folder, bundle, os.urandom)
        introduction = read_card(folder / INTRODUCTION)
        assert isinstance(introduction, Introduction)
        self.introduction = introduction
        self.home = Home(folder)
        self.settings = Settings()
        self.camera: StallingCamera | None = None
        self.uplink: Program | None = None
        self._clock = clock
        self._panel = panel
        self._watch: _WatchThread | None = None

    def is_set(self, settings: str) -> None:
        """Give it settings, as they stand in /etc/sealbell/sealbell.toml; they hold when it is next switched on.

        The camera's own table does nothing here. SettingsError on a file that a doorbell would refuse.
        """
        self.settings = parse_settings(settings)

    def plays(self, film: Path | str) -> float:
        """Switch it on before a video file; return how many seconds that lasts. The doorbell ends with its film."""
        footage = Footage(Path(film), self._clock, masks=self._masks)
        self.sees(footage)
        return footage.length_us / _US_PER_S

    def draws(self, drawing: str = SMALL, *, walk_s: float = 0, every_s: float = 30) -> None:
        """Switch it on before a quiet wall, where somebody walks past for the first `walk_s` of every `every_s`.

        The motion detector learns the wall in its first seconds, so the first walker may pass unseen.
        """
        video, fps, bits_per_s = parse_drawing(drawing)
        walk_us, every_us = round(walk_s * _US_PER_S), round(every_s * _US_PER_S)
        drawn = Synthetic(video, fps, bits_per_s, self._clock, walk_us=walk_us, every_us=every_us, masks=self._masks)
        self.sees(drawn)

    def sees(self, camera: Camera) -> None:
        """Switch it on with any camera that is paced by the test's clock."""
        assert self._watch is None, "the doorbell is switched on already"
        if self.uplink is None:
            self.starts_uplink()
        self.camera = StallingCamera(camera, self._clock.stop)
        key, limits = self.home.signing_key(), self.settings.outbox
        outbox = _CutOutbox(
            self.home.outbox, limits.max_bytes, limits.min_free_bytes, lambda part: drop_part(part, key)
        )
        eyes = Eyes(self.camera, self._panel, self._clock, patient=True)
        self._clock.start()
        watch = compose(self.home, eyes, timing(self.settings), outbox, settings=self.settings, cover=NoCover())
        self._watch = _WatchThread(watch, outbox, self._clock.stop)
        self._clock.pass_us(0)  # the first picture is shown: by then the panel feels presses

    @property
    def waiting(self) -> list[Entry]:
        """What lies in the outbox, oldest first. The newest stays there even when the relay has signed for it."""
        return listing(self.home.outbox)

    @property
    def outbox_used_bytes(self) -> int:
        """How much lies in the outbox."""
        sizes = 0
        for entry in os.scandir(self.home.outbox):
            with suppress(FileNotFoundError):  # both processes rename and delete meanwhile
                sizes += entry.stat().st_size
        return sizes

    def starts_uplink(self) -> None:
        """Start the network process, or start it anew."""
        self.kills_uplink()
        self.uplink = Program(*command_of("sealbell.cli", "uplink", str(self.home.folder)))

    def kills_uplink(self) -> None:
        """End the network process as `kill -9` does."""
        if self.uplink is not None:
            self.uplink.kill()
            self.uplink = None

    def power_cut(self) -> None:
        """Cut the power: the network process is killed, and of the picture process nothing reaches the disk any more.

        It is switched on again by what it shall see next; its clock begins at 0, under another boot's name.
        """
        self.kills_uplink()
        if self._watch:
            self._watch.cut()
            self._watch = None
        self._clock.restarts()

    def switched_off(self) -> None:
        """Switch it off in order: what is open is committed, and both processes end well, or AssertionError."""
        if self._watch:
            self._watch.stop()
            self._watch = None
        if self.uplink is not None:
            # By the signal itself if it came before the process had begun to listen for it.
            assert self.uplink.stop() in (0, -signal.SIGTERM), self.uplink.lines
            self.uplink = None

    @property
    def _masks(self) -> Masks:
        return Masks(zones.areas(self.settings.masks))


class _CutOutbox(Outbox):
    """An outbox that keeps nothing any more once the power is cut."""

    is_cut = False

    def commit(self, part: Part, *, pressed: bool, counter: int) -> list[Entry]:
        """Commit, unless there is no power."""
        return [] if self.is_cut else super().commit(part, pressed=pressed, counter=counter)

    def commit_health(self, health: Health) -> None:
        """The same for health."""
        if not self.is_cut:
            super().commit_health(health)


class _WatchThread:
    """The picture process in a thread, where a test can look at it."""

    def __init__(self, watch: Watch, outbox: _CutOutbox, ended: Callable[[], None]) -> None:
        self._watch = watch
        self._outbox = outbox
        self._ended = ended
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="sealbell watch", daemon=True)
        self._thread.start()

    def cut(self) -> None:
        self._outbox.is_cut = True
        self.stop()

    def stop(self) -> None:
        self._watch.stop()
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive(), "the picture process hangs"
        if self._failure:
            raise self._failure

    def _run(self) -> None:
        try:
            self._watch.run()
        except BaseException as error:
            self._failure = error
        finally:
            self._ended()
