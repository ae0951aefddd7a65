from collections.abc import Callable

import pytest

from sealbell_wire.age.mlkem768x25519 import HybridIdentity
from sealbell_wire.age.x25519 import X25519Identity


@pytest.fixture(scope="session")
def owner() -> HybridIdentity:
    return HybridIdentity(b"owner".ljust(32, b"."))


@pytest.fixture(scope="session")
def phone() -> HybridIdentity:
    return HybridIdentity(b"phone".ljust(32, b"."))


@pytest.fixture(scope="session")
def outsider() -> X25519Identity:
    return X25519Identity(b"outsider".ljust(32, b"."))


@pytest.fixture(scope="session")
def neighbour() -> X25519Identity:
    return X25519Identity(b"neighbour".ljust(32, b"."))


@pytest.fixture
def counted_random() -> Callable[[int], bytes]:
    """Random bytes that are none: 1, 2, 3 and so on, so that a file can be made twice."""
    calls = iter(range(1, 256))
    return lambda size: bytes([next(calls)]) * size
