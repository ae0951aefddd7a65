"""Camera, panel and clock as the settings name them: the Pi's own, drawn pictures, or a video file in their place."""

from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

from sealbell.clock import FootageClock, SystemClock
from sealbell.config import Settings
from sealbell.config.rules import DRAWN, FOOTAGE
from sealbell.items import VideoFormat
from sealbell.pins import Function, Pin, assign
from sealbell.seams import Clock, DeviceError, Panel
from sealbell.watch import zones
from sealbell.watch.camera.footage import Footage
from sealbell.watch.camera.masks import Masks
from sealbell.watch.camera.pi import PiCamera
from sealbell.watch.camera.session import Library, PiSettings
from sealbell.watch.camera.synthetic import Synthetic, parse_drawing
from sealbell.watch.main import Eyes
from sealbell.watch.panel.gpio import GpioPanel, Habits, Spawn, read_inputs
from sealbell.watch.panel.scripted import ScriptedPanel

US_PER_MS, US_PER_S = 1_000, 1_000_000


def footage(
    path: Path, settings: Settings, boot: str, *, real: bool, presses_us: Iterable[int] = ()
) -> tuple[Eyes, int]:
    """Return the eyes of a doorbell that watches a file, and the file's length; FootageError if it cannot be read."""
    clock = FootageClock(boot, real=real)
    camera = Footage(path, clock, masks=_masks(settings))
    return Eyes(camera, ScriptedPanel(clock, presses_us), clock, patient=not real), camera.length_us


def drawn(
    drawing: str, settings: Settings, boot: str, *, length_us: int = 0, walk_us: int = 0, presses_us: Iterable[int] = ()
) -> Eyes:
    """Return the eyes of a doorbell that watches drawn pictures; ValueError if `drawing` is not WxH@FPS:BITS."""
    clock = FootageClock(boot, real=True)
    video, fps, bits_per_s = parse_drawing(drawing)
    camera = Synthetic(video, fps, bits_per_s, clock, length_us or None, walk_us, masks=_masks(settings))
    return Eyes(camera, ScriptedPanel(clock, presses_us), clock, patient=False)


def by_settings(settings: Settings, boot: str, spawn: Spawn, *, panel: bool = True) -> Eyes:
    """Return the eyes that the settings name, without a panel if none is wanted.

    `spawn` starts the panel's stages. Raises DeviceError.
    """
    source = settings.camera.source
    if source.startswith(FOOTAGE):
        return footage(Path(source.removeprefix(FOOTAGE)), settings, boot, real=True)[0]
    if source.startswith(DRAWN):
        try:
            return drawn(source.removeprefix(DRAWN), settings, boot)
        except ValueError as error:
            raise DeviceError(f"[camera] source {source}: {error}") from None
    clock = SystemClock(boot)
    camera = pi_camera(settings, clock)
    felt: Panel = gpio_panel(settings, clock, spawn) if panel else ScriptedPanel(FootageClock(boot, real=True), ())
    return Eyes(camera, felt, clock, patient=False, linked=True)


def pi_camera(settings: Settings, clock: Clock, library: Library | None = None) -> PiCamera:
    """Return the Pi's camera as it is set; CameraError if there is no picamera2, nor a `library` in its place."""
    camera = settings.camera
    video = VideoFormat(camera.width, camera.height)
    films = PiSettings(video, camera.fps, camera.bits_per_s, camera.rotate, _masks(settings))
    return PiCamera(films, clock, library)


def gpio_panel(settings: Settings, clock: Clock, spawn: Spawn, factory: Any = None) -> Panel:
    """Return the panel on the Pi's pins, or on those of gpiozero's `factory`, as it is set; PanelError without them."""
    panel = settings.panel
    habits = Habits(panel.debounce_ms * US_PER_MS, panel.stuck_s * US_PER_S, panel.chime_ms * US_PER_MS)
    return GpioPanel(pins(settings), clock, spawn, habits, factory)


def active_inputs(settings: Settings) -> dict[Function, bool]:
    """Return which inputs are active now; PanelError if they cannot be had, as while a panel holds them."""
    return read_inputs(pins(settings))


def pins(settings: Settings) -> dict[Function, Pin]:
    """Return the pins that are fitted, as they are set; reading them has checked that they can be used."""
    return assign({Function(key.name): getattr(settings.pins, key.name) for key in fields(settings.pins)})


def _masks(settings: Settings) -> Masks:
    return Masks(zones.areas(settings.masks))
