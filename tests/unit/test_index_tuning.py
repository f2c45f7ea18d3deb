"""Tuning an index over fake stores: graphs that miss hits unless their search is wide."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rag_service.core.errors import DataError, ReleaseConflict
from rag_service.core.types import Chunk, Hit, Lookup, Question, QuestionSet, Vectors
from rag_service.loop import index_tries, index_tuning
from rag_service.loop.index_queries import NEAR_CHUNKS
from rag_service.loop.index_tuning import GRAPHS, IndexTuner, Tuning
from tests.fakes.filings import filings
from tests.fakes.stores import FakeRedis, FakeVectorStore
from tests.unit.test_indexing import World, card

CHUNKS = filings(3)
FEWEST = 40


class GraphStore(FakeVectorStore):
    """A graph with ``m`` needs an ``ef_runtime`` of 512 / m, or its best hit is missed."""

    def __init__(self, redis: FakeRedis) -> None:
        super().__init__(redis)
        self.written = 0
        self.cost = 0.0
        """Of the last lookup."""
        self.before_write: Callable[[str], None] = lambda index: None

    def write(
        self, index: str, chunks: Sequence[Chunk], vectors: Vectors, remove: Collection[str] = ()
    ) -> None:
        self.before_write(index)
        super().write(index, chunks, vectors, remove)
        width = 2 if self.spec(index).datatype == "float16" else 4
        self.written += width * vectors.size

    def drop(self, index: str) -> None:
        spec, size = self.spec(index), self.count(index)
        super().drop(index)
        self.written -= size * spec.dims * (2 if spec.datatype == "float16" else 4)

    def look_up(self, index: str, lookups: Sequence[Lookup]) -> list[list[Hit]]:
        spec = self.spec(index)
        found = [self._nearest(index, lookup) for lookup in lookups]
        if spec.algorithm == "flat":
            self.cost = 50.0
            return found
        width = lookups[0].ef_runtime or spec.ef_runtime
        self.cost = width * spec.m**0.5 + spec.ef_construction / 100
        return found if width >= 512 / spec.m else [hits[1:] for hits in found]

    def _nearest(self, index: str, lookup: Lookup) -> list[Hit]:
        entries = self._index(index).entries
        ids = sorted(entries)
        assert lookup.vector is not None
        cosines = np.stack([entries[chunk_id][1] for chunk_id in ids]) @ lookup.vector
        best = np.argsort(-cosines, kind="stable")[: lookup.k]
        return [
            Hit(rank, float(cosines[row]), entries[ids[row]][0]) for rank, row in enumerate(best, 1)
        ]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    store = GraphStore(world.redis)
    world.vectors = world.writer._vectors = store
    world.promoter.ensure_live(lambda: card("base"))
    for name in dict.fromkeys(chunk.document for chunk in CHUNKS):
        world.put([chunk for chunk in CHUNKS if chunk.document == name])

    def in_turn(
        sides: Sequence[Callable[[Any], object]], asked: Sequence[Any], turn: int
    ) -> npt.NDArray[np.float64]:
        seconds = np.empty((len(sides), len(asked)))
        for side, ask in enumerate(sides):
            ask(asked[0])
            seconds[side] = store.cost / 1000
        return seconds

    monkeypatch.setattr(index_tries, "in_turn", in_turn)
    monkeypatch.setattr(index_tuning, "_FEWEST", FEWEST)
    return world


def tuned(world: World, questions: QuestionSet | None = None, wanted: float = 0.99) -> Tuning:
    store = world.vectors
    assert isinstance(store, GraphStore)
    held: list[str] = []
    tuner = IndexTuner(
        chunks=world.chunks,
        vectors=store,
        releases=world.releases,
        registry=world.registry,
        used_memory=lambda: store.written,
        hold=held.append,
        seed=7,
    )
    tuning = tuner.run("r0001", questions, wanted=wanted, k=5, most=40)
    assert held == ["r0001"]
    return tuning


def test_the_quickest_kind_that_finds_enough_is_chosen_and_every_try_is_told(world: World) -> None:
    before = set(world.redis.indexes)
    report = tuned(world).as_dict()
    found = {
        (one["m"], one["ef_construction"]): one["ef_runtime"]
        for one in report["tries"]
        if one["algorithm"] == "hnsw"
    }
    assert list(found) == list(GRAPHS)
    assert found[8, 100] == 64, "the least width that finds enough"
    assert found[16, 100] == 32
    assert found[32, 100] == 16
    # 64 √8 = 181, 32 √16 = 128, 16 √32 = 91, exact search 50
    assert report["chosen"]["algorithm"] == "flat"
    assert report["chosen"]["timing"]["p50_ms"] == pytest.approx(50)
    tuning = report["tuned"]
    assert (tuning["algorithm"], tuning["m"], tuning["ef_runtime"]) == ("flat", 32, 16)
    assert tuning["ef_construction"] == 100, "of equal searches the one that is quicker"
    assert (report["wanted"], report["k"], report["seed"]) == (0.99, 5, 7)
    assert (report["question_set"], report["questions"]) == (NEAR_CHUNKS, 20)
    assert report["chosen"]["slowness"] == min(one["slowness"] for one in report["tries"])
    assert report["own"]["timing"]["ratio"]["value"] == pytest.approx(1)
    assert set(world.redis.indexes) == before, "what was tried is dropped"


def test_every_try_has_a_name_of_its_own_that_is_never_used_again(world: World) -> None:
    for _ in range(2):
        tuned(world)
    assert len(world.redis.index_names) == 1 + 2 * (len(GRAPHS) + 2)
    assert world.releases.new_name() == "r0002", "no release name is used up"


def test_the_figures_say_what_float16_loses(world: World) -> None:
    report = tuned(world).as_dict()
    rounded, chosen = report["float16"], report["chosen"]
    assert (rounded["datatype"], chosen["datatype"]) == ("float16", "float32")
    assert rounded["bytes_per_chunk"] == chosen["bytes_per_chunk"] / 2 > 0
    assert rounded["recall"]["value"] > 0.95
    assert rounded["ndcg_change"]["value"] == pytest.approx(
        rounded["ndcg"]["value"] - chosen["ndcg"]["value"]
    )


def test_a_graph_that_cannot_find_enough_is_not_timed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag_service.loop.index_recall.WIDTHS", (10, 20))
    report = tuned(world).as_dict()
    unmet = [one for one in report["tries"] if not one["met"]]
    assert {one["m"] for one in unmet} == {8, 16}
    assert all(one["timing"] is one["slowness"] is None for one in unmet)
    assert [width["ef_runtime"] for width in unmet[0]["widths"]] == [10, 20]
    assert unmet[0]["recall"]["value"] < 0.99


def test_held_out_questions_are_asked_where_there_are_enough(world: World) -> None:
    questions = tuple(
        Question(f"q{n}", chunk.text, {chunk.chunk_id: 1}) for n, chunk in enumerate(CHUNKS)
    )
    gone = Question("gone", "of a filing that was removed", {"0.0": 1})
    report = tuned(world, QuestionSet("kept", "test", (gone, *questions))).as_dict()
    assert (report["question_set"], report["split"], report["questions"]) == ("kept", "test", 20)
    few = tuned(world, QuestionSet("few", "test", questions[:20])).as_dict()
    assert few["question_set"] == NEAR_CHUNKS


def test_a_promotion_that_tidies_up_meanwhile_is_named(world: World) -> None:
    store = world.vectors
    assert isinstance(store, GraphStore)

    def sweep(index: str) -> None:
        if "try" in index:
            del world.redis.indexes[index]

    store.before_write = sweep
    with pytest.raises(ReleaseConflict, match="tune again"):
        tuned(world)


def test_documents_that_change_meanwhile_are_named(world: World) -> None:
    document = CHUNKS[0].document_id
    live = world.releases.current()
    assert live
    world.chunks.remove(document, live.release)
    with pytest.raises(ReleaseConflict, match="tune again"):
        tuned(world)
    assert len(world.redis.indexes) == 1


def test_a_store_of_few_chunks_is_refused() -> None:
    world = World()
    world.vectors = GraphStore(world.redis)
    world.promoter.ensure_live(lambda: card("base"))
    with pytest.raises(DataError, match="ingest more"):
        tuned(world)
