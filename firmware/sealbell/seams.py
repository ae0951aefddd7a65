"""The seams: where hardware, time and the network end and Sealbell begins. Each has a contract test that all its
implementations pass, the real ones and those that stand in for them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # the network process stands on this module too, and loads no picture code
    from sealbell.items import Felt, LightCode, Picture, Seen, VideoFormat


class DeviceError(Exception):
    """A part of the doorbell cannot be had: camera or pins. The message says why and what to do."""


class Clock(Protocol):
    """Time is handed in: elapsed time is monotonic, wall time is a label that says whether it was synchronised."""

    @property
    def boot(self) -> str:
        """32 hex digits that name the run of the monotonic clock."""

    def now_us(self) -> int:
        """Microseconds of the monotonic clock."""

    def wall_ms(self, at_us: int) -> int:
        """Unix milliseconds at the monotonic time `at_us`, as the clock stands now."""

    def synced(self) -> bool:
        """Whether wall time came from outside since boot."""


Sink = Callable[["Seen"], None]


class Camera(Protocol):
    """Yields, for each picture, first its lores Frame and then its Packet, from one thread of its own choosing.

    A camera that measures light yields a Light about once a second; one that has trouble, a Condition, and while it
    does something about it, that Condition again: it is the sign of its life.
    """

    @property
    def format(self) -> "VideoFormat":
        """Size of the main stream."""

    def run(self, sink: Sink) -> None:
        """Feed `sink` until the pictures end or `stop` is called; raises on a camera that fails."""

    def still(self) -> "Picture | None":
        """The newest picture, BGR (height, width, 3); None before the first. May be called from any thread."""

    def expose(self, *, night: bool) -> None:
        """Expose for the night, or for the day. May be called from any thread, and returns at once."""

    def stop(self) -> None:
        """Make `run` return soon. May be called from any thread."""


class Panel(Protocol):
    """What is felt and shown at the door: button, PIR, status light, chime, infrared light.

    Everything may be called from any thread and returns at once. A part that is not fitted does nothing.
    """

    def start(self, sink: "Callable[[Felt], None]") -> None:
        """Call `sink` from now on: once for every press, and for every change of the PIR and of the button's health.

        The chime rings at each press without being asked: a bell rings even where everything behind it hangs.
        """

    def show(self, code: "LightCode") -> None:
        """Let the status light show `code` until told otherwise."""

    def chime(self) -> None:
        """Ring the chime once."""

    def infrared(self, *, on: bool) -> None:
        """Switch the infrared light, and the IR-cut filter out of its way."""

    def stop(self) -> None:
        """Call the sink no more, and let every output go dark."""


class Transport(Protocol):
    """One connection at a time to a broker, owned by one thread."""

    def wait(self, timeout_s: float, wake_fd: int) -> "list[Arrival]":
        """Drive the connection until something arrives, `wake_fd` is readable or the time is over."""

    def publish(self, topic: str, payload: bytes) -> bool:
        """Hand one message over; False if there is no connection, and then nothing of it is kept."""

    def close(self) -> None:
        """Leave."""


class Connected:
    """The connection stands and the subscription is confirmed: publishing may begin."""


class Lost:
    """The connection is gone, with whatever was under way."""


class Message:
    """Something came from the broker: not trusted, not parsed."""

    __slots__ = ("payload", "topic")

    def __init__(self, topic: str, payload: bytes) -> None:
        self.topic = topic
        self.payload = payload


Arrival = Connected | Lost | Message
