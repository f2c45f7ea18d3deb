"""The job ``reindex``: what it reports, and what it goes on with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rag_service.core.errors import StoreError
from rag_service.core.types import ModelCard
from rag_service.indexing.shadow import AS_CONFIGURED, BuildOptions
from rag_service.loop.jobs import JobStore
from rag_service.loop.reindexing import Reindexed, Reindexer
from tests.fakes.filings import filing
from tests.unit.test_indexing import World, card
from tests.unit.test_indexing_build import spoil

Run = Callable[..., Reindexed]


@pytest.fixture
def world() -> World:
    world = World(sample=32)
    world.promoter.ensure_live(lambda: card("base"))
    world.put(filing("Alder Mills", 2022))
    return world


@pytest.fixture
def held() -> list[str]:
    return []


@pytest.fixture
def run(world: World, held: list[str], tmp_path: Path) -> Run:
    reindexer = Reindexer(world.indexer, world.releases, held.append)

    def run(model: ModelCard, options: BuildOptions = AS_CONFIGURED) -> Reindexed:
        arguments = {"model": model.fingerprint, "fresh": options.fresh}
        with JobStore(tmp_path).run("reindex", arguments, alone=False) as job:
            return reindexer.run(job, model, options)

    return run


def test_it_says_what_it_built_and_how_fast(run: Run, world: World, held: list[str]) -> None:
    report = run(card("better"), BuildOptions("flat", "float16")).as_dict()
    chunks = len(world.chunks.chunk_ids())
    assert report["seconds"] >= 0
    assert report["chunks_per_second"] > 0
    assert {k: v for k, v in report.items() if k not in ("seconds", "chunks_per_second")} == {
        "release": "r0002",
        "state": "candidate",
        "model": "better",
        "chunks": chunks,
        "dims": 32,
        "algorithm": "flat",
        "datatype": "float16",
        "embedded": chunks,
        "copied": 0,
    }
    assert held == ["r0002"]


def test_the_same_model_is_copied_and_a_fresh_one_encoded(run: Run, world: World) -> None:
    chunks = len(world.chunks.chunk_ids())
    copied = run(card("base")).as_dict()
    assert (copied["copied"], copied["embedded"]) == (chunks, 0)
    fresh = run(card("base"), BuildOptions(fresh=True)).as_dict()
    assert (fresh["copied"], fresh["embedded"]) == (0, chunks)
    assert fresh["release"] != copied["release"]


def test_one_killed_behind_its_build_ends_with_that_build(
    run: Run, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = BuildOptions(fresh=True)
    with monkeypatch.context() as patch:
        patch.setattr("rag_service.loop.jobs.Job.finish", lambda job: None)
        built = run(card("better"), fresh)
    world.registry.embedded.clear()
    again = run(card("better"), fresh)
    assert again.release == built.release
    assert again.tally.encoded == 0
    assert [journal["state"] for journal in JobStore(tmp_path).all()] == ["done"]
    assert run(card("better"), fresh).release.release != built.release.release


def test_a_release_that_redis_lost_is_begun_anew(
    run: Run, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("rag_service.loop.jobs.Job.finish", lambda job: None)
        lost = run(card("better")).release
    world.releases.delete(lost.release)
    world.vectors.drop(lost.index)
    again = run(card("better")).release
    assert again.release != lost.release
    assert world.indexer.check(again).complete
    (journal,) = JobStore(tmp_path).all()
    assert journal["steps"]["release"]["result"] == again.release


def test_stale_vectors_end_the_job_and_the_next_one_builds_anew(
    run: Run, world: World, tmp_path: Path
) -> None:
    run(card("better"))
    spoil(world, "ix-r0002", share=0.5)
    with pytest.raises(StoreError, match="--fresh"):
        run(card("better+map"))
    states = [journal["state"] for journal in JobStore(tmp_path).all()]
    assert sorted(states) == ["done", "failed"]
    built = run(card("better+map"), BuildOptions(fresh=True)).release
    assert world.indexer.check(built).complete
