"""The findings as people read them, and as programs do."""

import json
from collections.abc import Iterable, Sequence

from sealbell.doctor.finding import Finding, State, worst

MARKS = {State.OK: "ok     ", State.WARNING: "warning", State.FAILURE: "FAILURE", State.UNSEEN: "-      "}
VERDICTS = {
    State.OK: "nothing is wrong that can be seen from here",
    State.WARNING: "the doorbell works, and something wants attention",
    State.FAILURE: "something does not work: begin with the first FAILURE",
}


def lines(findings: Sequence[Finding]) -> Iterable[str]:
    """Yield the report line by line."""
    width = max(len(finding.check) for finding in findings)
    for finding in findings:
        yield f"{MARKS[finding.state]}  {finding.check:<{width}}  {finding.said}"
        if finding.hint:
            yield f"{'':7}  {'':<{width}}  hint: {finding.hint}"
    yield ""
    yield VERDICTS[worst(findings)]


def as_json(findings: Sequence[Finding]) -> str:
    """Return the report as one JSON object."""
    return json.dumps(
        {
            "state": worst(findings),
            "findings": [
                {"check": finding.check, "state": finding.state, "said": finding.said, "hint": finding.hint}
                for finding in findings
            ],
        },
        indent=2,
    )
