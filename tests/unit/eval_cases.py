"""Small hits, questions and runs for the tests of ``eval``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eval.evaluate import evaluate
from eval.significance import interval
from rag_service.core.types import (
    Chunk,
    FilingFacts,
    Hit,
    Probe,
    Question,
    QuestionSet,
    Release,
    Run,
)

RELEASE = Release("r0001", "live", "m1", "idx-1", 384, 10, "2025-01-01T00:00:00Z")
PROBE = (1.0, 0.63, 0.5, 1.0) * 10


def chunk(chunk_id: str, document: str = "A.pdf", pages: tuple[int, int] = (1, 1)) -> Chunk:
    return Chunk(
        chunk_id=chunk_id,
        document_id=chunk_id.partition(".")[0],
        document=document,
        text=f"text of {chunk_id}",
        context="",
        kind="prose",
        section="Item 7",
        heading="",
        page_start=pages[0],
        page_end=pages[1],
        position=0,
        facts=FilingFacts(),
    )


def ranked(*scored: tuple[Chunk, float]) -> list[Hit]:
    return [Hit(rank, score, one) for rank, (one, score) in enumerate(scored, start=1)]


def question(question_id: str, *relevant: str, **metadata: str) -> Question:
    return Question(question_id, f"What is {question_id}?", dict.fromkeys(relevant, 1), metadata)


def question_set(*questions: Question, name: str = "set", split: str = "test") -> QuestionSet:
    return QuestionSet(name, split, questions)


INDEXED = {"d1": "A.pdf", "d2": "B.pdf"}


def evaluated(
    questions: QuestionSet,
    found: Mapping[str, Sequence[Hit]],
    depth: int = 100,
    documents: Mapping[str, str] = INDEXED,
) -> Run:
    """A run on ``documents``, which are indexed; ``found`` is by the question's text."""
    return evaluate(
        questions,
        lambda texts, k: [list(found.get(text, ()))[:k] for text in texts],
        documents=documents,
        release=RELEASE,
        seed=7,
        depth=depth,
    )


def scored_run(
    scores: Sequence[float],
    release: str = "r0001",
    slices: Mapping[str, Sequence[int]] | None = None,
    question_set: str = "set",
    split: str = "test",
    documents: Sequence[str] = ("Test.pdf", "Other.pdf"),
    probe: Sequence[float] = PROBE,
) -> Run:
    """A run whose questions ``q0``, ``q1``, … have these NDCG@10; ``slices`` are by position.

    Its questions are about ``documents`` in turn.
    """
    names = {name: tuple(f"q{i}" for i in places) for name, places in (slices or {}).items()}
    by_id = {f"q{i}": {"ndcg@10": score, "map": score / 2} for i, score in enumerate(scores)}
    return Run(
        run_id=f"run-{release}",
        release=release,
        model="m",
        question_set=question_set,
        split=split,
        created="2025-01-01T00:00:00Z",
        questions=len(scores),
        metrics={
            name: interval([of[name] for of in by_id.values()], 7) for name in ("ndcg@10", "map")
        },
        per_question=by_id,
        ranking={key: ((f"{key}-hit", 0.5), ("other", 0.25)) for key in by_id},
        seed=7,
        slices={
            name: {"ndcg@10": interval([by_id[key]["ndcg@10"] for key in ids], 7)}
            for name, ids in names.items()
        },
        slice_questions=names,
        documents={
            key: (documents[i % len(documents)],) for i, key in enumerate(by_id) if documents
        },
        probe=probed(probe),
    )


def probed(scores: Sequence[float], probe: str = "p1") -> Probe:
    """The general probe with these NDCG@10."""
    by_id = {f"g{i}": score for i, score in enumerate(scores)}
    return Probe(probe, "m", len(by_id), 7, interval(list(scores), 7), by_id)
