"""Waiting for what another process or thread does: by a condition and a deadline, never for a time."""

import threading
import time
from collections.abc import Callable

DEADLINE_S = 20.0
LOOK_S = 0.01  # between two looks at what another process has done


def until(holds: Callable[[], bool], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Return once `holds()`; AssertionError with `what` if it does not within `deadline_s`."""
    end = time.monotonic() + deadline_s
    pause = threading.Event()
    while not holds():
        assert time.monotonic() < end, f"still not so after {deadline_s:g} s: {what}"
        pause.wait(LOOK_S)
