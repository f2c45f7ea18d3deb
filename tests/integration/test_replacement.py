"""A document that changes or goes does so in one step, whoever asks and whoever dies meanwhile."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest
import redis

from rag_service.adapters.redis_client import connect
from rag_service.core.errors import NotFound
from rag_service.core.types import Release
from tests.integration.replacing import NAME, SIZE, World, harrow

VERSIONS = 6


@pytest.fixture
def world(client: redis.Redis, namespace: str) -> World:
    return World(client, namespace)


class Watcher:
    """Asks for the document again and again, by text and by vector."""

    def __init__(self, url: str, namespace: str, index: str) -> None:
        self._url, self._namespace, self._index = url, namespace, index
        self._ended = Event()
        self.by_text: list[tuple[set[str], int]] = []
        self.by_vector: list[set[str]] = []

    @contextmanager
    def watching(self) -> Iterator[None]:
        thread = Thread(target=self._watch)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join(60)
        assert min(len(self.by_text), len(self.by_vector)) >= VERSIONS

    def _watch(self) -> None:
        client = connect(self._url)
        world = World(client, self._namespace)
        try:
            while not self._ended.is_set():
                found = world.seen(self._index, text=True)
                self.by_text.append(({chunk.document_id for chunk in found}, len(found)))
                found = world.seen(self._index, text=False)
                self.by_vector.append({chunk.document_id for chunk in found})
        finally:
            client.close()

    def assert_whole(self) -> None:
        versions = {version for ids, _ in self.by_text for version in ids}
        assert len(versions) >= 2, "nothing was replaced while it was watched"
        assert {(len(ids), size) for ids, size in self.by_text} == {(1, SIZE)}
        assert {len(ids) for ids in self.by_vector} == {1}


def test_a_query_sees_all_of_the_old_or_all_of_the_new(
    world: World, redis_url: str, namespace: str
) -> None:
    watcher = Watcher(redis_url, namespace, world.begin())
    with watcher.watching():
        for version in range(1, VERSIONS):
            world.put(version)
    watcher.assert_whole()


def test_so_it_is_in_a_candidate_that_catches_up(
    world: World, redis_url: str, namespace: str
) -> None:
    world.begin()
    candidate = world.indexer.build(world.cards["better"])
    watcher = Watcher(redis_url, namespace, candidate.index)
    with watcher.watching():
        for version in range(1, VERSIONS):
            world.put(version)
            world.indexer.catch_up(candidate)
    watcher.assert_whole()


def test_a_document_goes_in_one_step_from_the_live_index_and_from_a_candidate(
    world: World, redis_url: str, namespace: str
) -> None:
    live = world.begin()
    candidate = world.indexer.build(world.cards["better"])
    for index, go in (
        (live, lambda: world.writer.remove(NAME)),
        (candidate.index, lambda: world.indexer.catch_up(candidate)),
    ):
        watcher = Watcher(redis_url, namespace, index)
        with watcher.watching():
            _wait(lambda watcher=watcher: len(watcher.by_text) > VERSIONS)  # type: ignore[misc]
            go()
            seen = len(watcher.by_text)
            _wait(lambda watcher=watcher, seen=seen: len(watcher.by_text) > seen + 1)  # type: ignore[misc]
        assert {size for _, size in watcher.by_text} == {SIZE, 0}
        assert world.seen(index, text=True) == world.seen(index, text=False) == []
    assert world.chunks.find(NAME) is None
    assert world.indexer.completeness(candidate).complete
    with pytest.raises(NotFound, match=NAME):
        world.writer.remove(NAME)


def test_a_document_that_only_changes_its_name_is_indexed_under_the_new_one(world: World) -> None:
    from dataclasses import replace

    world.begin()
    candidate = world.indexer.build(world.cards["better"])
    renamed = [replace(chunk, document="OTHER.pdf") for chunk in harrow(0)]
    old = world.chunks.find(NAME)
    assert old is not None
    world.writer.put(replace(old, name="OTHER.pdf"), renamed)

    assert len(world.indexer.completeness(candidate).missing) == SIZE
    world.indexer.catch_up(candidate)
    assert world.indexer.completeness(candidate).complete
    assert world.seen(candidate.index, text=True) == []
    ids = [chunk.chunk_id for chunk in renamed]
    assert set(world.vectors.documents(candidate.index, ids).values()) == {"OTHER.pdf"}


def test_one_that_dies_between_index_and_store_is_mended_by_the_same_command(
    world: World, redis_url: str, namespace: str
) -> None:
    index = world.begin()
    with _writing(redis_url, namespace, 1, "between") as process:
        assert process.wait(60) == -9
    assert _version(world, index) == 1
    stored = world.chunks.find(NAME)
    assert stored is not None
    assert stored.document_id == harrow(0)[0].document_id

    world.put(1)
    _assert_ends_whole(world, index, 1)


def test_one_that_is_killed_at_any_moment_is_mended_by_the_same_command(
    world: World, redis_url: str, namespace: str
) -> None:
    index = world.begin()
    moments = random.Random(11)
    for version in range(1, 5):
        with _writing(redis_url, namespace, version, "") as process:
            time.sleep(moments.uniform(0.0, 0.35))
            process.kill()
            process.wait(60)
        assert _version(world, index) in {version - 1, version}
        world.put(version)
        _assert_ends_whole(world, index, version)


@contextmanager
def _writing(
    url: str, namespace: str, version: int, death: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is about to write a version."""
    arguments = ["tests.integration.replacing", url, namespace, str(version), death]
    with subprocess.Popen([sys.executable, "-m", *arguments], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        try:
            yield process
        finally:
            process.kill()


def _version(world: World, index: str) -> int:
    """The one version that a search finds whole."""
    found = world.seen(index, text=True)
    assert len(found) == SIZE
    (digest,) = {chunk.document_id for chunk in found}
    return int(digest, 16)


def _assert_ends_whole(world: World, index: str, version: int) -> None:
    assert _version(world, index) == version
    live = world.releases.current()
    assert isinstance(live, Release)
    assert world.indexer.completeness(live).complete
    stored = world.chunks.find(NAME)
    assert stored is not None
    assert stored.document_id == harrow(version)[0].document_id
    assert sum(chunk.document == NAME for chunk in world.chunks.chunks()) == SIZE


def _wait(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)
