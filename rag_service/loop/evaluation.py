"""Runs of a release on a question set, end to end through its Redis index, kept in the history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from eval.evaluate import evaluate
from eval.history import History
from eval.judgments import judged_documents
from rag_service.answering.retrieve import Retriever
from rag_service.core.protocols import (
    ChunkStore,
    ModelRegistry,
    Progress,
    ReleaseStore,
    no_progress,
)
from rag_service.core.types import Hit, ModelCard, Question, QuestionSet, Run


class Evaluator:
    """Measures what users get: the release's own encoder and its own index."""

    def __init__(
        self,
        chunks: ChunkStore,
        releases: ReleaseStore,
        registry: ModelRegistry,
        retriever: Retriever,
        history: History,
        seed: int,
    ) -> None:
        self._chunks = chunks
        self._releases = releases
        self._registry = registry
        self._retriever = retriever
        self._history = history
        self._seed = seed

    def run(self, question_set: QuestionSet, release: str, progress: Progress = no_progress) -> Run:
        """Measure and keep. Raises DataError if no question's document is indexed."""

        def search(queries: Sequence[str], k: int) -> list[list[Hit]]:
            return self._retriever.search_many(queries, k, release)

        measured = evaluate(
            self._marked(question_set, release),
            search,
            documents={document.name for document in self._chunks.documents()},
            chunk_ids=self._chunks.chunk_ids(),
            release=self._releases.get(release),
            seed=self._seed,
            progress=progress,
        )
        self._history.add(measured)
        return measured

    def _marked(self, question_set: QuestionSet, release: str) -> QuestionSet:
        """The same questions, told apart by whether the model was trained on their documents."""
        seen = seen_documents(self._registry.get(self._releases.get(release).model))
        if not seen:
            return question_set
        questions = tuple(
            replace(q, metadata=dict(q.metadata) | {"trained_on": _trained_on(q, seen)})
            for q in question_set.questions
        )
        return replace(question_set, questions=questions)


def seen_documents(card: ModelCard) -> frozenset[str]:
    """Names of the documents that a model was trained or validated on."""
    training = card.training
    return frozenset(
        [*training.get("train_documents", ()), *training.get("validation_documents", ())]
    )


def _trained_on(question: Question, seen: frozenset[str]) -> str:
    documents = judged_documents(question) | {str(question.metadata.get("document", ""))}
    return "yes" if documents & seen else "no"
