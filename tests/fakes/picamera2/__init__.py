"""A stand-in for picamera2: its names, threads, callbacks, order and locks, as its source has them (0.3.36).

Written from what surface.json lists and from reading; none of its code is here. What it keeps of the real one:
- Frames come to an event loop, a thread that `start_preview` begins. Under `lock` it calls `pre_callback` for each,
  then for each `post_callback` and the encoders; the newest request is kept. Buffers are few and used again, their
  rows padded to a stride. An exception ends that thread, and the frame is encoded by nobody.
- `stop` is a job for that thread as long as a preview is attached: if the thread is dead, it never returns.
- The hardware encoder codes in a thread of its own and has 16 buffers to wait for; libx264 codes in the event loop.
- Stamps are the sensor's, on a clock of its own; encoders count from the first.
- Controls take effect when a request is given back.

`Sensor` is what a test holds in its hand: it moves time, shows pictures, and breaks things (`Faults`).
"""

from fakes.picamera2.camera import MappedArray, Picamera2
from fakes.picamera2.encoders import H264Encoder, LibavH264Encoder
from fakes.picamera2.outputs import Output
from fakes.picamera2.sensor import Faults, Scene, Sensor, Transform, moving_bar
from sealbell.watch.camera.pi import Library

__all__ = [
    "Faults", "H264Encoder", "LibavH264Encoder", "Output", "Picamera2", "Scene", "Sensor", "Transform", "library",
    "moving_bar",
]  # fmt: skip


def library(sensor: Sensor, *, pi5: bool = False) -> Library:
    """What a Pi with that sensor has installed; a Pi 5 has no encoder in hardware, and libx264 under the same name."""
    bound = type("Picamera2", (Picamera2,), {"_world": sensor})
    return Library(bound, MappedArray, LibavH264Encoder if pi5 else H264Encoder, Output, Transform)
