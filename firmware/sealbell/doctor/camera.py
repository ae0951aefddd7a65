"""The camera: whether pictures flow, and what encodes them."""

import threading
from collections.abc import Callable

from sealbell.doctor.finding import Finding, failure, ok, unseen, warning
from sealbell.doctor.machine import Machine
from sealbell.items import Packet, Seen
from sealbell.seams import Camera

ENOUGH_PICTURES = 20
PATIENCE_S = 8.0
WITHOUT_ENCODER = ("Raspberry Pi 5", "Compute Module 5")
HARDWARE_ENCODER = "bcm2835-codec-encode"
CABLE = (
    "is the ribbon cable in, with its contacts the right way round? `rpicam-hello --list-cameras` shows what is seen"
)


def pictures(open_camera: Callable[[], Camera], patience_s: float = PATIENCE_S) -> Finding:
    """Run the camera until enough pictures have come, or patience is over."""
    try:
        camera = open_camera()
    except Exception as error:  # whatever the camera's library raises: that is what was asked
        said, _, hint = str(error).partition("\n")
        return failure("camera", said or type(error).__name__, hint.removeprefix("hint: ") or CABLE)
    enough, failed = threading.Event(), list[str]()
    times_us: list[int] = []

    def sink(item: Seen) -> None:
        if isinstance(item, Packet):
            times_us.append(item.t_us)
        if len(times_us) >= ENOUGH_PICTURES:
            enough.set()

    def run() -> None:
        try:
            camera.run(sink)
        except Exception as error:  # as above
            failed.append(str(error).partition("\n")[0] or type(error).__name__)
        enough.set()

    looking = threading.Thread(target=run, daemon=True)
    looking.start()
    enough.wait(patience_s)
    camera.stop()
    looking.join(patience_s)
    return _judge(camera, times_us, failed)


def _judge(camera: Camera, times_us: list[int], failed: list[str]) -> Finding:
    if failed:
        return failure("camera", failed[0], CABLE)
    if len(times_us) < 2:
        return failure("camera", "it was opened, and no picture came", CABLE)
    rate = (len(times_us) - 1) * 1e6 / max(1, times_us[-1] - times_us[0])
    size = f"{camera.format.width}x{camera.format.height}"
    if len(times_us) < ENOUGH_PICTURES:
        return warning("camera", f"pictures of {size} come slowly: {rate:.1f} a second", CABLE)
    return ok("camera", f"pictures of {size}, {rate:.1f} a second")


def encoder(machine: Machine) -> Finding:
    """Which part of this machine encodes H.264."""
    names = [machine.read(str(path.relative_to(machine.root))) for path in machine.find("sys/class/video4linux/*/name")]
    if HARDWARE_ENCODER in names:
        return ok("encoder", "hardware (H.264 in the Pi itself)")
    if machine.model is None:
        return unseen("encoder", "software (libx264): this is not a Raspberry Pi")
    if any(name in machine.model for name in WITHOUT_ENCODER):
        return ok("encoder", "software (libx264): this board has no H.264 encoder, and is fast enough")
    return failure(
        "encoder",
        f"{machine.model} has a hardware encoder, and it is not there",
        "remove `dtoverlay` and `gpu_mem` lines of your own from /boot/firmware/config.txt",
    )
