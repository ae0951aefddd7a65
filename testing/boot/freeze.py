"""Stops one thread of another process while its others go on, as a stage does that hangs (ptrace(2), PTRACE_SEIZE)."""

import contextlib
import ctypes
import os
import threading
from collections.abc import Iterator
from pathlib import Path

_DETACH, _SEIZE, _INTERRUPT, _WALL = 17, 0x4206, 0x4207, 0x40000000
_WORKING_SWITCHES = 3  # a stage wakes four times a second even when there is nothing to do
_LOOK_S = 2.0
_POLL_S = 0.05


def switches(pid: int) -> dict[int, int]:
    """Return how often each thread of a process has waited for something."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        lines = (task / "status").read_text().splitlines()
        found[int(task.name)] = next(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt"))
    return found


def working_threads(pid: int) -> list[int]:
    """Return the threads, oldest first, that did something just now, but the main one."""
    before = switches(pid)
    threading.Event().wait(_LOOK_S)
    after = switches(pid)
    return sorted(t for t in after if t != pid and after[t] - before.get(t, 0) >= _WORKING_SWITCHES)


@contextlib.contextmanager
def frozen(thread: int) -> Iterator[None]:
    """Stop one thread until the end of the block, or of its process."""
    stopped, over = threading.Event(), threading.Event()
    tracer = threading.Thread(target=_trace, args=(thread, stopped, over))
    tracer.start()
    try:
        assert stopped.wait(_LOOK_S), f"thread {thread} cannot be stopped"
        yield
    finally:
        over.set()
        tracer.join()


def _trace(thread: int, stopped: threading.Event, over: threading.Event) -> None:
    """Stop and let go by one thread, as ptrace wants it; a traced process ends only when its tracer looks."""
    ptrace = ctypes.CDLL(None).ptrace
    ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
    if ptrace(_SEIZE, thread, None, None) or ptrace(_INTERRUPT, thread, None, None):
        return
    os.waitpid(thread, _WALL)
    stopped.set()
    while os.waitpid(thread, _WALL | os.WNOHANG) == (0, 0):
        if over.wait(_POLL_S):
            ptrace(_DETACH, thread, None, None)
            return
