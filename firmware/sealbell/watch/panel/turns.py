"""A loop for a thread of the panel's. What is done in a turn needs no thread, and is tested without one."""

import threading
from collections.abc import Callable

from sealbell.seams import Clock

MAX_WAIT_S = 0.5  # so that the supervisor hears of it


class Turns:
    """Takes a turn whenever it is woken, and when the last turn asked for the next."""

    def __init__(self, clock: Clock, turn: Callable[[], int]) -> None:
        """`turn` does what is due and returns the time, in microseconds of `clock`, at which to come again."""
        self._clock = clock
        self._turn = turn
        self._woken = threading.Event()
        self._stopped = threading.Event()

    def wake(self) -> None:
        """Take a turn soon. May be called from any thread."""
        self._woken.set()

    def stop(self) -> None:
        """Take no more turns. May be called from any thread."""
        self._stopped.set()
        self._woken.set()

    def run(self, beat: Callable[[], None]) -> None:
        """Take turns until `stop`; `beat` is called after each."""
        while not self._stopped.is_set():
            self._woken.clear()
            due_us = self._turn()
            beat()
            self._woken.wait(max(0.0, min(MAX_WAIT_S, (due_us - self._clock.now_us()) / 1e6)))
