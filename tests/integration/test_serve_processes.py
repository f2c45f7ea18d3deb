"""Several processes on one set of releases: operators, users, and those of one service."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import redis

from rag_service.adapters.redis_client import connect
from rag_service.answering.retrieve import Retriever
from rag_service.answering.serving import Serving
from rag_service.core.errors import NotFound, StoreError
from rag_service.core.types import IndexSpec, Release, Vectors
from rag_service.indexing.promotion import Promoter
from rag_service.loop.own_home import free_port
from rag_service.loop.search_traffic import request
from tests.fakes.at_once import at_once, comes_true
from tests.fakes.filings import filing
from tests.integration.replacing import DIMS, World, document

CHUNKS = filing("Alder Mills", 2023)
HOLDS = """
import sys
from rag_service.adapters.redis_client import connect
from rag_service.adapters.redis_releases import RedisReleaseStore
from rag_service.indexing.holding import Holder
url, namespace, release = sys.argv[1:]
holder = Holder(RedisReleaseStore(connect(url), namespace), "another process")
holder.hold(release)
print("held", flush=True)
sys.stdin.read()
holder.close()
"""


@pytest.fixture
def world(client: redis.Redis, namespace: str) -> World:
    """Release r0001 is live and holds one document."""
    world = World(client, namespace)
    promoter(world).ensure_live(lambda: world.cards["base"])
    world.writer.put(document(CHUNKS), CHUNKS)
    return world


def promoter(world: World) -> Promoter:
    return Promoter(world.indexer, world.vectors, world.releases, world.registry, keep=2)


def candidate(world: World, model: str = "better") -> Release:
    """A new release even of a model that has one."""
    release = world.indexer.create(world.cards[model])
    return world.indexer.finish(release)


def searching(world: World) -> Retriever:
    serving = Serving(world.releases, world.vectors, world.registry)
    return Retriever(serving, world.vectors, 2000)


def names(world: World) -> list[str]:
    return [release.release for release in world.releases.all()]


def test_of_two_operators_at_once_one_wins_and_the_other_is_told(
    world: World, redis_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, theirs = candidate(world), candidate(world)
    both_began = threading.Barrier(2)
    worlds = [World(connect(redis_url), namespace) for _ in range(2)]

    def promote(own: World, release: Release) -> Callable[[], object]:
        catch_up = own.indexer.catch_up

        def after_both_began(target: Release, *_: object) -> int:
            both_began.wait(30)
            return catch_up(target)

        monkeypatch.setattr(own.indexer, "catch_up", after_both_began)
        return lambda: promoter(own).promote(release.release)

    outcomes = at_once(promote(worlds[0], mine), promote(worlds[1], theirs))
    for own in worlds:
        own.client.close()
    assert outcomes == ["", "ReleaseConflict"]
    live, previous = world.releases.current(), world.releases.previous()
    assert live is not None
    assert live.release in {mine.release, theirs.release}
    assert previous is not None
    assert previous.release == "r0001"
    states = sorted(release.state for release in world.releases.all())
    assert states == ["candidate", "live", "retired"]


def test_what_another_process_holds_is_not_dropped_before_it_ends(
    world: World, redis_url: str, namespace: str
) -> None:
    command = [sys.executable, "-c", HOLDS, redis_url, namespace, "r0001"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        for _ in range(4):
            promoter(world).promote(candidate(world).release)
        assert names(world) == ["r0001", "r0003", "r0004", "r0005"]
        assert len(world.vectors.ids("ix-r0001")) == len(CHUNKS)
        process.communicate(timeout=60)
    promoter(world).promote(candidate(world).release)
    assert names(world) == ["r0004", "r0005", "r0006"]
    assert world.vectors.names() == ["ix-r0004", "ix-r0005", "ix-r0006"]


def test_a_sweep_leaves_other_namespaces_alone(world: World, client: redis.Redis) -> None:
    other = World(client, f"{world.namespace}b")
    other.vectors.create(IndexSpec("ix-r0001", DIMS, "base"))
    world.vectors.create(IndexSpec("ix-forgotten", DIMS, "base"))
    promoter(world).promote(candidate(world).release)
    assert world.vectors.names() == ["ix-r0001", "ix-r0002"]
    assert other.vectors.names() == ["ix-r0001"]
    assert other.vectors.count("ix-r0001") == 0


def test_an_index_of_another_model_of_equal_dimension_is_not_searched(world: World) -> None:
    release = candidate(world)
    world.client.hset(f"{world.namespace}:index:{release.index}", "model", "base")
    retriever = searching(world)
    assert retriever.search("net sales").hits
    with pytest.raises(StoreError, match="holds vectors of model base"):
        retriever.search("net sales", release=release.release)
    with pytest.raises(StoreError, match="holds vectors of model base"):
        promoter(world).promote(release.release)


def test_one_entry_of_another_model_is_enough_to_refuse(world: World) -> None:
    retriever = searching(world)
    found = retriever.search("net sales")
    assert {hit.model for hit in found.hits} == {found.model} == {found.index_model} == {"base"}
    entry = f"{world.namespace}:ix:ix-r0001:{found.hits[-1].chunk.chunk_id}"
    assert world.client.hset(entry, "model", "better") == 0
    with pytest.raises(StoreError, match="vector of model better"):
        retriever.search("net sales")


def test_a_release_that_is_dropped_during_a_search_is_an_error_and_no_empty_result(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = candidate(world)
    retriever = searching(world)
    assert retriever.search("net sales", release=release.release).hits
    encoder = world.registry.load("better")
    encode = encoder.embed_queries

    def drop_meanwhile(texts: Sequence[str]) -> Vectors:
        world.releases.delete(release.release)
        world.vectors.drop(release.index)
        return encode(texts)

    monkeypatch.setattr(encoder, "embed_queries", drop_meanwhile)
    with pytest.raises(NotFound, match=release.release):
        retriever.search("net sales", release=release.release)


@pytest.mark.slow
def test_processes_share_a_port_are_replaced_and_end_together(tmp_path: Path) -> None:
    port = free_port()
    with _serving(tmp_path, port) as service:
        first = _answering(port, 2)
        os.kill(min(first), signal.SIGKILL)
        assert len(_answering(port, 2) - first) == 1
        everything = _processes(service, tmp_path)
        service.send_signal(signal.SIGTERM)
        assert service.wait(60) == 0
        assert len(everything) >= 5, "supervisor, two processes, Redis and its keeper"
        assert comes_true(lambda: not any(map(_runs, everything)))


@pytest.mark.slow
def test_processes_end_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    port = free_port()
    with _serving(tmp_path, port) as service:
        _answering(port, 2)
        everything = _processes(service, tmp_path)
        service.kill()
        assert comes_true(lambda: not any(map(_runs, everything)))


@contextmanager
def _serving(home: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Two processes of the service on an empty home, which need no encoder."""
    command = [sys.executable, "-m", "rag_service.cli", "serve", "--port", str(port)]
    environment = {**os.environ, "RAGLOOP_HOME": str(home), "RAGLOOP_LLM": "none"}
    with subprocess.Popen([*command, "--processes", "2"], env=environment) as service:
        try:
            yield service
        finally:
            for process in _processes(service, home):
                if _runs(process):
                    process.kill()


def _answering(port: int, wanted: int) -> set[int]:
    """The processes that answer; asked at once, so that they take turns."""
    found: set[int] = set()

    def ask() -> None:
        try:
            found.add(int(request(port, "GET", "/readyz")[1]["process"]))
        except (OSError, http.client.HTTPException):
            return  # not yet, or killed under way

    def ask_together() -> bool:
        found.clear()
        with ThreadPoolExecutor(16) as pool:
            for _ in range(64):
                pool.submit(ask)
        return len(found) == wanted

    assert comes_true(ask_together, 120)
    return found


def _processes(service: subprocess.Popen[bytes], home: Path) -> list[psutil.Process]:
    """The service's, and those that serve its home."""
    found = []
    if psutil.pid_exists(service.pid):
        supervisor = psutil.Process(service.pid)
        found = [supervisor, *supervisor.children(recursive=True)]
    return found + [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(str(home) in word for word in process.info["cmdline"] or ())
    ]


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
