"""Packets into runs: a run ends at a keyframe, when it has lasted long enough, or before it outgrows a message."""

from sealbell.items import Packet, Run


class Gatherer:
    """Collects packets; `last_us` is how long a run may last, `limit_bytes` how large it may grow."""

    def __init__(self, last_us: int, limit_bytes: int) -> None:
        self._last_us = last_us
        self._limit_bytes = limit_bytes
        self._packets: list[Packet] = []
        self._bytes = 0

    @property
    def pending(self) -> tuple[Packet, ...]:
        """The packets of the run that is not yet complete."""
        return tuple(self._packets)

    def add(self, packet: Packet) -> Run | None:
        """Take a packet; return the run that it completes, if it does. ValueError if it fits into no run at all."""
        if len(packet.data) > self._limit_bytes:
            raise ValueError(f"a picture of {len(packet.data)} bytes is larger than a fragment may be")
        run = self._cut(packet.t_us) if self._ends_before(packet) else None
        self._packets.append(packet)
        self._bytes += len(packet.data)
        return run

    def flush(self) -> Run | None:
        """Return what is pending as a run whose last picture stands as long as the one before."""
        if not self._packets:
            return None
        times = [packet.t_us for packet in self._packets]
        return self._cut(times[-1] + (times[-1] - times[-2] if len(times) > 1 else _LONE_PICTURE_US))

    def discard(self) -> None:
        """Forget what is pending: packets after it are missing."""
        self._packets.clear()
        self._bytes = 0

    def _ends_before(self, packet: Packet) -> bool:
        if not self._packets:
            return False
        too_long = packet.t_us - self._packets[0].t_us >= self._last_us
        return packet.keyframe or too_long or self._bytes + len(packet.data) > self._limit_bytes

    def _cut(self, end_us: int) -> Run:
        run = Run(tuple(self._packets), end_us)
        self.discard()
        return run


_LONE_PICTURE_US = 100_000
