"""What each stage of a search does, and that each can be left out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rag_service.answering.retrieve import Retriever
from rag_service.core.errors import ConfigError, InvalidRequest
from rag_service.core.settings import parse_stages
from rag_service.core.types import Document, Filters, Lookup, Stage
from tests.fakes.answering import World
from tests.fakes.filings import COMPANIES, filing, filings

CHUNKS = filings(companies=3)
ALDER, BIRCH, CEDAR = COMPANIES[:3]
ALL: frozenset[Stage] = frozenset({"vectors", "text", "scope", "glossary", "pages"})


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    for company in COMPANIES[:3]:
        for year in (2022, 2023):
            chunks = filing(company, year)
            first = chunks[0]
            document = Document(
                first.document_id, first.document, first.facts, 3, len(chunks), 4, "2024-01-01"
            )
            world.chunks.replace(document, chunks, None)
    world.add_release("ma", CHUNKS, live=True)
    return world


def search(world: World, question: str, *stages: Stage, k: int = 10, **more: Any) -> Any:
    return world.retriever.search(question, k, stages=frozenset(stages), **more)


def about(company: str, year: int) -> str:
    return f"{company.upper().replace(' ', '')}_{year}_10K.pdf"


def test_the_filing_that_a_question_means_comes_first(world: World) -> None:
    for company in COMPANIES[:3]:
        for year in (2022, 2023):
            found = search(world, f"{company} goodwill in {year}", "vectors", "scope")
            assert found.hits[0].chunk.document == about(company, year)
            assert found.scope.parts[0].fiscal_year == year


def test_filters_of_the_user_take_the_place_of_understanding(world: World) -> None:
    for only in (Filters(fiscal_year=2023), Filters(documents=(about(BIRCH, 2023),))):
        found = search(world, f"{ALDER} goodwill in 2022", "vectors", "scope", filters=only)
        assert found.scope is None
        assert {hit.chunk.facts.fiscal_year for hit in found.hits} == {2023}


@pytest.mark.parametrize(
    ("asked", "first"), [("goodwill in {year}", 1), ("{company} goodwill in {year}", 8)]
)
@pytest.mark.parametrize("year", [2022, 2023])
def test_of_a_company_named_by_a_filter_the_year_is_understood(
    world: World, asked: str, first: int, year: int
) -> None:
    only = Filters(company=f"{BIRCH} corp")
    question = asked.format(company=BIRCH, year=year)
    hits = search(world, question, *ALL, filters=only).hits
    assert {hit.chunk.facts.company for hit in hits} == {f"{BIRCH.upper()} CORP"}
    assert {hit.chunk.document for hit in hits[:first]} == {about(BIRCH, year)}


def test_no_question_leads_out_of_the_company_of_a_filter(world: World) -> None:
    only = Filters(company=f"{BIRCH.upper()} CORP")
    hits = search(world, f"{ALDER} goodwill in 2022", *ALL, filters=only).hits
    assert {hit.chunk.facts.company for hit in hits} == {only.company}


def test_a_comparison_takes_hits_from_each_filing_in_turn(world: World) -> None:
    question = f"Compare the net sales of {ALDER} and {CEDAR} in 2023"
    hits = search(world, question, *ALL).hits
    assert {hit.chunk.document for hit in hits[:2]} == {about(ALDER, 2023), about(CEDAR, 2023)}
    both = [hit.chunk.document for hit in hits[:8]]
    assert both.count(about(ALDER, 2023)) == both.count(about(CEDAR, 2023)) == 4


def test_a_filing_with_too_little_is_filled_up_from_the_others(world: World) -> None:
    hits = search(world, f"{ALDER} goodwill in 2022", "vectors", "scope", k=40).hits
    assert {hit.chunk.document for hit in hits[:8]} == {about(ALDER, 2022)}
    assert len(hits) == 40
    assert len({hit.chunk.chunk_id for hit in hits}) == 40


def test_all_lookups_go_in_one_round_trip(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Sequence[Lookup]] = []
    real = world.vectors.look_up

    def look_up(index: str, lookups: Sequence[Lookup]) -> Any:
        asked.append(lookups)
        return real(index, lookups)

    monkeypatch.setattr(world.vectors, "look_up", look_up)
    found = search(world, f"Compare the capex of {ALDER} and {CEDAR} in 2023", *ALL)
    assert len(asked) == 1
    assert {bool(lookup.terms) for lookup in asked[0]} == {True, False}
    assert found.stages == tuple(sorted(ALL))


def test_words_find_what_vectors_do_not_rank_first(world: World) -> None:
    row = next(chunk for chunk in CHUNKS if chunk.cells)
    assert row.cells is not None
    figure = row.cells.rows[0][1]
    assert figure in search(world, figure, "text").hits[0].chunk.text
    hybrid = search(world, figure, "vectors", "text").hits
    assert {"vectors", "text", "fused"} >= set(hybrid[0].scores) >= {"fused"}
    assert any("text" in hit.scores for hit in hybrid)


def test_the_glossary_adds_the_words_of_filings(world: World) -> None:
    embedder = world.registry.embedders["ma"]
    found = search(world, f"{ALDER} capex in 2022", *ALL)
    assert "capital_expenditures" in found.expansion.entries
    (texts,) = embedder.calls[-1:]
    assert texts[0] == f"{ALDER} capex in 2022"
    (more,) = texts[1:]
    assert more.startswith(texts[0])
    assert "property, plant and equipment" in more
    search(world, f"{ALDER} capex in 2022", "vectors", "text", "scope")
    assert embedder.calls[-1] == [f"{ALDER} capex in 2022"]


class Contrary:
    """Says that the passages of one document are best."""

    name = "contrary"

    def __init__(self, wanted: str) -> None:
        self.wanted = wanted
        self.read: list[str] = []

    def score(self, question: str, passages: Sequence[str]) -> list[float]:
        self.read += passages
        return [float(self.wanted in passage) for passage in passages]


def test_a_cross_encoder_orders_the_first_twenty(world: World) -> None:
    reranker = Contrary("Goodwill")
    retriever = Retriever(
        world.serving, world.vectors, 2000, filings=world.filings, reranker=lambda: reranker
    )
    question = f"{ALDER} plant closures in 2022"
    without = retriever.search(question, 20, stages={"vectors", "scope"}).hits
    assert "Goodwill" not in without[0].chunk.text
    found = retriever.search(question, 20, stages={"vectors", "scope", "rerank"})
    assert "Goodwill" in found.hits[0].chunk.text
    assert found.hits[0].scores["rerank"] == 1.0
    assert "rerank" in found.timings
    reranker.read.clear()
    retriever.search(question, 40, stages={"vectors", "rerank"})
    assert len(reranker.read) == 20


@pytest.mark.parametrize("stage", ["scope", "glossary", "rerank"])
def test_a_stage_that_is_not_set_up_is_an_error(world: World, stage: Stage) -> None:
    bare = Retriever(world.serving, world.vectors, 2000)
    with pytest.raises((ConfigError, InvalidRequest), match=stage):
        bare.search("net sales", stages={"vectors", stage})


def test_many_questions_are_found_as_each_alone(world: World) -> None:
    questions = [f"{company} capex and goodwill in 2023" for company in COMPANIES[:3]]
    together = world.retriever.search_many(questions, 10, stages=ALL)
    alone = [list(world.retriever.search(q, 10, stages=ALL).hits) for q in questions]
    assert [[h.chunk.chunk_id for h in hits] for hits in together] == [
        [h.chunk.chunk_id for h in hits] for hits in alone
    ]


def test_stages_are_named_in_a_list() -> None:
    assert parse_stages("vectors, scope") == {"vectors", "scope"}
    for wrong in ("", "scope", "vectors,nothing"):
        with pytest.raises(ValueError, match="vectors or text"):
            parse_stages(wrong)
