"""A Redis with the query engine, shared by all tests that need one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import cast
from uuid import uuid4

import pytest
import redis
from hypothesis import settings

from rag_service.adapters.embedded_redis import EmbeddedRedis
from rag_service.adapters.redis_client import connect
from tests.fakes.redis_servers import SlotChecked, StrictCluster, cluster_node

# A machine that is busy makes a slow example, not a wrong one; pytest's timeout ends what hangs.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")

# Measuring what computes a model fastest takes seconds for each: tests of that ask for it.
os.environ.setdefault("RAGLOOP_PRECISION", "float32")

# Tests run in as many processes as there are processors: more threads than one of each wait for
# one another, and a training takes several times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of an embedded server in a home of its own."""
    with EmbeddedRedis(Path(tmp_path_factory.mktemp("home"))) as url:
        yield url


@pytest.fixture
def namespace() -> str:
    """A namespace that no other test uses."""
    return f"t{uuid4().hex[:16]}"


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    client = connect(redis_url)
    yield client
    client.close()


@pytest.fixture(scope="session")
def cluster_url(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a Redis Cluster of one node."""
    # The embedded server has linked what the binary needs.
    libraries = Path(redis_url.removeprefix("unix://")).parent / "lib"
    with cluster_node(tmp_path_factory.mktemp("cluster"), libraries) as url:
        yield url


@pytest.fixture
def cluster_client(cluster_url: str) -> Iterator[redis.Redis]:
    client = cast(redis.Redis, StrictCluster(cluster_url, decode_responses=True))
    yield client
    client.close()


@pytest.fixture
def slots_client(redis_url: str) -> Iterator[redis.Redis]:
    client = SlotChecked.from_url(redis_url, decode_responses=True)
    yield client
    client.close()


@pytest.fixture(autouse=True)
def own_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that tests run in this process do not lower the priority of the tests after them."""
    monkeypatch.setattr(os, "nice", lambda increment: increment)
