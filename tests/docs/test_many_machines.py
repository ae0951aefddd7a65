"""The brokers and the bucket of the page for operators are those that chaos is let loose on."""

import re
from pathlib import Path

from cluster import NATS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operate.md").read_text("utf-8")
HARNESS = (ROOT / "tests" / "cluster.py").read_text("utf-8")


def test_the_brokers_of_the_page_are_the_ones_that_are_tested() -> None:
    routes = ", ".join(f'"nats://BROKER{n}:6222"' for n in (1, 2, 3))
    config = NATS.format(name="broker1", address="BROKER1", routes=routes, store='"js"')
    assert f"```\n{config}```" in PAGE


def test_the_bucket_of_the_page_is_the_one_that_is_tested() -> None:
    options = set(re.findall(r" (-[A-Za-z0-9.]+)=", "".join(re.findall(r"^weed .*$", PAGE, re.MULTILINE))))
    assert len(options) > 10
    assert {option for option in options if f"{option}=" not in HARNESS} == set()
