"""How far a long look has come, for whoever watches, and for nobody else."""

import io

from sealbell_relay.audit.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


def shown(stream: io.StringIO) -> str:
    clock = Clock()
    progress = Progress(stream, clock)
    for objects in range(100):
        progress.show(objects, objects * 1_000_000)
        clock.s += 0.01
    progress.clear()
    progress.clear()
    return stream.getvalue()


def test_a_terminal_shows_a_line_now_and_then_and_nothing_of_it_stays() -> None:
    said = shown(Terminal())
    assert 3 <= said.count("objects") <= 5
    assert said.startswith("\r20 objects, 20.0 MB")
    assert said.endswith("\r\x1b[K")
    assert "\n" not in said


def test_a_file_or_a_pipe_gets_no_progress() -> None:
    assert shown(io.StringIO()) == ""
