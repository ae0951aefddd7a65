"""What is started once for all tests that ask for it."""

from collections.abc import Iterator

import pytest

from seaweed import Seaweed, seaweed


@pytest.fixture(scope="session")
def seaweed_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    """SeaweedFS with one volume server; tests keep apart by prefixes of the bucket."""
    with seaweed(tmp_path_factory.mktemp("seaweed")) as cluster:
        yield cluster
