"""The real commands, started as a person would start them, and never left behind."""

import contextlib
import json
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

READY_S = 30.0
STOP_S = 15.0
COMMAND_S = 300.0


class ProcessError(Exception):
    """A command did not do what the demo needs of it."""


def command(name: str) -> str:
    """Return the path of one of the project's commands: beside this interpreter or, from a package, beside this one."""
    for folder in (Path(sysconfig.get_path("scripts")), Path(sys.argv[0]).resolve().parent):
        if (path := folder / name).exists():
            return str(path)
    raise ProcessError(f"{name} is not installed beside {sys.executable}\nhint: `make setup` installs all commands")


def run(
    name: str, *arguments: str | Path, good: tuple[int, ...] = (0,), stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; ProcessError with its last line if it fails."""
    done = subprocess.run(  # noqa: S603 - our own commands, no shell
        [command(name), *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )
    if done.returncode not in good:
        raise ProcessError(_failed(name, arguments, done.returncode, done.stderr))
    return done


def run_json(name: str, *arguments: str | Path, good: tuple[int, ...] = (0,)) -> Any:
    """Run a command that prints one JSON document; return it."""
    done = run(name, *arguments, good=good)
    try:
        return json.loads(done.stdout)
    except json.JSONDecodeError:
        raise ProcessError(_failed(name, arguments, done.returncode, done.stderr)) from None


def last_words(name: str, *arguments: str | Path, stdin: bytes) -> tuple[int, str]:
    """Run a command on `stdin`; return its exit code and the last line of its standard error."""
    done = subprocess.run(  # noqa: S603 - our own commands, no shell
        [command(name), *map(str, arguments)], input=stdin, capture_output=True, timeout=COMMAND_S, check=False
    )
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return done.returncode, lines[-1] if lines else ""


class Running:
    """A command that runs beside the demo; its standard error goes to a file."""

    def __init__(self, log: Path, name: str, *arguments: str | Path) -> None:
        self._what = (name, arguments)
        self._log = log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(  # noqa: S603 - our own commands, no shell
                [command(name), *map(str, arguments)], stdout=subprocess.PIPE, stderr=errors, text=True
            )

    def lines(self) -> Iterator[str]:
        """Yield what it prints, line by line, until it ends."""
        if self._process.stdout is None:
            raise AssertionError("its standard output is a pipe")
        while line := self._process.stdout.readline():  # not `yield from`: it would close the pipe when left early
            yield line

    def each_line(self, take: Callable[[str], None]) -> threading.Thread:
        """Hand every line to `take`, in a thread of its own."""

        def hand_over() -> None:
            for line in self.lines():
                take(line)

        thread = threading.Thread(target=hand_over, daemon=True)
        thread.start()
        return thread

    def wait(self) -> None:
        """Wait for its end; ProcessError unless it ended well."""
        code = self._process.wait()
        if code != 0:
            raise ProcessError(_failed(*self._what, code, self._log.read_text(errors="replace")))

    @property
    def ended(self) -> bool:
        """Whether it runs no more."""
        return self._process.poll() is not None

    def check(self) -> None:
        """Raise ProcessError if it has ended although it should run."""
        if self.ended:
            raise ProcessError(_failed(*self._what, self._process.returncode, self._log.read_text(errors="replace")))

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Ask it to end; kill it if it does not."""
        if not self.ended:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_S)
        if not self.ended:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()


def _failed(name: str, arguments: tuple[str | Path, ...], code: int, errors: str) -> str:
    said = "\n".join(errors.strip().splitlines()[-3:]) or "it said nothing"
    return f"`{name} {arguments[0] if arguments else ''}` ended with {code}: {said}"
