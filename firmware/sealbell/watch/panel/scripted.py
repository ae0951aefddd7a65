"""A panel where there is none: presses at times that were written down, and nothing to show them."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

from sealbell.items import Felt, LightCode, Press


class Alarms(Protocol):
    """A clock that calls back."""

    def at(self, t_us: int, alarm: Callable[[], None]) -> None:
        """Call `alarm` when the time reaches `t_us`."""


class ScriptedPanel:
    """Presses the bell at each of `times_us`, on the footage's own time."""

    def __init__(self, clock: Alarms, times_us: Iterable[int]) -> None:
        self._clock = clock
        self._times_us = tuple(times_us)
        self._sink: Callable[[Felt], None] | None = None

    def start(self, sink: Callable[[Felt], None]) -> None:
        """Write the presses into the clock's book."""
        self._sink = sink
        for t_us in self._times_us:
            self._clock.at(t_us, partial(self._press, t_us))

    def show(self, code: LightCode) -> None:
        """There is no light."""

    def chime(self) -> None:
        """There is no chime."""

    def infrared(self, *, on: bool) -> None:
        """There is no infrared light."""

    def stop(self) -> None:
        """Press no more."""
        self._sink = None

    def _press(self, t_us: int) -> None:
        if self._sink:
            self._sink(Press(t_us))
