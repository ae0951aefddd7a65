"""What a check found, in words for whoever stands before the doorbell."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a check went. UNSEEN: this machine cannot tell, which is neither good nor bad."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. `hint` says what to do next; empty where there is nothing to do."""

    check: str
    state: State
    said: str
    hint: str = ""


def ok(check: str, said: str) -> Finding:
    """All is well."""
    return Finding(check, State.OK, said)


def warning(check: str, said: str, hint: str) -> Finding:
    """It works, and will not for ever."""
    return Finding(check, State.WARNING, said, hint)


def failure(check: str, said: str, hint: str) -> Finding:
    """It does not work."""
    return Finding(check, State.FAILURE, said, hint)


def unseen(check: str, said: str, hint: str = "") -> Finding:
    """It cannot be seen from here."""
    return Finding(check, State.UNSEEN, said, hint)


def worst(findings: Sequence[Finding]) -> State:
    """Return the state that decides over the whole: what is unseen decides nothing."""
    states = {finding.state for finding in findings}
    for state in (State.FAILURE, State.WARNING):
        if state in states:
            return state
    return State.OK
