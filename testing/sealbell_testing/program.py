"""A program of Sealbell as a process of its own, which a test can listen to and kill."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import IO

from sealbell_testing.waiting import DEADLINE_S


class Program:
    """A command that runs. `said` are the lines of its standard output so far, `lines` those of its standard error."""

    def __init__(self, *command: str) -> None:
        """Start it."""
        self.command = command
        self.said: list[str] = []
        self.lines: list[str] = []
        self._news = threading.Condition()
        self.start()

    def start(self) -> None:
        """Start it, again if it has ended: `said` begins anew, `lines` go on."""
        self.said.clear()
        self.process = subprocess.Popen(  # noqa: S603 - the project's own commands, no shell
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self._open_pipes = 2
        self._readers = [self._read(self.process.stdout, self.said), self._read(self.process.stderr, self.lines)]

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def wait_for(self, what: str, times: int = 1) -> str:
        """Wait until it has logged `what` so many times; return the last such line. AssertionError if it does not."""
        return self._wait_in(self.lines, lambda line: what in line, times, f"{what!r} was not logged")

    def wait_for_said(self, is_it: Callable[[str], bool], times: int = 1) -> str:
        """Wait until it has printed so many lines for which `is_it` holds; return the last of them."""
        return self._wait_in(self.said, is_it, times, "what is awaited was not printed")

    def stop(self) -> int:
        """SIGTERM, and wait for its end; return its exit code."""
        self.process.terminate()
        return self._end()

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        self.process.kill()
        self._end()

    def _end(self) -> int:
        code = self.process.wait(DEADLINE_S)
        for reader in self._readers:
            reader.join(DEADLINE_S)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        return code

    def _wait_in(self, lines: list[str], is_it: Callable[[str], bool], times: int, failure: str) -> str:
        def found() -> list[str]:
            return [line for line in lines if is_it(line)]

        with self._news:
            self._news.wait_for(lambda: len(found()) >= times or not self._open_pipes, DEADLINE_S)
            assert len(found()) >= times, f"{failure}: {self.said + self.lines}"
            return found()[times - 1]

    def _read(self, pipe: IO[str] | None, lines: list[str]) -> threading.Thread:
        def read() -> None:
            for line in pipe or ():
                with self._news:
                    lines.append(line.rstrip("\n"))
                    self._news.notify_all()
            with self._news:
                self._open_pipes -= 1
                self._news.notify_all()

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        return thread


def command_of(module: str, *arguments: str) -> tuple[str, ...]:
    """Return the command line that runs a program's command line module under this Python."""
    return (sys.executable, "-m", module, *arguments)
