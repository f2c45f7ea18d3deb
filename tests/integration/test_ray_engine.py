"""The engine ``ray`` on two nodes of this machine: as the local one, also when a node is lost."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import psutil
import pytest

from rag_service.core.settings import Settings
from rag_service.core.types import Release
from rag_service.indexing.shadow import BuildOptions
from rag_service.indexing.shared_vectors import Tally
from rag_service.wiring import Services, open_services

SYSTEM = {
    "health_check_period_ms": 500,  # a lost node is noticed soon
    "health_check_failure_threshold": 6,
    "prestart_worker_first_driver": False,  # its workers would wait for nothing
}
SECONDS = 120.0
BROKEN = "BROKEN_2020_10K.pdf"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two nodes of a processor each."""
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}
    import ray
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 100 * 2**20}
    head = {**node, "include_dashboard": False, "no_monitor": True, "_system_config": SYSTEM}
    cluster = Cluster()
    try:
        _add(cluster, head)
        _add(cluster, node)
        yield cluster
    finally:
        ray.shutdown()
        started = [p for p in psutil.Process().children(recursive=True) if _is_ray(p)]
        cluster.shutdown()
        assert started
        _, left = psutil.wait_procs(started, timeout=30)
        assert not [process for process in left if process.status() != psutil.STATUS_ZOMBIE]


def _add(cluster: Any, node: dict[str, Any]) -> None:
    """Ray gives a node 30 s to start, and no more is to be had: a busy machine has another go."""
    for last in (False, False, True):
        try:
            cluster.add_node(**node)
            return
        except Exception as error:
            if last or "timed out during startup" not in str(error):
                raise


@pytest.fixture(scope="module")
def files(some_filings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two filings, and a file that is none."""
    folder = tmp_path_factory.mktemp("two")
    for path in sorted(some_filings.iterdir())[:2]:
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / BROKEN).write_bytes(b"no PDF")
    return folder


@pytest.fixture(scope="module")
def local(
    redis_url: str, narrow_model: str, files: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Services]:
    settings = Settings(
        home=tmp_path_factory.mktemp("local"),
        redis_url=redis_url,
        namespace="ray-local",
        embedding_model=narrow_model,
        precision="float32",
        llm="none",
    )
    with open_services(settings) as services:
        services.ingestion.run([files])
        yield services


def on_ray(local: Services, cluster: Any, **other: Any) -> Settings:
    changed = {"engine": "ray", "ray_address": cluster.address, **other}
    return local.settings.model_copy(update=changed)


def vectors(services: Services, release: Release) -> tuple[list[str], Any]:
    ids = sorted(services.vectors.ids(release.index))
    return ids, services.vectors.vectors(release.index, ids)


def test_filings_are_read_and_encoded_on_the_nodes_as_they_are_here(
    local: Services, cluster: Any, files: Path, tmp_path: Path
) -> None:
    with open_services(on_ray(local, cluster, home=tmp_path, namespace="ray-nodes")) as services:
        outcomes = services.ingestion.run([files])
        told = {Path(outcome.path).name: outcome.reason or outcome.status for outcome in outcomes}
        assert told == {
            path.name: "not_pdf" if path.name == BROKEN else "added" for path in files.iterdir()
        }
        assert [Path(outcome.path) for outcome in outcomes] == sorted(files.iterdir())
        assert list(services.chunks.chunks()) == list(local.chunks.chunks())
        ids, found = vectors(services, services.ensure_live())
        same, expected = vectors(local, local.ensure_live())
        assert ids == same
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_reindex_that_loses_a_node_ends_complete_and_as_the_local_one(
    local: Services, cluster: Any, tmp_path: Path
) -> None:
    model = local.registry.get(local.ensure_live().model)
    expected = local.indexer.finish(local.indexer.start(model, "", BuildOptions(fresh=True)))
    with open_services(on_ray(local, cluster)) as services:
        release = services.indexer.start(model, "", BuildOptions(fresh=True))
        assert release.release != expected.release
        ids = sorted(services.chunks.chunk_ids())
        # All but a share are another worker's, so that both nodes stand in the middle of the work.
        work, held = f"build {release.release}", ids[len(ids) // 4 :]
        assert services.claims.take(work, held, len(held), "another", 600) == held
        [lost] = cluster.worker_nodes

        def lose() -> None:
            _wait_for_work(lost)
            _kill(lost)
            services.claims.give_back(work, held, "another")

        losing = Thread(target=lose)
        losing.start()
        tally = Tally()
        done = services.indexer.finish(release, tally=tally)
        losing.join()
    assert done.state == "candidate"
    assert services.registry.get(done.model) == model
    assert 0 < tally.encoded <= len(ids) == done.chunks
    ids, found = vectors(local, done)
    same, wanted = vectors(local, expected)
    assert ids == same
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def _wait_for_work(node: Any) -> None:
    """Until an actor of the node has something to do."""
    [raylet] = node.all_processes["raylet"]
    deadline = time.monotonic() + SECONDS
    while not any(
        "submit" in " ".join(_words(child))
        for child in psutil.Process(raylet.process.pid).children()
    ):
        assert time.monotonic() < deadline, "the node got no work"
        time.sleep(0.05)


def _kill(node: Any) -> None:
    """As a machine that is switched off."""
    [raylet] = node.all_processes["raylet"]
    process = psutil.Process(raylet.process.pid)
    for one in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            one.send_signal(signal.SIGKILL)


def _is_ray(process: psutil.Process) -> bool:
    return any("site-packages/ray/" in word or "ray::" in word for word in _words(process))


def _words(process: psutil.Process) -> list[str]:
    try:
        words: list[str] = process.cmdline()
        return words
    except psutil.Error:
        return []
