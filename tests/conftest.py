"""What is started once for all tests that ask for it, and what holds for all."""

import os
import uuid
from collections.abc import Iterator

import pytest
from hypothesis import settings

from seaweed import Seaweed, seaweed

settings.register_profile("any machine", deadline=None)  # how long an example takes is the machine's, not a promise
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def seaweed_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    """SeaweedFS with one volume server; tests keep apart by prefixes of the bucket."""
    with seaweed(tmp_path_factory.mktemp("seaweed")) as cluster:
        yield cluster


@pytest.fixture
def bucket(seaweed_cluster: Seaweed, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty place in a bucket, with what it takes to get there in the environment."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in seaweed_cluster.environment.items():
        monkeypatch.setenv(name, value)
    return f"s3://{seaweed_cluster.bucket}/{uuid.uuid4().hex}"
