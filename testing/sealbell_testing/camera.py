"""A camera that the test can let stall, around any other."""

from collections.abc import Callable

from sealbell.items import Frame, Packet, Picture, Seen, VideoFormat
from sealbell.seams import Camera, Sink


class StallingCamera:
    """A Camera that shows what `camera` shows, except while it is stalled; it goes on at the next keyframe."""

    def __init__(self, camera: Camera, ended: Callable[[], None]) -> None:
        """`ended` is called when the pictures have ended."""
        self._camera = camera
        self._ended = ended
        self._stalled = False
        self._broken = False
        self.night = False

    def stalls(self) -> None:
        """Yield no picture from now on, while time goes on."""
        self._stalled = True

    def goes_on(self) -> None:
        """Yield pictures again, as a camera does whose encoder begins anew."""
        self._stalled = False

    @property
    def format(self) -> VideoFormat:
        """See Camera."""
        return self._camera.format

    def run(self, sink: Sink) -> None:
        """See Camera."""

        def unless_stalled(item: Seen) -> None:
            if self._shows(item):
                sink(item)

        try:
            self._camera.run(unless_stalled)
        finally:
            self._ended()

    def still(self) -> Picture | None:
        """See Camera."""
        return self._camera.still()

    def expose(self, *, night: bool) -> None:
        """See Camera. `night` remembers the last one."""
        self.night = night
        self._camera.expose(night=night)

    def stop(self) -> None:
        """See Camera."""
        self._camera.stop()

    def _shows(self, item: Seen) -> bool:
        if not isinstance(item, Frame | Packet):
            return True
        if self._stalled:
            self._broken = True
        elif isinstance(item, Packet) and item.keyframe:
            self._broken = False
        return not self._broken
