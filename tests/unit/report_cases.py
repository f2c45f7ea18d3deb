"""Runs, models and passages for the tests of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from random import Random
from typing import Any

from eval.history import KeptDecision
from eval.report.facts import Found, Report, SetFacts, change, compared
from eval.report.page import write_report
from eval.significance import interval
from rag_service.core.types import (
    Chunk,
    FilingFacts,
    GateDecision,
    ModelCard,
    Question,
    QuestionSet,
    Release,
    Run,
    TableCells,
)

TRAINING: Mapping[str, Any] = {
    "train_pairs": 721,
    "validation_questions": 100,
    "validation_base": 0.349,
    "validation_by_step": {"6": 0.457, "12": 0.495, "18": 0.516, "23": 0.515},
    "validation_by_weight": {"0.5": 0.505, "0.75": 0.515, "1.0": 0.516},
    "best_step": 18,
    "steps": 23,
    "merge_weight": 1.0,
    "losses": [6.25, 4.81, 4.33, 3.92, 3.89, 3.2, 3.92],
    "learning_rate": 5e-05,
    "train_documents": ["TRAINED_2023_10K.pdf"],
    "seed": 13,
}
COUNT = 30
REASONS = ("ndcg@10 is better", "the candidate's index is complete")
VOID = frozenset({"meta", "link", "br", "wbr", "img", "input", "hr"})


class Page(HTMLParser):
    """Tags with their attributes and what encloses them, and the text outside of style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def values(self, attribute: str) -> list[str]:
        return [value for _, found in self.tags if (value := found.get(attribute))]


def run(
    release: str,
    scores: Sequence[float],
    *,
    question_set: str = "people",
    created: str = "2025-01-01T00:00:00Z",
    slices: Mapping[str, Sequence[int]] | None = None,
    ranking: Mapping[str, Sequence[str]] | None = None,
) -> Run:
    """A run whose questions ``q0``, ``q1``, … have these NDCG@10; ``slices`` are by position."""
    by_id = {f"q{i}": {"ndcg@10": score, "map": score / 2} for i, score in enumerate(scores)}
    names = {name: tuple(f"q{i}" for i in places) for name, places in (slices or {}).items()}
    return Run(
        run_id=f"{question_set}-{release}-{created}",
        release=release,
        model=f"model-of-{release}",
        question_set=question_set,
        split="test",
        questions=len(scores),
        metrics={m: interval([of[m] for of in by_id.values()], 7) for m in ("ndcg@10", "map")},
        per_question=by_id,
        ranking={
            key: tuple((name, 1 - rank / 100) for rank, name in enumerate(ids))
            for key, ids in (ranking or {}).items()
        },
        created=created,
        seed=7,
        slice_questions=names,
    )


def scores(count: int, seed: int, gain: float = 0.0) -> list[float]:
    random = Random(seed)
    return [min(1.0, random.random() * 0.5 + gain * random.random()) for _ in range(count)]


def questions(count: int, text: str = "What were net sales?", name: str = "people") -> QuestionSet:
    return QuestionSet(
        name,
        "test",
        tuple(
            Question(f"q{i}", f"{text} ({i})", {f"d1.right{i}": 1}, {"answer": "12 million"})
            for i in range(count)
        ),
    )


def chunk(chunk_id: str, text: str, *, pages: tuple[int, int] = (4, 4), **other: Any) -> Chunk:
    made = Chunk(
        chunk_id=chunk_id,
        document_id=chunk_id.partition(".")[0],
        document="ALDER_2023_10K.pdf",
        text=text,
        context="Alder | FY2023 10-K",
        kind="prose",
        section="Item 7",
        heading="Net Sales",
        page_start=pages[0],
        page_end=pages[1],
        position=0,
        facts=FilingFacts(),
    )
    return replace(made, **other)


def table_chunk(chunk_id: str, rows: int = 3) -> Chunk:
    cells = TableCells(
        "Income",
        "in millions",
        ("2023", "2022"),
        tuple((f"Line {i}", f"{i},100", f"{i},050") for i in range(rows)),
    )
    return chunk(chunk_id, "a table", kind="table", cells=cells)


def card(release: str, **training: Any) -> ModelCard:
    return ModelCard(
        fingerprint=f"model-of-{release}",
        name=f"tuned for {release}",
        path="",
        dims=48,
        max_tokens=256,
        query_prompt="",
        document_prompt="",
        created="2025-01-01T00:00:00Z",
        base="model-of-base",
        training=training,
    )


def release(name: str, state: Any = "retired", created: str = "2025-01-01T00:00:00Z") -> Release:
    return Release(name, state, f"model-of-{name}", f"ix-{name}", 48, 1234, created)


def ranking(found_at: int) -> dict[str, list[str]]:
    """By question, ten passages of which the one at ``found_at`` (from 0) is right."""
    return {
        f"q{i}": [f"d1.right{i}" if at == found_at else f"d1.other{at}" for at in range(10)]
        for i in range(COUNT)
    }


def set_facts(
    before: Run, after: Run, asked: QuestionSet, promoted: bool | None = True
) -> SetFacts:
    kept = None
    if promoted is not None:
        decision = GateDecision(promoted, REASONS)
        kept = KeptDecision(before.run_id, after.run_id, decision, "2025-01-02T00:00:00Z")
    by_id = {question.question_id: question for question in asked.questions}
    return SetFacts(
        after.question_set,
        after.split,
        (before, after),
        3,
        compared(before, after, kept),
        change(before, after, by_id),
    )


def report(**other: Any) -> Report:
    return replace(plain(), **other)


@cache
def plain() -> Report:
    slices = {"company=Alder": range(6), "company=Birch": range(6, 10), "kind=level": range(20)}
    before = run("r0001", scores(COUNT, 1), slices=slices, ranking=ranking(4))
    after = run("r0002", scores(COUNT, 1, 0.5), slices=slices, ranking=ranking(0))
    facts = set_facts(before, after, questions(COUNT))
    passages = {f"d1.other{at}": chunk(f"d1.other{at}", f"other {at}") for at in range(10)}
    passages |= {f"d1.right{i}": table_chunk(f"d1.right{i}") for i in range(COUNT)}
    found = {
        (after.run_id, f"q{i}"): {name: Found(name, one) for name, one in passages.items()}
        for i in range(COUNT)
    }
    assert facts.compared
    return Report(
        made="2025-01-03T00:00:00Z",
        live=release("r0002", "live"),
        releases=(release("r0001"), release("r0002", "live")),
        models=(card("r0001"), card("r0002", **TRAINING)),
        sets=(facts,),
        decisions=(facts.compared,),
        found=found,
        jobs=(journal(),),
        versions={"python": "3.11.9"},
    )


def journal() -> Mapping[str, Any]:
    return {
        "job": "improve-20250101T000000Z-ab12",
        "kind": "improve",
        "state": "done",
        "reason": "",
        "started": "2025-01-01T00:00:00Z",
        "arguments": {
            "options": {
                "data": {"max_questions": 400, "seed": 13},
                "negatives": 2,
                "hard_negatives": True,
            },
            "embedding_model": "tests/tiny model",
            "llm": "none",
        },
        "steps": {"train": {"result": "m", "seconds": 61.4}, "gate": {"result": {}, "seconds": 0}},
    }


def written(made: Report, folder: Path) -> tuple[Page, str]:
    target = folder / "new folder" / "report.html"
    write_report(made, target)
    assert [path.name for path in target.parent.iterdir()] == ["report.html"]
    text = target.read_text(encoding="utf-8")
    return Page(text), text
