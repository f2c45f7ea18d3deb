"""Every experiment store keeps these promises: the one in Redis and its fake."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from rag_service.adapters.redis_experiments import RedisExperimentStore
from rag_service.adapters.redis_releases import RedisReleaseStore
from rag_service.adapters.redis_vectors import RedisVectorStore
from rag_service.core.errors import InvalidRequest, ReleaseConflict
from rag_service.core.protocols import ExperimentStore, ReleaseStore, VectorStore
from rag_service.core.types import ArmTally, Experiment, Impression, IndexSpec, Release, Tally
from tests.fakes.experiments import FakeExperimentStore
from tests.fakes.redis_servers import place
from tests.fakes.stores import FakeRedis, FakeReleaseStore, FakeVectorStore

FIRST = Experiment("x1", "split", "r1", "r2", "m1", "m2", 0.25, "2026-01-01T00:00:00Z")
SECOND = replace(FIRST, experiment="x2", kind="interleaving", started="2026-01-02T00:00:00Z")
SHOWN = Impression("q1", FIRST, "c1", "Sales “ü”?", "b", {"d.1": "b", "d.2": "b"})


@pytest.fixture(params=["fake", "redis", "cluster"])
def store(request: pytest.FixtureRequest) -> ExperimentStore:
    releases: ReleaseStore
    vectors: VectorStore
    store: ExperimentStore
    if request.param == "fake":
        shared = FakeRedis()
        releases, vectors = FakeReleaseStore(shared), FakeVectorStore(shared)
        store = FakeExperimentStore(shared)
    else:
        at = place(request)
        releases, vectors = RedisReleaseStore(*at), RedisVectorStore(*at)
        store = RedisExperimentStore(*at)
    vectors.create(IndexSpec("ix-r1", 4, "m1"))
    releases.put(Release("r1", "candidate", "m1", "ix-r1", 4, 0, "2026"))
    releases.swap(None, "r1", 0)
    return store


def test_one_experiment_runs_at_a_time(store: ExperimentStore) -> None:
    assert (store.running(), store.all()) == (None, [])
    store.start(FIRST)
    assert (store.running(), store.all()) == (FIRST, [FIRST])
    with pytest.raises(InvalidRequest, match="x1"):
        store.start(SECOND)
    assert store.running() == FIRST


def test_an_experiment_is_of_the_live_release(store: ExperimentStore) -> None:
    with pytest.raises(ReleaseConflict, match="r1"):
        store.start(replace(FIRST, a="r9"))
    assert store.running() is None


def test_an_experiment_ends_once_and_is_kept(store: ExperimentStore) -> None:
    store.start(FIRST)
    assert not store.end("x9", "2026-01-03T00:00:00Z", "another")
    assert store.running() == FIRST
    assert store.end("x1", "2026-01-03T00:00:00Z", "seen enough")
    assert not store.end("x1", "2026-01-04T00:00:00Z", "once more")
    assert store.running() is None
    store.start(SECOND)
    over = replace(FIRST, ended="2026-01-03T00:00:00Z", reason="seen enough")
    assert store.all() == [over, SECOND]


def test_an_impression_is_kept_for_its_time(store: ExperimentStore) -> None:
    store.start(FIRST)
    store.show(SHOWN, 60)
    assert store.shown("q1") == SHOWN
    assert store.shown("q9") is None
    store.show(replace(SHOWN, request_id="q2"), 0.05)
    deadline = time.monotonic() + 5
    while store.shown("q2") is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert store.shown("q2") is None


def test_requests_are_counted_for_the_releases_in_them(store: ExperimentStore) -> None:
    store.start(FIRST)
    for number, arm in enumerate(("a", "b", "b", None)):
        store.show(replace(SHOWN, request_id=f"q{number}", arm=arm), 60)  # type: ignore[arg-type]
    assert store.tally("x1") == Tally(ArmTally(2), ArmTally(3))
    assert store.tally("x2") == Tally()


def test_a_unit_is_credited_once(store: ExperimentStore) -> None:
    store.start(FIRST)
    assert store.credit("x1", "c1", "b", good=True)
    assert not store.credit("x1", "c1", "b", good=False)
    assert not store.credit("x1", "c1", "a", good=True)
    assert store.credit("x1", "c2", "a", good=False)
    assert store.tally("x1") == Tally(ArmTally(bad=1), ArmTally(good=1))


def test_only_the_experiment_that_runs_is_credited(store: ExperimentStore) -> None:
    assert not store.credit("x1", "c1", "b", good=True)
    store.start(FIRST)
    assert store.credit("x1", "c1", "b", good=True)
    store.end("x1", "2026-01-03T00:00:00Z", "")
    store.start(SECOND)
    assert not store.credit("x1", "c2", "b", good=True)
    assert store.credit("x2", "c1", "a", good=True)
    assert store.tally("x1") == Tally(b=ArmTally(good=1))
    assert store.tally("x2") == Tally(ArmTally(good=1))
