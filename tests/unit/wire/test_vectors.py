"""Every case of wire/vectors/*.json, and that the generator writes them again."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sealbell_wire.errors import WireError
from unit.wire.operations import CASES, RUN, VECTORS


def plain(value: Any) -> Any:
    """The value as JSON would carry it: tuples as lists."""
    return json.loads(json.dumps(value))


@pytest.mark.parametrize("name", CASES)
def test_vector(name: str) -> None:
    case = CASES[name]
    try:
        value = plain(RUN[case["do"]](case["input"]))
        outcome = "ok"
    except WireError as error:
        value, outcome = None, type(error).__name__
    assert (outcome, value) == (case["expect"], case.get("value")), case["why"]


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case["expect"] != "ok"])
def test_an_error_is_a_sentence_of_ours_and_quotes_no_peer(name: str) -> None:
    case = CASES[name]
    with pytest.raises(WireError) as caught:
        RUN[case["do"]](case["input"])
    message = str(caught.value)
    assert message.isascii()
    assert message.isprintable()
    assert not message.endswith(".")
    assert len(message) < 200


def test_every_operation_is_accepted_somewhere_and_refused_somewhere() -> None:
    writes = {"doorbell", "shard", "new_clip", "padme", "sign", "down_filter", "up_filter", "part_topic", "have_topic"}
    writes |= {"receipt_topic", *(do for do in RUN if do.startswith("write_"))}
    assert {case["do"] for case in CASES.values() if case["expect"] == "ok"} == set(RUN)
    assert {case["do"] for case in CASES.values() if case["expect"] != "ok"} == set(RUN) - writes - {"clip"}


def test_the_generator_writes_these_bytes_again(tmp_path: Path) -> None:
    for sealed in ("clips.json", "sealed_health.json"):
        shutil.copy(VECTORS / sealed, tmp_path)
    subprocess.run([sys.executable, VECTORS / "make.py", tmp_path], check=True)
    files = sorted(path.name for path in VECTORS.glob("*.json"))
    assert files == sorted(path.name for path in tmp_path.iterdir())
    differing = [name for name in files if (tmp_path / name).read_bytes() != (VECTORS / name).read_bytes()]
    assert differing == []
