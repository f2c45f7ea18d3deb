"""A run: one release asked all questions of a set, and scored."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from uuid import uuid4

from eval.judgments import corpus_ids, judged_documents, unit_of
from eval.measures import MEASURES, per_question
from eval.significance import intervals
from eval.slices import members
from rag_service.core.errors import DataError
from rag_service.core.ids import now
from rag_service.core.protocols import Progress, no_progress
from rag_service.core.types import Hit, Interval, Question, QuestionSet, Release, Run

Search = Callable[[Sequence[str], int], list[list[Hit]]]
"""(questions, k) to the k best chunks of each question, in rank order."""

_BATCH = 64


def evaluate(
    question_set: QuestionSet,
    search: Search,
    *,
    documents: Mapping[str, str],
    release: Release,
    seed: int,
    depth: int = 100,
    stages: Collection[str] = ("vectors",),
    progress: Progress = no_progress,
) -> Run:
    """Ask every question of ``question_set`` whose document is indexed, and measure.

    A question judged by pages is scored on pages, one judged by chunk ids on chunks. It is
    skipped, and counted as such, if none of the documents of its relevant passages is indexed.
    Passages that are gone from a document that is indexed count as not found.

    Args:
        question_set: the questions with their judgments; their metadata makes the slices.
        search: the release's retrieval; called with at most 64 questions at a time.
        documents: names of the documents that are indexed, by id.
        release: what is measured.
        seed: of the bootstrap.
        depth: chunks asked for each question; pages come from these.
        stages: what ``search`` goes through.
        progress: told how many questions are done.

    Raises:
        DataError: if no question is left, or a question is judged wrongly or stands twice.
    """
    asked = _answerable(question_set, {*documents, *documents.values()})
    ranking: dict[str, tuple[tuple[str, float], ...]] = {}
    for start in range(0, len(asked), _BATCH):
        batch = asked[start : start + _BATCH]
        progress("evaluate", start, len(asked))
        results = search([question.text for question in batch], depth)
        for question, hits in zip(batch, results, strict=True):
            ranking[question.question_id] = corpus_ids(hits, unit_of(question))
    progress("evaluate", len(asked), len(asked))
    scores = per_question({question.question_id: question.relevant for question in asked}, ranking)
    about = {question.question_id: _asked_about(question, documents) for question in asked}
    slices = members(asked)
    return Run(
        run_id=_new_run_id(),
        release=release.release,
        model=release.model,
        question_set=question_set.name,
        split=question_set.split,
        questions=len(asked),
        metrics=_intervals(scores, scores, about, seed),
        per_question=scores,
        ranking=ranking,
        created=now(),
        seed=seed,
        skipped=len(question_set.questions) - len(asked),
        slices={name: _intervals(scores, ids, about, seed) for name, ids in slices.items()},
        slice_questions=slices,
        judgments=_digest(asked),
        documents=about,
        stages=tuple(sorted(stages)),
        trained_on=sum(question.metadata.get("trained_on") == "yes" for question in asked),
    )


def _answerable(question_set: QuestionSet, indexed: set[str]) -> list[Question]:
    where = f"question set {question_set.name}/{question_set.split}"
    counts = Counter(question.question_id for question in question_set.questions)
    if twice := [question_id for question_id, count in counts.items() if count > 1]:
        raise DataError(f"{where}: question {twice[0]} stands in it twice")
    asked = [q for q in question_set.questions if judged_documents(q) & indexed]
    if not asked:
        needed = sorted(set().union(*map(judged_documents, question_set.questions)))
        raise DataError(
            f"{where}: none of the {len(needed)} documents that it asks about is indexed; "
            f"ingest them first: {', '.join(needed[:3])}{', …' if len(needed) > 3 else ''}"
        )
    return asked


def _asked_about(question: Question, names: Mapping[str, str]) -> tuple[str, ...]:
    """Names of its documents: the one that the set says it is about, then the others judged."""
    main = question.metadata.get("document")
    judged = sorted(names.get(document, document) for document in judged_documents(question))
    return tuple(dict.fromkeys([*([main] if isinstance(main, str) and main else []), *judged]))


def _intervals(
    scores: Mapping[str, Mapping[str, float]],
    question_ids: Iterable[str],
    about: Mapping[str, tuple[str, ...]],
    seed: int,
) -> dict[str, Interval]:
    ids = list(question_ids)
    figures = intervals(
        [[scores[key][name] for key in ids] for name in MEASURES],
        seed,
        [about[key][0] for key in ids],
    )
    return dict(zip(MEASURES, figures, strict=True))


def _digest(questions: Iterable[Question]) -> str:
    rows = sorted((q.question_id, q.text, sorted(q.relevant.items())) for q in questions)
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


def _new_run_id() -> str:
    # Begins with the time, so that run ids sort in the order in which runs were made.
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{uuid4().hex[:8]}"
