"""What the board says of itself, read from the kernel's files: voltage, throttling, temperature, room on the card."""

import os
from pathlib import Path

from sealbell.items import Machine

MAX_READ_BYTES = 64
# Raspberry Pi's firmware driver; the Pi 5 names the bus soc@107c000000 (raspberrypi/linux, drivers/firmware).
_THROTTLED = "sys/devices/platform/soc*/soc*:firmware/get_throttled"
_CELSIUS = "sys/class/thermal/thermal_zone0/temp"
_MILLI = 1_000


class MachineReader:
    """Reads below `root`, which is `/` on a doorbell. Nothing raises: what is not there is not said."""

    def __init__(self, root: Path, card: Path) -> None:
        """`card` is a folder on the card whose room counts."""
        self._celsius = root / _CELSIUS
        self._throttled = next(iter(sorted(root.glob(_THROTTLED))), None)
        self._card = card

    def read(self) -> Machine:
        """Return what can be read now."""
        millicelsius = _number(self._celsius, 10)
        celsius = None if millicelsius is None else millicelsius // _MILLI
        throttled = _number(self._throttled, 16) if self._throttled else None
        return Machine(self._free_bytes(), _within(celsius, -200, 300), _within(throttled, 0, 2**32 - 1))

    def _free_bytes(self) -> int | None:
        try:
            room = os.statvfs(self._card)
        except OSError:
            return None
        return room.f_bavail * room.f_frsize


def _number(path: Path, base: int) -> int | None:
    try:
        with path.open("rb") as file:
            return int(file.read(MAX_READ_BYTES), base)
    except (OSError, ValueError):
        return None


def _within(value: int | None, lowest: int, highest: int) -> int | None:
    return value if value is not None and lowest <= value <= highest else None
