"""Every release store keeps these promises: the one in Redis and its fake."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from rag_service.adapters.redis_chunks import RedisChunkStore
from rag_service.adapters.redis_releases import RedisReleaseStore
from rag_service.adapters.redis_vectors import RedisVectorStore
from rag_service.core.errors import IndexMissing, InvalidRequest, NotFound, ReleaseConflict
from rag_service.core.protocols import ChunkStore, ReleaseStore, VectorStore
from rag_service.core.types import Document, FilingFacts, IndexSpec, Release, ReleaseState
from tests.fakes.at_once import at_once, comes_true
from tests.fakes.redis_servers import place
from tests.fakes.stores import FakeChunkStore, FakeRedis, FakeReleaseStore, FakeVectorStore


@dataclass(frozen=True)
class Stores:
    releases: ReleaseStore
    vectors: VectorStore
    chunks: ChunkStore

    def add(self, name: str, state: ReleaseState = "candidate") -> Release:
        self.vectors.create(IndexSpec(f"ix-{name}", 4, "m"))
        release = Release(name, state, "m", f"ix-{name}", 4, 0, f"2026-{name}", "note")
        self.releases.put(release)
        return release

    def snapshot(self) -> tuple[object, ...]:
        return (self.releases.all(), self.releases.current(), self.releases.previous())


@pytest.fixture(params=["fake", "redis", "cluster"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "fake":
        shared = FakeRedis()
        return Stores(FakeReleaseStore(shared), FakeVectorStore(shared), FakeChunkStore(shared))
    at = place(request)
    return Stores(RedisReleaseStore(*at), RedisVectorStore(*at), RedisChunkStore(*at))


def test_names_are_new(stores: Stores) -> None:
    names = [stores.releases.new_name() for _ in range(3)]
    assert names == ["r0001", "r0002", "r0003"]


def test_an_empty_store(stores: Stores) -> None:
    assert stores.snapshot() == ([], None, None)
    with pytest.raises(NotFound):
        stores.releases.get("r1")


def test_releases_come_back_oldest_first(stores: Stores) -> None:
    second, first = stores.add("r2"), stores.add("r1", "building")
    assert stores.releases.all() == [first, second]
    assert stores.releases.get("r2") == second
    with pytest.raises(NotFound, match=r"r9.*r1.*r2"):
        stores.releases.get("r9")


def test_figures_and_states_can_change(stores: Stores) -> None:
    release = stores.add("r1", "building")
    stores.releases.put(replace(release, chunks=7))
    stores.releases.mark("r1", "candidate")
    assert stores.releases.get("r1") == replace(release, chunks=7, state="candidate")
    with pytest.raises(NotFound):
        stores.releases.mark("r9", "failed")


def test_swapping_moves_pointer_and_states(stores: Stores) -> None:
    first, second = stores.add("r1"), stores.add("r2")
    stores.releases.swap(None, "r1", 0)
    assert stores.releases.current() == replace(first, state="live")
    assert stores.releases.previous() is None
    stores.releases.swap("r1", "r2", 0)
    assert stores.releases.current() == replace(second, state="live")
    assert stores.releases.previous() == replace(first, state="retired")
    assert [r.state for r in stores.releases.all()] == ["retired", "live"]


def test_a_rollback_takes_its_target_from_the_history(stores: Stores) -> None:
    for name in ("r1", "r2", "r3"):
        stores.add(name)
    stores.releases.swap(None, "r1", 0)
    stores.releases.swap("r1", "r2", 0)
    stores.releases.swap("r2", "r3", 0)
    with pytest.raises(ReleaseConflict):
        stores.releases.swap("r3", "r1", 0, rollback=True)
    for expected, new, older in (("r3", "r2", "r1"), ("r2", "r1", None)):
        stores.releases.swap(expected, new, 0, rollback=True)
        current, previous = stores.releases.current(), stores.releases.previous()
        assert current is not None
        assert current.release == new
        assert (previous.release if previous else None) == older
    assert stores.releases.get("r3").state == "retired"


def test_a_retired_release_can_go_live_again(stores: Stores) -> None:
    stores.add("r1")
    stores.add("r2")
    stores.releases.swap(None, "r1", 0)
    stores.releases.swap("r1", "r2", 0)
    stores.releases.swap("r2", "r1", 0)
    previous = stores.releases.previous()
    assert previous is not None
    assert previous.release == "r2"
    stores.releases.delete("r2")
    assert stores.releases.previous() is None


def test_a_swap_that_comes_too_late_changes_nothing(stores: Stores) -> None:
    stores.add("r1")
    stores.add("r2")
    stores.releases.swap(None, "r1", 0)
    before = stores.snapshot()
    for expected, revision in ((None, 0), ("r9", 0), ("r1", 1)):
        with pytest.raises(ReleaseConflict):
            stores.releases.swap(expected, "r2", revision)
    assert stores.snapshot() == before


def test_documents_that_came_meanwhile_stop_a_swap(stores: Stores) -> None:
    stores.add("r1")
    prepared = stores.chunks.revision()
    document = Document("aa", "a.pdf", FilingFacts(), 1, 0, 0, "2026")
    stores.chunks.replace(document, [], None)
    with pytest.raises(ReleaseConflict):
        stores.releases.swap(None, "r1", prepared)
    stores.releases.swap(None, "r1", stores.chunks.revision())


@pytest.mark.parametrize("state", ["building", "failed"])
def test_only_a_finished_release_goes_live(stores: Stores, state: ReleaseState) -> None:
    stores.add("r1", state)
    before = stores.snapshot()
    with pytest.raises(InvalidRequest, match=state):
        stores.releases.swap(None, "r1", 0)
    with pytest.raises(NotFound):
        stores.releases.swap(None, "r9", 0)
    assert stores.snapshot() == before


def test_the_live_release_does_not_replace_itself(stores: Stores) -> None:
    stores.add("r1")
    stores.releases.swap(None, "r1", 0)
    with pytest.raises(InvalidRequest, match="live"):
        stores.releases.swap("r1", "r1", 0)


def test_a_release_whose_index_is_gone_does_not_go_live(stores: Stores) -> None:
    stores.add("r1")
    stores.add("r2")
    stores.releases.swap(None, "r1", 0)
    stores.vectors.drop("ix-r2")
    before = stores.snapshot()
    with pytest.raises(IndexMissing):
        stores.releases.swap("r1", "r2", 0)
    assert stores.snapshot() == before


def test_swap_alone_makes_live_and_retires(stores: Stores) -> None:
    first, second = stores.add("r1"), stores.add("r2")
    stores.releases.swap(None, "r1", 0)
    before = stores.snapshot()
    with pytest.raises(ReleaseConflict):
        stores.releases.put(replace(second, state="live"))
    with pytest.raises(ReleaseConflict):
        stores.releases.mark("r2", "live")
    with pytest.raises(ReleaseConflict):
        stores.releases.put(replace(first, state="candidate"))
    with pytest.raises(ReleaseConflict):
        stores.releases.mark("r1", "failed")
    assert stores.snapshot() == before
    stores.releases.put(replace(first, state="live", chunks=5))
    assert stores.releases.current() == replace(first, state="live", chunks=5)


def test_the_live_release_is_not_deleted(stores: Stores) -> None:
    stores.add("r1")
    stores.add("r2")
    stores.releases.swap(None, "r1", 0)
    with pytest.raises(InvalidRequest, match="live"):
        stores.releases.delete("r1")
    stores.releases.delete("r2")
    assert [release.release for release in stores.releases.all()] == ["r1"]
    with pytest.raises(NotFound):
        stores.releases.delete("r2")


def test_a_release_in_use_is_not_deleted(stores: Stores) -> None:
    stores.add("r1")
    assert stores.releases.users("r1") == set()
    stores.releases.use("r1", "host:7:ab", 60)
    stores.releases.use("r1", "job 5", 60)
    assert stores.releases.users("r1") == {"host:7:ab", "job 5"}
    before = stores.snapshot()
    with pytest.raises(ReleaseConflict, match=r"host:7:ab, job 5"):
        stores.releases.delete("r1")
    stores.releases.leave("r1", "job 5")
    stores.releases.leave("r1", "never noted")
    with pytest.raises(ReleaseConflict):
        stores.releases.delete("r1")
    assert stores.snapshot() == before
    stores.releases.leave("r1", "host:7:ab")
    stores.releases.delete("r1")
    assert stores.snapshot() == ([], None, None)


def test_what_is_gone_cannot_be_used(stores: Stores) -> None:
    stores.add("r1")
    stores.releases.delete("r1")
    for name in ("r1", "never"):
        with pytest.raises(NotFound):
            stores.releases.use(name, "a", 60)
        stores.releases.leave(name, "a")
        assert stores.releases.users(name) == set()


def test_a_user_that_died_is_forgotten(stores: Stores) -> None:
    stores.add("r1")
    stores.releases.use("r1", "died", 0.1)
    stores.releases.use("r1", "alive", 60)
    assert comes_true(lambda: stores.releases.users("r1") == {"alive"})
    stores.releases.leave("r1", "alive")
    stores.releases.use("r1", "died", 0.05)
    assert comes_true(lambda: at_once(lambda: stores.releases.delete("r1")) == [""])


def test_use_is_prolonged_and_never_cut_short(stores: Stores) -> None:
    stores.add("r1")
    stores.releases.use("r1", "short", 0.1)
    stores.releases.use("r1", "long", 0.1)
    stores.releases.use("r1", "long", 60)
    stores.releases.use("r1", "long", 0.1)
    assert comes_true(lambda: stores.releases.users("r1") == {"long"})


def test_a_release_is_noted_or_deleted_never_both(stores: Stores) -> None:
    for number in range(10):
        name = f"r{number}"
        stores.add(name)
        outcomes = at_once(
            lambda name=name: stores.releases.use(name, "a", 60),  # type: ignore[misc]
            lambda name=name: stores.releases.delete(name),  # type: ignore[misc]
        )
        there = name in {release.release for release in stores.releases.all()}
        assert outcomes == (["", "ReleaseConflict"] if there else ["", "NotFound"])
        assert stores.releases.users(name) == ({"a"} if there else set())


def test_of_operators_that_swap_at_once_one_wins(stores: Stores) -> None:
    for number in range(10):
        stores.add(f"r{number}")
    stores.releases.swap(None, "r0", 0)
    live = "r0"
    for first, second in (("r1", "r2"), ("r3", "r4"), ("r5", "r6"), ("r7", "r8")):
        outcomes = at_once(
            lambda new=first, old=live: stores.releases.swap(old, new, 0),  # type: ignore[misc]
            lambda new=second, old=live: stores.releases.swap(old, new, 0),  # type: ignore[misc]
        )
        assert outcomes == ["", "ReleaseConflict"]
        current, previous = stores.releases.current(), stores.releases.previous()
        assert current is not None
        assert previous is not None
        assert current.release in {first, second}
        assert previous.release == live
        live = current.release
    assert [release.state for release in stores.releases.all()].count("live") == 1


def test_a_promotion_and_a_rollback_at_once_do_not_both_pass(stores: Stores) -> None:
    for name in ("r1", "r2", "r3"):
        stores.add(name)
    stores.releases.swap(None, "r1", 0)
    stores.releases.swap("r1", "r2", 0)
    outcomes = at_once(
        lambda: stores.releases.swap("r2", "r3", 0),
        lambda: stores.releases.swap("r2", "r1", 0, rollback=True),
    )
    assert outcomes == ["", "ReleaseConflict"]


def test_kinds_of_index_are_kept(stores: Stores) -> None:
    release = replace(stores.add("r1"), algorithm="flat", datatype="float16")
    stores.releases.put(release)
    assert stores.releases.get("r1") == release
