"""What a test is told when what it waits for does not come."""

import sys

import pytest

from sealbell_testing.program import Program
from sealbell_testing.waiting import until


def python(code: str) -> Program:
    return Program(sys.executable, "-c", code)


def test_what_is_said_and_what_is_logged_are_kept_apart() -> None:
    program = python("import sys; print('said'); print('logged', file=sys.stderr); print('said again')")
    assert program.wait_for_said(lambda line: "said" in line, 2) == "said again"
    assert program.wait_for("logged") == "logged"
    assert program.stop() in (0, -15)
    assert (program.said, program.lines) == (["said", "said again"], ["logged"])


def test_a_program_that_ends_is_not_waited_for_and_what_it_said_is_shown() -> None:
    program = python("print('no room'); raise SystemExit(3)")
    with pytest.raises(AssertionError, match=r"'ready' was not logged: .'no room'"):
        program.wait_for("ready")
    assert program.process.wait() == 3


def test_a_killed_program_runs_no_more_and_can_be_started_again() -> None:
    program = python("import signal; print('up', flush=True); signal.pause()")
    for _ in range(2):
        program.wait_for_said(lambda line: line == "up")
        assert program.runs
        program.kill()
        assert not program.runs
        program.start()
    program.kill()


def test_what_does_not_come_in_time_is_named() -> None:
    with pytest.raises(AssertionError, match=r"still not so after 0\.05 s: the moon is blue"):
        until(lambda: False, "the moon is blue", 0.05)
