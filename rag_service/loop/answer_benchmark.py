"""What the service answers to a question set: how much is grounded, right, and truly quoted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Protocol

from eval.judgments import judged_documents
from eval.significance import interval
from rag_service.core.errors import DataError
from rag_service.core.protocols import ChunkStore, Progress, no_progress
from rag_service.core.types import Answer, Question, QuestionSet
from rag_service.loop.gold_numbers import is_right, one_number, stated_number
from rag_service.loop.quote_check import QuoteCheck


class Answering(Protocol):
    """What answers a question: the service's Answerer."""

    async def ask(self, question: str) -> Answer: ...


@dataclass(frozen=True, slots=True)
class _Asked:
    question: Question
    answer: Answer
    seconds: float
    right: bool | None
    """None where the gold answer is no single number."""
    quoted: bool | None
    """Whether every quote stands on its page; None where nothing is said to be grounded."""


class AnswerBenchmark:
    """Asks ``answerer`` one question after the other."""

    def __init__(self, answerer: Answering, chunks: ChunkStore, seed: int) -> None:
        self._answerer = answerer
        self._chunks = chunks
        self._seed = seed

    async def run(
        self, questions: QuestionSet, files: Sequence[Path], progress: Progress = no_progress
    ) -> dict[str, Any]:
        """Shares with their intervals, and every question's outcome.

        ``grounded`` is of the questions whose documents are indexed. ``right`` is of those whose
        gold answer (``answer`` of its metadata) is one number: right if grounded and equal as
        `is_right` has it. ``quoted`` is of the grounded answers: every quote stands on its page
        alone, read anew from ``files`` where the document is among them; of the citations that do
        not, ``citations_over_pages`` begin there and end on the page ``page_end``.

        Raises:
            DataError: no question's documents are indexed.
        """
        known = self._chunks.documents()
        names = {document.name for document in known} | {d.document_id for d in known}
        within = [q for q in questions.questions if judged_documents(q) <= names]
        if not within:
            raise DataError("no question's documents are indexed: ingest the filings it is about")
        check = QuoteCheck(files, self._chunks)
        asked: list[_Asked] = []
        for number, question in enumerate(within):
            progress("ask", number, len(within))
            began = perf_counter()
            answer = await self._answerer.ask(question.text)
            took = perf_counter() - began
            asked.append(
                _Asked(question, answer, took, _right(question, answer), _quoted(answer, check))
            )
        progress("ask", len(within), len(within))
        return {
            "question_set": questions.name,
            "split": questions.split,
            "questions": len(asked),
            "skipped": len(questions.questions) - len(asked),
            "release": asked[0].answer.release,
            "seed": self._seed,
            "grounded": self._share(asked, [a.answer.grounded for a in asked]),
            "right": self._share(asked, [a.right for a in asked]),
            "quoted": self._share(asked, [a.quoted for a in asked]),
            "citations_reread": check.reread,
            "citations_over_pages": check.over_pages,
            "methods": dict(Counter(a.answer.method for a in asked)),
            "right_by_method": dict(Counter(a.answer.method for a in asked if a.right)),
            "wrong_by_method": dict(
                Counter(a.answer.method for a in asked if a.right is False and a.answer.grounded)
            ),
            "median_seconds": median(a.seconds for a in asked),
            "per_question": {a.question.question_id: _told(a) for a in asked},
        }

    def _share(self, asked: Sequence[_Asked], outcomes: Sequence[bool | None]) -> dict[str, Any]:
        """The share of True among those that are not None, with its interval."""
        pairs = [(a, o) for a, o in zip(asked, outcomes, strict=True) if o is not None]
        if not pairs:
            return {"questions": 0}
        documents = [min(judged_documents(a.question)) for a, _ in pairs]
        found = interval([float(outcome) for _, outcome in pairs], self._seed, documents)
        return {**asdict(found), "questions": len(pairs)}


def _right(question: Question, answer: Answer) -> bool | None:
    gold = one_number(str(question.metadata.get("answer") or ""))
    if gold is None:
        return None
    stated = stated_number(answer.answer) if answer.grounded else None
    return stated is not None and is_right(stated, gold)


def _quoted(answer: Answer, check: QuoteCheck) -> bool | None:
    if not answer.grounded:
        return None
    return bool(answer.citations) and all(check.stands(cited) for cited in answer.citations)


def _told(asked: _Asked) -> dict[str, Any]:
    return {
        "method": asked.answer.method,
        "grounded": asked.answer.grounded,
        "right": asked.right,
        "quoted": asked.quoted,
        "answer": asked.answer.answer,
        "reason": asked.answer.reason,
        "pages": [[c.document, c.page, c.page_end] for c in asked.answer.citations],
        "seconds": round(asked.seconds, 3),
    }
