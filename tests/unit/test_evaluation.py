"""Runs of a release over fake stores: what is told apart, searched otherwise, and refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eval.history import History
from eval.probe.measure import load as load_probe
from rag_service.core.errors import DataError, InvalidRequest
from rag_service.core.types import Chunk, Document, ModelCard, Question, QuestionSet
from rag_service.loop.evaluation import Evaluator
from rag_service.loop.seen import write_questions
from tests.fakes.answering import DIMS, World
from tests.fakes.filings import filing

FILINGS = {"Alder Mills": 2023, "Birch Foods": 2023}


class Measured:
    """A world of two filings and two releases, and what evaluates it."""

    def __init__(self, home: Path) -> None:
        self.world = World(home)
        self.chunks: list[Chunk] = []
        for company, year in FILINGS.items():
            chunks = filing(company, year)
            first = chunks[0]
            document = Document(
                first.document_id, first.document, first.facts, 9, len(chunks), 0, "2025-01-01"
            )
            self.world.chunks.replace(document, chunks, None)
            self.chunks += chunks
        for model in ("ma", "mb"):
            self.world.add_release(model, self.chunks)
            self.card(model, home / model)
        self.history = History(home / "history")
        self.evaluator = Evaluator(
            chunks=self.world.chunks,
            vectors=self.world.vectors,
            releases=self.world.releases,
            registry=self.world.registry,
            serving=self.world.serving,
            retriever=self.world.retriever,
            history=self.history,
            seed=7,
        )

    def card(self, model: str, folder: Path, **training: object) -> ModelCard:
        folder.mkdir(exist_ok=True)
        card = ModelCard(model, model, str(folder), DIMS, 256, "", "", "2025-01-01", "", training)
        self.world.registry._cards[model] = card
        return card


@pytest.fixture
def measured(tmp_path: Path) -> Measured:
    return Measured(tmp_path)


def asked(chunks: list[Chunk]) -> QuestionSet:
    questions = (
        Question(f"q{i}", f"{chunk.facts.company}: {chunk.text[:60]}", {chunk.chunk_id: 1})
        for i, chunk in enumerate(chunks)
    )
    return QuestionSet("own", "test", tuple(questions))


def test_a_run_is_sliced_by_place_and_kept_with_its_questions(measured: Measured) -> None:
    questions = asked(measured.chunks)
    run = measured.evaluator.run(questions, "r0001")
    items = {f"item={chunk.section}" for chunk in measured.chunks if chunk.section}
    assert items & run.slices.keys()
    companies = {f"company={chunk.facts.company}" for chunk in measured.chunks}
    assert len(companies) == 2
    assert companies <= run.slices.keys()
    assert {name for documents in run.documents.values() for name in documents} == {
        chunk.document for chunk in measured.chunks
    }
    assert measured.history.get(run.run_id) == run
    assert measured.history.questions(run.run_id) == questions
    assert (run.variants, run.probe, run.trained_on) == ({}, None, 0)


def test_exact_search_and_fewer_dimensions_stand_beside_the_run(measured: Measured) -> None:
    run = measured.evaluator.run(asked(measured.chunks), "r0001", dims=[8, 32, 8])
    assert list(run.variants) == ["exact", "dims=32", "dims=8"]
    exact = dict(run.variants["exact"])
    assert exact.pop("served_recall@10").value == 1.0  # the fake index searches exactly
    assert exact == run.metrics
    assert run.variants["dims=8"]["ndcg@10"].value < exact["ndcg@10"].value
    only = measured.evaluator.run(asked(measured.chunks), "r0001", exact=True)
    assert list(only.variants) == ["exact"]


@pytest.mark.parametrize("dims", [0, -1, DIMS, 999])
def test_dimensions_that_vectors_lack_are_refused(measured: Measured, dims: int) -> None:
    with pytest.raises(InvalidRequest, match=f"have {DIMS} dimensions"):
        measured.evaluator.run(asked(measured.chunks), "r0001", dims=[dims])
    assert measured.history.all() == []


def test_what_the_index_search_misses_is_seen(
    measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = measured.world.vectors.search
    monkeypatch.setattr(measured.world.vectors, "search", lambda *args: search(*args)[5:])
    run = measured.evaluator.run(asked(measured.chunks), "r0001", exact=True)
    assert run.variants["exact"]["served_recall@10"].value == pytest.approx(0.5)
    assert run.variants["exact"]["ndcg@10"].value > run.metrics["ndcg@10"].value


def test_questions_about_documents_that_were_trained_on_are_told_apart(measured: Measured) -> None:
    seen = measured.chunks[0].document
    folder = Path(measured.world.registry.get("mb").path)
    base = measured.world.registry.get("ma")
    measured.card("mb", folder, train_documents=[seen])
    write_questions(folder, ["Something else?"], base)
    run = measured.evaluator.run(asked(measured.chunks), "r0002")
    assert run.trained_on == sum(chunk.document == seen for chunk in measured.chunks)
    assert set(run.slice_questions["trained_on=yes"]).isdisjoint(
        run.slice_questions["trained_on=no"]
    )


def test_a_question_that_was_trained_on_is_not_asked(measured: Measured) -> None:
    questions = asked(measured.chunks)
    folder = Path(measured.world.registry.get("mb").path)
    base = measured.world.registry.get("ma")
    write_questions(folder, [questions.questions[3].text.upper()], base)
    with pytest.raises(DataError, match=r"trained on 1 of its questions \(q3\)"):
        measured.evaluator.run(questions, "r0002")
    assert measured.history.all() == []


def test_the_general_probe_is_that_of_the_releases_model(measured: Measured) -> None:
    run = measured.evaluator.run(asked(measured.chunks), "r0002", probe=True)
    assert run.probe
    assert (run.probe.model, run.probe.seed) == ("mb", 7)
    assert run.probe.questions == len(load_probe().questions)
    assert measured.history.get(run.run_id).probe == run.probe


def test_latency_is_that_of_queries_through_encoder_and_index(measured: Measured) -> None:
    matrix = np.ones((300, 300))

    def dawdle() -> None:
        for _ in range(4):
            np.matmul(matrix, matrix)

    measured.world.registry.embedders["mb"].on_query = dawdle
    got = measured.evaluator.latency(asked(measured.chunks[:10]), "r0001", "r0002", 1.10)
    assert got.questions == 10
    assert got.ratio.low > 1.10
    assert got.after_ms > got.before_ms > 0
