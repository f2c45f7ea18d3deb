"""Building a candidate: by several workers, killed at bad moments, checked, and of any shape."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rag_service.core.errors import ReleaseConflict, StoreError
from rag_service.core.types import Release
from rag_service.indexing.crew import Crew
from rag_service.indexing.embedding import embed_chunks
from rag_service.indexing.pace import NoTraffic, Pace
from rag_service.indexing.shadow import BuildOptions
from rag_service.indexing.shared_vectors import Tally
from tests.fakes.at_once import comes_true
from tests.fakes.filings import filing
from tests.fakes.stores import FakeClaimStore, FakeRedis
from tests.unit.test_indexing import World, card

COMPANIES = ("Alder Mills", "Birchwater", "Cedarline")


class Killed(BaseException):
    """Ends a build where a kill would, past every handler of errors."""


def filled(world: World) -> World:
    world.promoter.ensure_live(lambda: card("base"))
    for company in COMPANIES:
        world.put(filing(company, 2022))
    world.registry.embedded.clear()
    return world


@pytest.fixture
def world() -> World:
    return filled(World(sample=32))


def worker(redis: FakeRedis, name: str, lease: float = 60.0) -> World:
    return World(redis, Crew(FakeClaimStore(redis), lambda: name, lease))


# Several workers


def test_workers_share_a_build_without_embedding_a_chunk_twice() -> None:
    redis = FakeRedis()
    total = len(filled(World(redis)).chunks.chunk_ids())
    worlds = [worker(redis, f"w{n}") for n in range(3)]
    slow(worlds)
    tallies = [Tally() for _ in worlds]
    ended: list[Release] = []

    def work(world: World, tally: Tally) -> None:
        ended.append(world.indexer.finish(world.indexer.start(card("better")), tally=tally))

    threads = [
        threading.Thread(target=work, args=pair) for pair in zip(worlds, tallies, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert [release.release for release in ended] == ["r0002"] * 3
    assert {release.state for release in ended} == {"candidate"}
    counts = Counter(text for world in worlds for text in world.registry.embedded)
    assert len(counts) == total
    assert set(counts.values()) == {1}
    assert sum(tally.encoded for tally in tallies) == total
    assert worlds[0].indexer.completeness(ended[0]).complete
    assert redis.claims.get("build r0002", {}) == {}


def slow(worlds: Sequence[World]) -> None:
    """Let every worker have its turn."""
    for world in worlds:
        real = world.registry.load

        def load(fingerprint: str, real: Any = real) -> Any:
            time.sleep(0.005)
            return real(fingerprint)

        world.registry.load = load


def test_what_a_dead_worker_held_comes_free_or_goes_to_one_of_its_name() -> None:
    redis = FakeRedis()
    total = len(filled(World(redis)).chunks.chunk_ids())
    dead = worker(redis, "dead", lease=0.4)
    kill_at(dead, 2)
    with pytest.raises(Killed):
        dead.indexer.build(card("better"))
    FakeClaimStore(redis).take("build r0002", sorted(dead.chunks.chunk_ids()), total, "dead", 0.4)
    began = time.monotonic()
    again = worker(redis, "dead", lease=0.4)
    again.indexer.mend(replace(again.releases.get("r0002")))
    assert time.monotonic() - began < 0.3, "under its own name it waits for nothing"

    FakeClaimStore(redis).take("build r0003", sorted(dead.chunks.chunk_ids()), total, "dead", 0.4)
    other = worker(redis, "other", lease=0.4)
    built = other.indexer.build(card("others"))
    assert built.release == "r0003"
    assert built.chunks == total
    assert 0.3 < time.monotonic() - began < 10


def test_one_worker_waits_while_another_does_what_only_one_may_do() -> None:
    claims = FakeClaimStore()
    pauses: list[float] = []
    first = Crew(claims, lambda: "first")
    second = Crew(claims, lambda: "second", lease=2.0, sleep=pauses.append)
    with (
        first.alone("start"),
        pytest.raises(ReleaseConflict, match="another worker"),
        second.alone("start"),
    ):
        pass
    assert sum(pauses) > 2.0
    with second.alone("start"):
        pass


def test_chunks_that_a_worker_lost_while_it_stood_still_are_left_to_the_other() -> None:
    redis = FakeRedis()
    filled(World(redis))
    stopped = worker(redis, "stopped")
    release = stopped.indexer.start(card("better"))
    claims = FakeClaimStore(redis)
    taken: list[str] = []
    real = stopped.vectors.write

    def write(index: str, chunks: Any, *rest: Any) -> None:
        real(index, chunks, *rest)
        if not taken:  # as if this worker's lease had run out meanwhile
            held = redis.claims["build r0002"]
            taken.extend(list(held)[-4:])
            for item in taken:
                del held[item]
            claims.take("build r0002", taken, 4, "other", 0.3)

    stopped.vectors.write = write  # type: ignore[assignment,method-assign]
    done: list[str] = []

    def done_by(text: str, n: int, total: int) -> None:
        done.append(text)

    stopped.indexer.finish(release, done_by)
    counts = Counter(stopped.registry.embedded)
    assert set(counts.values()) == {1}
    assert stopped.indexer.completeness(release).complete
    assert done


# Killed at bad moments


def kill_at(world: World, write: int) -> None:
    real, calls = world.vectors.write, 0

    def dying(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == write:
            raise Killed
        real(*arguments)

    world.vectors.write = dying  # type: ignore[assignment,method-assign]


def test_a_kill_between_a_release_and_its_index_leaves_no_index_that_nobody_knows(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(world.vectors, "create", die)
        with pytest.raises(Killed):
            world.indexer.build(card("better"))
    assert world.releases.get("r0002").state == "building"
    assert set(world.redis.indexes) == {"ix-r0001"}

    built = world.indexer.build(card("better"))
    assert (built.release, built.index, built.state) == ("r0002", "ix-r0002", "candidate")
    assert world.indexer.check(built).complete


def test_a_kill_in_the_middle_of_making_an_index_costs_a_name(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any) -> None:
        world.redis.index_names.add("ix-r0002")
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(world.vectors, "create", die)
        with pytest.raises(Killed):
            world.indexer.build(card("better"))

    built = world.indexer.build(card("better"))
    assert (built.release, built.state) == ("r0003", "candidate")
    assert [release.release for release in world.releases.all()] == ["r0001", "r0003"]


def test_a_candidate_whose_index_is_lost_is_built_anew(world: World) -> None:
    lost = world.indexer.build(card("better"))
    del world.redis.indexes[lost.index]
    built = world.indexer.build(card("better"))
    assert built.release != lost.release
    assert world.indexer.check(built).complete


# What is written, and how


def test_a_building_index_is_written_in_small_slices_of_texts_of_as_many_tokens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(sample=0)
    world.indexer = type(world.indexer)(
        world.chunks,
        world.vectors,
        world.releases,
        world.registry,
        world.indexer._make_spec,
        batch=40,
        sample=0,
    )
    filled(world)
    written: list[list[str]] = []
    real = world.vectors.write

    def write(index: str, chunks: Any, *rest: Any) -> None:
        written.append([chunk.embedded_text for chunk in chunks])
        real(index, chunks, *rest)

    monkeypatch.setattr(world.vectors, "write", write)
    world.indexer.build(card("better"))
    texts = [text for texts in written for text in texts]
    tokens = world.registry.load("better").count_tokens(texts)
    letters = [len(text) for text in texts]
    assert tokens == sorted(tokens, reverse=True)
    assert letters != sorted(letters, reverse=True), "texts of which letters give the same order"
    assert [len(texts) for texts in written] == [16, 4, 4]


def test_a_step_is_written_while_the_next_is_encoded_and_told_of_when_it_is_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    next_one = threading.Event()
    encoded: list[int] = []
    written: list[str] = []
    embed, write = embed_chunks, world.vectors.write

    def embedding(embedder: Any, chunks: Sequence[Any]) -> Any:
        encoded.append(len(chunks))
        if len(encoded) == 2:
            next_one.set()
        return embed(embedder, chunks)

    def writing(index: str, chunks: Any, *rest: Any) -> None:
        assert next_one.wait(30), "nothing is encoded beside the first write"
        write(index, chunks, *rest)
        written.extend(chunk.chunk_id for chunk in chunks)

    def told(step: str, done: int, total: int) -> None:
        assert done <= len(written)

    monkeypatch.setattr("rag_service.indexing.shared_vectors.embed_chunks", embedding)
    monkeypatch.setattr(world.vectors, "write", writing)
    release = world.indexer.build(card("better"), progress=told)
    assert sorted(written) == sorted(world.vectors.ids(release.index))


def test_a_share_is_read_while_the_one_before_is_encoded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    total = len(world.chunks.chunk_ids())
    read: list[str] = []
    ahead: list[int] = []
    load, embed = world.chunks.load, embed_chunks

    def loading(ids: Sequence[str]) -> Any:
        if threading.current_thread() is not threading.main_thread():
            read.extend(ids)
        return load(ids)

    def embedding(embedder: Any, chunks: Sequence[Any]) -> Any:
        mine = {chunk.chunk_id for chunk in chunks}
        if len(ahead) < 2:
            assert comes_true(lambda: bool(set(read) - mine)), "nothing is read beside it"
        ahead.append(len(set(read) - mine))
        return embed(embedder, chunks)

    monkeypatch.setattr(world.chunks, "load", loading)
    monkeypatch.setattr("rag_service.indexing.shared_vectors.embed_chunks", embedding)
    built = world.indexer.build(card("better"))
    assert built.chunks == total
    assert ahead[0] < total - 5, "not more than a share"


def test_a_share_that_cannot_be_read_ends_the_build_and_leaves_nothing_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    redis = FakeRedis()
    filled(World(redis))
    failing = worker(redis, "failing")
    real = failing.vectors.outdated

    def broken(index: str, ids: Sequence[str]) -> Any:
        if threading.current_thread() is not threading.main_thread():
            raise StoreError("Redis is away")
        return real(index, ids)

    monkeypatch.setattr(failing.vectors, "outdated", broken)
    with pytest.raises(StoreError, match="Redis is away"):
        failing.indexer.build(card("better"))
    assert redis.claims.get("build r0002", {}) == {}


def test_beside_traffic_a_step_is_written_before_the_next_is_encoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Busy(Pace):
        @contextmanager
        def work(self, chunks: int) -> Iterator[bool]:
            yield False
            done.append("paced")

    world = filled(World(sample=0))
    world.indexer._filler._pace = Busy(NoTraffic())
    done: list[str] = []
    embed, write = embed_chunks, world.vectors.write

    def embedding(*arguments: Any) -> Any:
        done.append("encoded")
        return embed(*arguments)

    def writing(*arguments: Any) -> None:
        write(*arguments)
        done.append("written")

    monkeypatch.setattr("rag_service.indexing.shared_vectors.embed_chunks", embedding)
    monkeypatch.setattr(world.vectors, "write", writing)
    world.indexer.build(card("better"))
    assert len(done) > 9
    assert done == ["encoded", "written", "paced"] * (len(done) // 3)


def test_a_write_that_fails_ends_the_build_and_leaves_nothing_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    redis = FakeRedis()
    filled(World(redis))
    failing, other = worker(redis, "failing"), worker(redis, "other")

    def broken(*_: Any) -> None:
        raise StoreError("Redis is full")

    monkeypatch.setattr(failing.vectors, "write", broken)
    with pytest.raises(StoreError, match="Redis is full"):
        failing.indexer.build(card("better"))
    began = time.monotonic()
    assert other.indexer.build(card("better")).state == "candidate"
    assert time.monotonic() - began < 30, "what the failed one held is free"


def test_a_candidate_with_the_vectors_of_another_encoder_fails_and_says_what_to_do(
    world: World,
) -> None:
    world.indexer.build(card("better"))
    spoil(world, "ix-r0002", share=0.5)
    with pytest.raises(StoreError, match="--fresh"):
        world.indexer.build(card("better+map"))  # copies them
    assert world.releases.get("r0003").state == "failed"

    fresh = world.indexer.start(card("better+map"), options=BuildOptions(fresh=True))
    assert world.indexer.finish(fresh).state == "candidate"
    assert world.indexer.check(fresh).complete
    assert not np.allclose(
        world.vectors.vectors(fresh.index, sorted(world.live_ids())),
        world.vectors.vectors("ix-r0002", sorted(world.live_ids())),
    )


def test_for_the_gate_such_a_candidate_is_incomplete(world: World) -> None:
    world.indexer.build(card("better"))
    spoil(world, "ix-r0002", share=0.5)
    built = world.indexer.build(card("better+map"), complete=False)
    found = world.indexer.check(built)
    assert built.state == "candidate"
    assert found.differing
    assert not found.missing
    assert not found.complete


def spoil(world: World, index: str, share: float) -> None:
    entries = world.redis.indexes[index].entries
    for chunk_id in sorted(entries)[: int(share * len(entries))]:
        chunk, vector = entries[chunk_id]
        entries[chunk_id] = (chunk, np.roll(vector, 1))


# Shapes


def test_an_unfinished_release_is_gone_on_with_only_in_its_own_shape(world: World) -> None:
    half = BuildOptions(datatype="float16")
    first = world.indexer.start(card("better"))
    small = world.indexer.start(card("better"), options=half)
    flat = world.indexer.start(card("better"), options=BuildOptions(algorithm="flat"))
    fresh = world.indexer.start(card("better"), options=BuildOptions(fresh=True))
    assert len({first.release, small.release, flat.release, fresh.release}) == 4
    assert (small.datatype, flat.algorithm, fresh.fresh) == ("float16", "flat", True)
    assert world.redis.indexes[small.index].spec.datatype == "float16"
    assert world.indexer.start(card("better"), options=half).release == small.release
    assert world.indexer.start(card("better")).release == first.release


def test_a_candidate_with_another_graph_is_not_taken_for_one_of_this(world: World) -> None:
    first = world.indexer.build(card("better"))
    index = world.redis.indexes[first.index]
    index.spec = replace(index.spec, m=32)
    second = world.indexer.start(card("better"))
    assert second.release != first.release
    assert world.indexer.start(card("better")).release == second.release

    exact = world.indexer.start(card("better"), options=BuildOptions("flat"))
    index = world.redis.indexes[exact.index]
    index.spec = replace(index.spec, m=32)
    again = world.indexer.start(card("better"), options=BuildOptions("flat"))
    assert again.release == exact.release, "exact search has no graph"


def test_vectors_go_from_float32_to_float16_and_not_back(world: World) -> None:
    total = len(world.chunks.chunk_ids())
    tally = Tally()
    start, finish = world.indexer.start, world.indexer.finish
    finish(start(card("better"), options=BuildOptions(datatype="float16")), tally=tally)
    assert (tally.encoded, tally.copied) == (total, 0)
    finish(start(card("better")), tally=tally)
    assert (tally.encoded, tally.copied) == (2 * total, 0)
    finish(start(card("better"), options=BuildOptions("flat", "float16")), tally=tally)
    assert (tally.encoded, tally.copied) == (2 * total, total)


def test_a_fresh_release_copies_nothing_when_it_catches_up_either(world: World) -> None:
    fresh = world.indexer.finish(
        world.indexer.start(card("base"), options=BuildOptions(fresh=True))
    )
    world.put(filing("Elmstone", 2022))
    world.registry.embedded.clear()
    world.indexer.catch_up(fresh)
    assert len(world.registry.embedded) == len(filing("Elmstone", 2022))
