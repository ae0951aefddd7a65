"""What the fuzz targets are fed: garbage, and valid inputs with a few parts cut, doubled or replaced.

Every tests/fuzz/fuzz_*.py has `TARGETS`, functions that take bytes and raise only when a promise is broken, and may
have `SEEDS`, valid inputs for some of them by the same name.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from hypothesis import strategies as st

FOLDER = Path(__file__).parent
MAX_GARBAGE_BYTES = 1_024
MAX_CHANGES = 4


class Target(NamedTuple):
    run: Callable[[bytes], None]
    seeds: Sequence[bytes]


def targets() -> dict[str, Target]:
    """Every fuzz target by its name."""
    found: dict[str, Target] = {}
    for path in sorted(FOLDER.glob("fuzz_*.py")):
        module = import_module(f"fuzz.{path.stem}")
        seeds = getattr(module, "SEEDS", {})
        if seeds.keys() - module.TARGETS.keys() or found.keys() & module.TARGETS.keys():
            raise ValueError(f"{path.name}: has seeds for no target of its own, or a target's name twice")
        found |= {name: Target(run, seeds.get(name, ())) for name, run in module.TARGETS.items()}
    return found


def inputs(seeds: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Garbage, and where there are seeds as often a changed one."""
    garbage = st.binary(max_size=MAX_GARBAGE_BYTES)
    return st.one_of(garbage, changed(seeds)) if seeds else garbage


@st.composite
def changed(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """A seed with up to four slices cut out, doubled, replaced, or joined to another seed."""
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, MAX_CHANGES))):
        begin = draw(st.integers(0, len(data)))
        end = draw(st.integers(begin, min(len(data), begin + 64)) | st.just(len(data)))
        old = data[begin:end]
        new = draw(st.sampled_from([b"", old * 2, old.swapcase()]) | st.binary(max_size=8) | st.sampled_from(seeds))
        data = data[:begin] + new + data[end:]
    return data
