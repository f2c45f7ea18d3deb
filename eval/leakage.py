"""Whether a question set asks about what a model was trained on."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from eval.judgments import judged_documents
from rag_service.core.errors import DataError
from rag_service.core.ids import document_of, question_digest
from rag_service.core.types import Pair, Question, QuestionSet


def check(
    question_set: QuestionSet,
    training_documents: Collection[str],
    training_questions: Collection[str],
) -> None:
    """Raises DataError if a document or the text of a question was trained on; see `shared`."""
    if found := shared(question_set, training_documents, training_questions):
        raise DataError(
            f"question set {question_set.name}/{question_set.split} leaks: the model was trained "
            f"on {found}. Measure with other questions, or with another model."
        )


def shared(
    question_set: QuestionSet,
    training_documents: Collection[str],
    training_questions: Collection[str],
) -> str:
    """Which documents and questions of a question set stand in training too, ``""`` if none.

    Args:
        question_set: what a model is to be measured with.
        training_documents: documents of train and validation, each by its name and by its id, as
            `documents_of` gives them: pages are judged by name, chunks by id.
        training_questions: digests of the questions of train and validation, as `questions_of`
            gives them: case, marks and white space do not count.
    """
    seen = set(training_documents)
    documents = {
        name for question in question_set.questions for name in _documents(question) & seen
    }
    questions = leaked_questions(question_set, training_questions)
    found = [
        f"{len(leaked)} of its {what} ({', '.join(sorted(leaked)[:3])})"
        for what, leaked in (("documents", documents), ("questions", questions))
        if leaked
    ]
    return " and ".join(found)


def leaked_questions(question_set: QuestionSet, training_questions: Collection[str]) -> list[str]:
    """Ids of the questions whose digest is among ``training_questions``."""
    return [
        question.question_id
        for question in question_set.questions
        if question_digest(question.text) in training_questions
    ]


def documents_of(pairs: Iterable[Pair]) -> frozenset[str]:
    """The documents of training pairs, each by its name and by its id."""
    return frozenset(name for pair in pairs for name in (pair.document, document_of(pair.chunk_id)))


def questions_of(pairs: Iterable[Pair]) -> frozenset[str]:
    """Digests of the questions of training pairs."""
    return frozenset(question_digest(pair.question) for pair in pairs)


def _documents(question: Question) -> set[str]:
    named = question.metadata.get("document")
    return judged_documents(question) | ({named} if isinstance(named, str) else set())
