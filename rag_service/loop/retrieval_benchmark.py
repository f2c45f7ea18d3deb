"""Each stage of a search on one question set: what it finds, and how long it takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

import numpy as np

from eval.compare import HEADLINE, paired
from eval.judgments import judged_documents
from eval.significance import interval
from rag_service.answering.retrieve import Retriever
from rag_service.core.protocols import ChunkStore, Progress, no_progress
from rag_service.core.types import FilingFacts, QuestionSet, Run, Stage
from rag_service.loop.evaluation import Evaluator

_K = 10
_ROUNDS = 3
"""Times that each question is asked for its latency; once where that takes seconds."""
_YEAR = re.compile(r"(?:(?<!\d)(?:19|20)|\bFY\s?['’]?)\d\d(?!\d)", re.I)


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to search."""

    name: str
    release: str
    stages: frozenset[Stage]


class RetrievalBenchmark:
    """Adds one stage after the other, then takes the trained model in place of the base."""

    def __init__(
        self, retriever: Retriever, evaluator: Evaluator, chunks: ChunkStore, seed: int
    ) -> None:
        self._retriever = retriever
        self._evaluator = evaluator
        self._chunks = chunks
        self._seed = seed

    def run(
        self,
        questions: QuestionSet,
        base: str,
        tuned: str | None,
        *,
        rerank: bool,
        progress: Progress = no_progress,
    ) -> dict[str, Any]:
        """A row for each way to search; differences are from the base's vectors alone.

        Args:
            questions: with judgments by page or chunk.
            base: release of the untrained model.
            tuned: release of the trained one, if there is one.
            rerank: also with the cross-encoder that is set.
            progress: told how many rows are measured.
        """
        arms = list(_arms(base, tuned, rerank))
        rows, first = [], None
        for number, arm in enumerate(arms):
            progress("ways to search", number, len(arms))
            run = self._evaluator.run(questions, arm.release, stages=arm.stages)
            first = first or run
            rows.append(self._row(arm, run, first, questions))
        progress("ways to search", len(arms), len(arms))
        assert first is not None
        return {
            "question_set": questions.name,
            "split": questions.split,
            "questions": first.questions,
            "documents": len(self._chunks.documents()),
            "chunks": len(self._chunks.chunk_ids()),
            "seed": self._seed,
            "rows": rows,
        }

    def _row(self, arm: Arm, run: Run, first: Run, questions: QuestionSet) -> dict[str, Any]:
        asked = [q for q in questions.questions if q.question_id in run.per_question]
        documents = self._chunks.documents()
        names = {d.document_id: d.name for d in documents}
        facts = {d.name: d.facts for d in documents}
        took, found = [], []
        for question in asked:
            judged = {names.get(document, document) for document in judged_documents(question)}
            for _ in range(1 if "rerank" in arm.stages else _ROUNDS):
                began = perf_counter()
                result = self._retriever.search(
                    question.text, _K, release=arm.release, stages=arm.stages
                )
                took.append(1000 * (perf_counter() - began))
            named = any(worded(question.text, facts[n]) for n in judged & facts.keys())
            right = bool(result.hits) and result.hits[0].chunk.document in judged
            found.append((named, right, run.documents[question.question_id][0]))
        p50, p99 = np.percentile(took, (50, 99))
        change = paired(first, run, HEADLINE, self._seed)
        return {
            "name": arm.name,
            "release": arm.release,
            "model": run.model,
            "stages": sorted(arm.stages),
            HEADLINE: asdict(run.metrics[HEADLINE]),
            "hit@5": asdict(run.metrics["hit@5"]),
            "difference": asdict(change),
            "p50_ms": round(float(p50), 1),
            "p99_ms": round(float(p99), 1),
            "right_filing_first": self._share(found, lambda named: True),
            "right_filing_first_where_named": self._share(found, lambda named: named),
            "per_question": {key: run.per_question[key][HEADLINE] for key in run.per_question},
        }

    def _share(
        self, found: Sequence[tuple[bool, bool, str]], counts: Callable[[bool], bool]
    ) -> dict[str, Any]:
        """Of the questions that ``counts`` takes: how many have the right filing first."""
        of = [(right, document) for named, right, document in found if counts(named)]
        if not of:
            return {"questions": 0}
        figure = interval([float(r) for r, _ in of], self._seed, [d for _, d in of])
        return {"questions": len(of), **asdict(figure)}


def worded(question: str, facts: FilingFacts) -> bool:
    """Whether ``question`` has in its words a year, and the company's ticker or first word.

    Read off the words, so that a question that the search misunderstands counts, too.
    """
    said = {word.casefold() for word in re.findall(r"\w+", question) if not word[0].islower()}
    words = [word for word in re.findall(r"\w+", facts.company.casefold()) if word != "the"]
    known = {*words[:1], facts.ticker.casefold()} - {""}
    return bool(said & known) and _YEAR.search(question) is not None


def _arms(base: str, tuned: str | None, rerank: bool) -> Iterator[Arm]:
    stages: frozenset[Stage] = frozenset({"vectors"})
    yield Arm("vectors", base, stages)
    yield Arm("BM25", base, frozenset({"text"}))
    added: tuple[tuple[str, Stage], ...] = (
        ("hybrid", "text"),
        ("+ filing", "scope"),
        ("+ glossary", "glossary"),
        ("+ pages", "pages"),
    )
    for name, stage in added:
        stages |= {stage}
        yield Arm(name, base, stages)
    if rerank:
        yield Arm("+ reranker", base, stages | {"rerank"})
    if tuned is not None:
        yield Arm("trained model, vectors", tuned, frozenset({"vectors"}))
        yield Arm("trained model, all", tuned, stages)
        if rerank:
            yield Arm("trained model, all + reranker", tuned, stages | {"rerank"})
