"""Garbage in, our own errors out: every fuzz target of the age package, driven by hypothesis."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.fuzz_age import TARGETS
from sealbell_wire.age.file import seal
from sealbell_wire.age.header import VERSION_LINE
from sealbell_wire.age.mlkem768x25519 import HybridIdentity
from sealbell_wire.age.x25519 import X25519Identity

READERS = [X25519Identity(bytes(range(32))), HybridIdentity(bytes(range(32)))]
SEEDS = [
    *(sealed.file for sealed in (seal(b"picture", [reader.recipient]) for reader in READERS)),
    *(reader.encode().encode() for reader in READERS),
    *(str(reader.recipient).encode() for reader in READERS),
    VERSION_LINE,
    b"-> X25519 ",
    b"\n--- ",
]


@st.composite
def mangled(draw):
    """A good input with a part of it cut out, doubled or replaced."""
    seed = draw(st.sampled_from(SEEDS))
    begin = draw(st.integers(0, len(seed)))
    end = draw(st.integers(begin, min(len(seed), begin + 40)))
    middle = draw(st.one_of(st.just(b""), st.just(seed[begin:end] * 2), st.binary(max_size=8), st.sampled_from(SEEDS)))
    return seed[:begin] + middle + seed[end:]


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=60, deadline=None)
@given(data=st.one_of(st.binary(max_size=300), mangled()))
def test_only_our_own_errors_come_out(name, data):
    TARGETS[name](data)


@pytest.mark.parametrize("name", TARGETS)
def test_good_input_passes_the_fuzz_targets_too(name):
    for seed in SEEDS:
        TARGETS[name](seed)
