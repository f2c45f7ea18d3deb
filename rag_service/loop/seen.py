"""What a model saw in training, kept with the model, so that no evaluation asks about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from rag_service.core.errors import ModelError
from rag_service.core.ids import document_of, question_digest
from rag_service.core.types import ModelCard, Pair

_QUESTIONS = "training_questions.txt"
"""Stands beside the weights: one digest a line."""


def write_questions(folder: Path, questions: Iterable[str], base: ModelCard) -> None:
    """Keep digests of the questions of train and validation in a model's ``folder``.

    What its base was trained on counts as well: an adapter's may be a trained model.
    """
    digests = {question_digest(question) for question in questions} | seen_questions(base)
    text = "".join(f"{digest}\n" for digest in sorted(digests))
    (folder / _QUESTIONS).write_text(text, encoding="utf-8")


def seen_questions(card: ModelCard) -> frozenset[str]:
    """Digests of the questions that a model was trained or validated on.

    Raises:
        ModelError: it was trained, and on what is not known any more.
    """
    path = Path(card.path) / _QUESTIONS
    if path.is_file():
        return frozenset(path.read_text(encoding="utf-8").split())
    if seen_documents(card):
        raise ModelError(
            f"model {card.fingerprint} ({card.name}) was trained on questions that its folder "
            f"does not name any more ({_QUESTIONS} is missing), so that no evaluation of it can "
            "be trusted: train it again"
        )
    return frozenset()


def seen_documents(card: ModelCard) -> frozenset[str]:
    """Names of the documents that a model was trained or validated on."""
    training = card.training
    return frozenset(
        [*training.get("train_documents", ()), *training.get("validation_documents", ())]
    )


def unseen(pairs: Iterable[Pair], card: ModelCard, names: Mapping[str, str]) -> list[Pair]:
    """The pairs whose question a model never saw, nor any document that answers it.

    A passage that a document it saw repeats word for word has been seen itself: its pair goes as
    a whole, rather than count the other place as a wrong answer.

    Args:
        pairs: of any split.
        card: the model.
        names: of documents, by their ids.
    """
    documents, questions = seen_documents(card), seen_questions(card)
    return [
        pair
        for pair in pairs
        if documents.isdisjoint(_answering(pair, names))
        and question_digest(pair.question) not in questions
    ]


def _answering(pair: Pair, names: Mapping[str, str]) -> set[str]:
    ids = map(document_of, pair.relevant)
    return {pair.document, *(names.get(document, document) for document in ids)}
