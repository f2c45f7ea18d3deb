"""What the benchmark of a search's stages reports."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.history import History
from rag_service.answering.scope.types import Scope
from rag_service.core.types import Document, FilingFacts, ModelCard, Question, QuestionSet
from rag_service.loop.evaluation import Evaluator
from rag_service.loop.retrieval_benchmark import RetrievalBenchmark, worded
from tests.fakes.answering import DIMS, World
from tests.fakes.filings import COMPANIES, filing

YEARS = (2022, 2023)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    every = []
    for company in COMPANIES[:2]:
        for year in YEARS:
            chunks = filing(company, year)
            first = chunks[0]
            world.chunks.replace(
                Document(first.document_id, first.document, first.facts, 9, len(chunks), 4, "2025"),
                chunks,
                None,
            )
            every += chunks
    for model in ("base", "tuned"):
        world.add_release(model, every, live=model == "base")
        world.registry._cards[model] = ModelCard(
            model, model, str(tmp_path / model), DIMS, 256, "", "", "2025"
        )
    return world


def questions(world: World) -> QuestionSet:
    asked = [
        Question(f"q{n}", f"{chunk.facts.company} in {chunk.facts.fiscal_year}: {chunk.heading}",
                 {chunk.chunk_id: 1})
        for n, chunk in enumerate(world.chunks.chunks())
    ]  # fmt: skip
    return QuestionSet("own", "test", tuple(asked))


def benchmark(world: World, home: Path) -> RetrievalBenchmark:
    evaluator = Evaluator(
        chunks=world.chunks,
        vectors=world.vectors,
        releases=world.releases,
        registry=world.registry,
        serving=world.serving,
        retriever=world.retriever,
        history=History(home / "history"),
        seed=7,
    )
    return RetrievalBenchmark(world.retriever, evaluator, world.chunks, 7)


def test_each_stage_has_its_row_and_the_trained_model_comes_last(
    world: World, tmp_path: Path
) -> None:
    asked = questions(world)
    report = benchmark(world, tmp_path).run(asked, "r0001", "r0002", rerank=False)
    rows = report["rows"]
    assert [row["name"] for row in rows] == [
        "vectors",
        "BM25",
        "hybrid",
        "+ filing",
        "+ glossary",
        "+ pages",
        "trained model, vectors",
        "trained model, all",
    ]
    assert [row["release"] for row in rows] == ["r0001"] * 6 + ["r0002"] * 2
    assert rows[5]["stages"] == ["glossary", "pages", "scope", "text", "vectors"]
    assert rows[1]["stages"] == ["text"]
    assert report["questions"] == len(asked.questions)
    for row in rows:
        own = row["per_question"].values()
        assert row["ndcg@10"]["value"] == pytest.approx(sum(own) / len(own))
        change = row["ndcg@10"]["value"] - rows[0]["ndcg@10"]["value"]
        assert row["difference"]["value"] == pytest.approx(change)
        assert 0 < row["p50_ms"] <= row["p99_ms"]
        assert row["right_filing_first_where_named"]["questions"] == report["questions"]
    for row in rows[3:6]:
        assert row["right_filing_first_where_named"]["value"] == 1.0


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("What was Alder's capex in 2022?", True),
        ("FY22 capex of alder mills, ALDR", True),
        ("Capex of Alder Mills in FY2022", True),
        ("Capex of Alder Mills last year", False),
        ("Capex of the alder trees in 2022", False),
        ("Birchwater's capex in 2022", False),
        ("Alder Mills: item 12022", False),
    ],
)
def test_a_question_names_its_filing_by_its_words_alone(question: str, named: bool) -> None:
    facts = FilingFacts("The Alder Mills Corp", "ALDR", "10-K", 2022, "2022-12-31")
    assert worded(question, facts) is named


def test_a_question_that_is_misunderstood_counts_as_naming_its_filing(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "rag_service.answering.retrieve.understand_scope", lambda question, filings: Scope()
    )
    report = benchmark(world, tmp_path).run(questions(world), "r0001", None, rerank=False)
    for row in report["rows"]:
        assert row["right_filing_first_where_named"]["questions"] == report["questions"]


def test_without_a_trained_model_its_rows_are_left_out(world: World, tmp_path: Path) -> None:
    report = benchmark(world, tmp_path).run(questions(world), "r0001", None, rerank=False)
    assert {row["release"] for row in report["rows"]} == {"r0001"}
