"""Whether a question set asks about what a model was trained on."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from eval.judgments import judged_documents
from rag_service.core.errors import DataError
from rag_service.core.ids import document_of, text_digest
from rag_service.core.types import Pair, Question, QuestionSet


def check(
    question_set: QuestionSet,
    training_documents: Collection[str],
    training_questions: Collection[str],
) -> None:
    """Raises DataError if a document or the text of a question was trained on.

    Args:
        question_set: what a model is to be measured with.
        training_documents: documents of train and validation, each by its name and by its id, as
            `documents_of` gives them: pages are judged by name, chunks by id.
        training_questions: texts of train and validation; case and white space do not count.
    """
    seen = set(training_documents)
    texts = {_digest(text) for text in training_questions}
    documents = {
        name for question in question_set.questions for name in _documents(question) & seen
    }
    questions = [
        question.question_id
        for question in question_set.questions
        if _digest(question.text) in texts
    ]
    found = [
        f"{len(leaked)} of its {what} ({', '.join(sorted(leaked)[:3])})"
        for what, leaked in (("documents", documents), ("questions", questions))
        if leaked
    ]
    if found:
        raise DataError(
            f"question set {question_set.name}/{question_set.split} leaks: the model was trained "
            f"on {' and '.join(found)}"
        )


def documents_of(pairs: Iterable[Pair]) -> frozenset[str]:
    """The documents of training pairs, each by its name and by its id."""
    return frozenset(name for pair in pairs for name in (pair.document, document_of(pair.chunk_id)))


def _documents(question: Question) -> set[str]:
    named = question.metadata.get("document")
    return judged_documents(question) | ({named} if isinstance(named, str) else set())


def _digest(text: str) -> str:
    return text_digest(text.casefold())
