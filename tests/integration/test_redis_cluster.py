"""What is different where Redis spreads its keys over slots."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.crc import key_slot

from rag_service.adapters import redis_cluster, redis_vectors
from rag_service.adapters.redis_client import used_memory
from rag_service.adapters.redis_cluster import namespace_on
from rag_service.adapters.redis_copy import RedisCopy
from rag_service.core.errors import ConfigError, IndexMissing, ReleaseConflict, StoreError
from rag_service.core.protocols import no_progress
from rag_service.core.settings import Settings
from rag_service.core.types import Document, Filters, IndexSpec
from rag_service.diagnosis import jobs
from rag_service.wiring import open_services
from tests.fakes.filings import filings
from tests.integration.test_redis_stores import DIMS, Stores, directions, stores_on

SWAPS_AND_DIES = """
import os, signal, sys
from rag_service.adapters.redis_client import connect
from rag_service.adapters.redis_releases import RedisReleaseStore
url, namespace, expected, new, revision = sys.argv[1:]
store = RedisReleaseStore(connect(url), namespace)
store.follow = lambda: os.kill(os.getpid(), signal.SIGKILL)
store.swap(expected, new, int(revision))
"""
CHUNKS = filings()


@pytest.fixture
def stores(slots_client: redis.Redis, namespace: str) -> Stores:
    """Releases r1, which is live, and r2, each with an index of all chunks."""
    stores = stores_on(slots_client, f"{{{namespace}}}")
    fill(stores)
    return stores


def fill(stores: Stores) -> None:
    for name in ("r1", "r2"):
        stores.add(name)
        stores.vectors.write(f"ix-{name}", CHUNKS, directions(len(CHUNKS)))
    for document_id in {chunk.document_id for chunk in CHUNKS}:
        chunks = [chunk for chunk in CHUNKS if chunk.document_id == document_id]
        document = Document(
            document_id, chunks[0].document, chunks[0].facts, 1, len(chunks), 0, "2026"
        )
        stores.chunks.replace(document, chunks, None)
    stores.releases.swap(None, "r1", stores.chunks.revision())


def searched(stores: Stores) -> str:
    """The live release, when a search of its index finds what it should."""
    live = stores.releases.current()
    assert live is not None
    hits = stores.vectors.search(live.index, directions(1)[0], 1, Filters())
    assert hits[0].chunk == CHUNKS[0]
    return live.release


def die_between_pointer_and_alias(stores: Stores, url: str) -> None:
    revision = str(stores.chunks.revision())
    command = [sys.executable, "-c", SWAPS_AND_DIES, url, stores.keys.namespace, "r1", "r2"]
    ended = subprocess.run([*command, revision], timeout=60, check=False)
    assert ended.returncode == -signal.SIGKILL


def all_keys(stores: Stores) -> list[str]:
    patterns = stores.keys.patterns
    return [str(key) for pattern in patterns for key in stores.client.scan_iter(pattern)]


def settings(url: str, home: Path, namespace: str, **more: Any) -> Settings:
    return Settings(home=home, redis_url=url, namespace=namespace.strip("{}"), llm="none", **more)


def test_after_a_kill_between_them_the_pointer_decides_and_who_comes_next_mends_the_alias(
    cluster_client: redis.Redis, namespace: str, cluster_url: str, tmp_path: Path
) -> None:
    stores = stores_on(cluster_client, f"{{{namespace}}}")
    for name in ("r1", "r2"):
        stores.add(name)
    stores.releases.swap(None, "r1", 0)
    die_between_pointer_and_alias(stores, cluster_url)
    assert stores.aliased() == stores.keys.physical("ix-r1")
    live = stores.releases.current()
    assert live is not None
    assert live.release == "r2"
    with pytest.raises(StoreError, match="is live"):
        stores.vectors.drop("ix-r2")
    with pytest.raises(ReleaseConflict):
        stores.releases.swap("r1", "r2", 0)
    with open_services(settings(cluster_url, tmp_path, namespace)) as services:
        assert services.releases.current() == live
    assert stores.aliased() == stores.keys.physical("ix-r2")
    assert used_memory(cluster_client) > 1_000_000


def test_an_index_that_only_the_alias_still_names_can_go(stores: Stores, redis_url: str) -> None:
    die_between_pointer_and_alias(stores, redis_url)
    assert stores.aliased() == stores.keys.physical("ix-r1")
    stores.vectors.drop("ix-r1")
    assert searched(stores) == "r2"
    stores.releases.follow()
    assert stores.aliased() == stores.keys.physical("ix-r2")


def test_an_alias_that_cannot_follow_is_no_failed_swap(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(stores.releases, "current", _gone)
        stores.releases.swap("r1", "r2", stores.chunks.revision())
    assert "behind the live release" in caplog.text
    assert searched(stores) == "r2"


def test_what_decides_has_one_slot_and_documents_have_one_each(stores: Stores) -> None:
    keys = [
        str(key) for pattern in stores.keys.patterns for key in stores.client.scan_iter(pattern)
    ]
    slots = {key: key_slot(key.encode()) for key in keys}
    bulk = {key for key in keys if not key.startswith("{")}
    assert len({slots[key] for key in keys if key not in bulk}) == 1
    documents = {chunk.document_id for chunk in CHUNKS}
    assert len({slots[key] for key in bulk}) == len(documents) > 1
    for document_id in documents:
        assert len({slots[key] for key in bulk if f"{{{document_id}}}" in key}) == 1
    assert len(bulk) == len(documents) + 2 * len(CHUNKS)
    assert stores.vectors.ids("ix-r2") == {chunk.chunk_id for chunk in CHUNKS}


def test_one_address_that_refuses_two_slots_is_used_like_a_cluster(stores: Stores) -> None:
    name = stores.keys.namespace
    assert namespace_on(stores.client, name.strip("{}")) == name
    stores.releases.swap("r1", "r2", stores.chunks.revision())
    assert searched(stores) == "r2"
    assert stores.aliased() == stores.keys.physical("ix-r2")
    stores.chunks.remove(CHUNKS[0].document_id, "r2")
    stores.vectors.drop("ix-r1")
    assert stores.vectors.outdated("ix-r2", [chunk.chunk_id for chunk in CHUNKS]) == set()


def test_a_single_redis_keeps_the_keys_that_it_had(client: redis.Redis, namespace: str) -> None:
    assert namespace_on(client, namespace) == namespace
    keys = stores_on(client, namespace).keys
    assert keys.live == f"{namespace}:live"
    assert keys.chunks("d") == f"{namespace}:chunks:d"
    assert keys.entry("ix", "d.1") == f"{namespace}:ix:ix:d.1"
    assert keys.rates == f"{namespace}:rates"


def test_an_engine_that_searches_one_node_alone_is_refused(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = redis_cluster.listed_indexes
    monkeypatch.setattr(redis_vectors, "listed_indexes", lambda client: [*listed(client), set()])
    with pytest.raises(ConfigError, match="one node alone"):
        stores.vectors.create(IndexSpec("ix-r3", DIMS, "m"))


def test_a_service_needs_a_redis_for_its_jobs(
    cluster_url: str, redis_url: str, namespace: str, tmp_path: Path
) -> None:
    without = settings(cluster_url, tmp_path, namespace)
    with (
        pytest.raises(ConfigError, match="RAGLOOP_JOBS_URL"),
        open_services(without, background=True),
    ):
        pass
    [told] = jobs(without)
    assert told.status == "missing"
    assert "RAGLOOP_JOBS_URL" in told.mend
    own = settings(cluster_url, tmp_path, namespace, jobs_url=redis_url)
    assert [check.status for check in jobs(own)] == ["ok"]
    with open_services(own) as services:
        assert services.queue.all() == []
        assert services.jobs_client.ping()


def test_a_home_moves_from_a_single_redis_to_a_cluster_and_back(
    client: redis.Redis, slots_client: redis.Redis, namespace: str
) -> None:
    single = stores_on(client, namespace)
    fill(single)
    lines = list(RedisCopy(client, namespace).read(no_progress))
    elsewhere = f"{{{namespace}b}}"
    moved, copy = stores_on(slots_client, elsewhere), RedisCopy(slots_client, elsewhere)
    copy.write(iter(lines), len(lines), no_progress)
    assert searched(moved) == "r1"
    assert moved.aliased() == moved.keys.physical("ix-r1")
    assert moved.vectors.ids("ix-r2") == single.vectors.ids("ix-r2")
    assert moved.chunks.chunk_ids() == single.chunks.chunk_ids()
    back = list(copy.read(no_progress))
    assert sorted(json.loads(line)[:2] for line in back) == sorted(
        json.loads(line)[:2] for line in lines
    )
    copy.clear()
    assert all_keys(moved) == []
    with pytest.raises(IndexMissing):
        moved.vectors.count("ix-r1")


def _gone() -> None:
    raise StoreError("Redis is away")
