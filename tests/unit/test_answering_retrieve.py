"""Searching under one pinned release."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rag_service.core.errors import IndexMissing, InvalidRequest, NotFound, StoreError
from rag_service.core.types import Filters
from tests.fakes.answering import World
from tests.fakes.filings import filings

CHUNKS = filings(companies=3)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.add_release("ma", CHUNKS, live=True)
    return world


def test_finds_the_nearest_chunk_and_names_release_and_model(world: World) -> None:
    wanted = CHUNKS[3]
    result = world.retriever.search(wanted.embedded_text, k=3)
    assert (result.release, result.model, result.index_model) == ("r0001", "ma", "ma")
    assert {hit.model for hit in result.hits} == {"ma"}
    assert [hit.rank for hit in result.hits] == [1, 2, 3]
    assert result.hits[0].chunk == wanted
    assert set(result.timings) == {"pin", "understand", "encode", "search"}
    assert all(milliseconds >= 0 for milliseconds in result.timings.values())


def test_filters_restrict_the_hits(world: World) -> None:
    filters = Filters(fiscal_year=2022, kind="table")
    hits = world.retriever.search("net sales", k=100, filters=filters).hits
    assert len(hits) == 12
    assert {(h.chunk.facts.fiscal_year, h.chunk.kind) for h in hits} == {(2022, "table")}


@pytest.mark.parametrize("question", ["", " ", "\n\t\u00a0"])
def test_an_empty_question_is_refused(world: World, question: str) -> None:
    with pytest.raises(InvalidRequest, match="empty"):
        world.retriever.search(question)


def test_a_question_at_the_limit_is_taken_and_one_over_it_is_refused(world: World) -> None:
    assert world.retriever.search("x" * 2000).hits
    with pytest.raises(InvalidRequest, match=r"2,001.*2,000.*RAGLOOP_MAX_QUESTION_CHARS"):
        world.retriever.search("x" * 2001)


def test_half_a_surrogate_pair_is_refused(world: World) -> None:
    with pytest.raises(InvalidRequest, match="Unicode"):
        world.retriever.search("net \ud800 sales")


@pytest.mark.parametrize("k", [-1, 0, 101])
def test_k_is_1_to_100(world: World, k: int) -> None:
    with pytest.raises(InvalidRequest, match=f"k is {k}"):
        world.retriever.search("net sales", k=k)


def test_an_unknown_kind_is_refused(world: World) -> None:
    with pytest.raises(InvalidRequest, match="prose or table"):
        world.retriever.search("net sales", filters=Filters(kind="figure"))


def test_many_queries_are_encoded_in_one_call_and_give_the_same_hits(world: World) -> None:
    queries = ["net sales", "goodwill of Alder Mills", "leases of stores"]
    many = world.retriever.search_many(queries, k=5)
    assert world.registry.embedders["ma"].calls == [queries]
    assert many == [list(world.retriever.search(query, k=5).hits) for query in queries]


def test_many_queries_may_ask_for_a_thousand_hits(world: World) -> None:
    (hits,) = world.retriever.search_many(["net sales"], k=1000)
    assert len(hits) == len(CHUNKS)
    assert world.retriever.search_many([], k=10) == []
    with pytest.raises(InvalidRequest, match="k is 1001"):
        world.retriever.search_many(["net sales"], k=1001)


def test_a_swap_within_a_request_does_not_mix_models(world: World) -> None:
    world.add_release("mb", CHUNKS)
    before = world.retriever.search("net sales of Birchwater")
    world.registry.embedders["ma"].on_query = lambda: _go_live(world, "r0002")
    during = world.retriever.search("net sales of Birchwater")
    after = world.retriever.search("net sales of Birchwater")
    assert (during.release, during.model, during.hits) == ("r0001", "ma", before.hits)
    assert (after.release, after.model) == ("r0002", "mb")
    assert world.registry.embedders["mb"].calls == [["net sales of Birchwater"]]


def _go_live(world: World, release: str) -> None:
    world.promote(release)


def test_without_hits_the_index_itself_says_its_model(world: World) -> None:
    result = world.retriever.search("net sales", filters=Filters(fiscal_year=1900))
    assert (result.hits, result.model, result.index_model) == ((), "ma", "ma")


def test_a_hit_of_another_model_is_refused(world: World) -> None:
    world.retriever.search("net sales")
    index = world.redis.indexes["ix-r0001"]
    index.spec = replace(index.spec, model="mb")
    with pytest.raises(StoreError, match=r"ix-r0001 of model ma .* vector of model mb"):
        world.retriever.search("net sales")
    with pytest.raises(StoreError, match="model mb"):
        world.retriever.search_many(["net sales"], k=5)


def test_a_release_that_is_dropped_under_way_is_not_found(world: World) -> None:
    world.add_release("mb", CHUNKS)

    def drop() -> None:
        world.releases.delete("r0002")
        world.vectors.drop("ix-r0002")

    world.registry.embedders["mb"].on_query = drop
    with pytest.raises(NotFound, match="r0002"):
        world.retriever.search("net sales", release="r0002")


def test_an_index_that_is_lost_is_no_empty_result(world: World) -> None:
    world.retriever.search("net sales")
    del world.redis.indexes["ix-r0001"]
    with pytest.raises(IndexMissing, match="ix-r0001"):
        world.retriever.search("net sales")
