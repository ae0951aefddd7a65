"""Every fuzz target for a moment; `make fuzz` drives them for longer."""

import pytest
from hypothesis import HealthCheck, given, settings

from fuzz.inputs import inputs, targets

EXAMPLES = 120
TARGETS = targets()


@pytest.mark.parametrize("name", TARGETS)
def test_only_our_own_errors_come_out(name: str) -> None:
    target = TARGETS[name]

    # Seeds are whole parts and notices of 64 KiB: what hypothesis calls too large is the promise here.
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=inputs(target.seeds))
    def run(data: bytes) -> None:
        target.run(data)

    run()


@pytest.mark.parametrize("name", TARGETS)
def test_valid_input_passes_whole_and_with_a_byte_more(name: str) -> None:
    for seed in TARGETS[name].seeds:
        for data in (seed, seed + b"\0", seed + b"\n", seed[:-1]):
            TARGETS[name].run(data)


def test_a_parser_that_lets_another_error_out_is_found() -> None:
    @settings(max_examples=200, deadline=None, database=None)
    @given(data=inputs([b"length 5\n"]))
    def run(data: bytes) -> None:
        if data.startswith(b"length "):
            int(data[7:])

    with pytest.raises(ValueError, match="invalid literal"):
        run()


def test_changed_seeds_stay_close_to_a_seed() -> None:
    kept: list[bool] = []

    @settings(max_examples=100, deadline=None, database=None)
    @given(data=inputs([b"sealbell" * 64]))
    def run(data: bytes) -> None:
        kept.append(b"sealbell" in data)

    run()
    assert sum(kept) > 10
