"""The one place of a process that knows of threads: starts them, sees that each progresses, ends on a failure."""

import logging
import threading
from collections.abc import Callable

from sealbell.notify import Notifier

LOOK_S = 1.0
LEAVE_S = 10.0  # less than the watchdog grants, more than a camera needs to be closed
_log = logging.getLogger(__name__)


class StageError(Exception):
    """A stage ended by an exception; the process must end, and be started anew."""


class Supervisor:
    """Runs each stage in a thread of its own. A stage gets `beat`, to be called whenever it has made progress."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._changed = threading.Condition()
        self._running: set[str] = set()
        self._progressed: set[str] = set()
        self._failure: tuple[str, BaseException] | None = None

    def spawn(self, name: str, stage: Callable[[Callable[[], None]], None]) -> None:
        """Start a stage; it ends when `stage` returns."""
        with self._changed:
            self._running.add(name)
        threading.Thread(target=self._run, args=(name, stage), name=name, daemon=True).start()

    def wait(self, stop: Callable[[], None] = lambda: None, leave_s: float = LEAVE_S) -> None:
        """Return when every stage has ended; systemd hears that we are ready once each has made progress.

        As soon as one has failed, `stop` is called, the others get `leave_s` to end what they have begun, and
        StageError tells of the first failure.
        """
        ready = False
        while not self._ended():
            with self._changed:
                if not self._running <= self._progressed:
                    continue
                self._progressed.clear()
            if not ready:
                self._notifier.ready()
                ready = True
            self._notifier.alive()
        if self._failure:
            stop()
            with self._changed:
                self._changed.wait_for(lambda: not self._running, leave_s)
            name, error = self._failure
            raise StageError(f"{name} failed: {type(error).__name__}: {error}") from error

    def _ended(self) -> bool:
        """Look on for a while; return whether all have ended, or one has failed."""
        with self._changed:
            return self._changed.wait_for(lambda: self._failure is not None or not self._running, LOOK_S)

    def _beat(self, name: str) -> None:
        with self._changed:
            self._progressed.add(name)

    def _run(self, name: str, stage: Callable[[Callable[[], None]], None]) -> None:
        failure: tuple[str, BaseException] | None = None
        try:
            stage(lambda: self._beat(name))
        except BaseException as error:  # whatever it is, the process must not go on without this stage
            failure = (name, error)
        with self._changed:
            self._running.discard(name)
            self._failure = self._failure or failure
            self._changed.notify_all()
