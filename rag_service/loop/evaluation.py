"""Runs of a release on a question set, end to end through its Redis index, kept in the history."""

from __future__ import annotations

from collections.abc import Sequence

from eval.evaluate import evaluate
from eval.history import History
from rag_service.answering.retrieve import Retriever
from rag_service.core.protocols import ChunkStore, Progress, ReleaseStore, no_progress
from rag_service.core.types import Hit, QuestionSet, Run


class Evaluator:
    """Measures what users get: the release's own encoder and its own index."""

    def __init__(
        self,
        chunks: ChunkStore,
        releases: ReleaseStore,
        retriever: Retriever,
        history: History,
        seed: int,
    ) -> None:
        self._chunks = chunks
        self._releases = releases
        self._retriever = retriever
        self._history = history
        self._seed = seed

    def run(self, question_set: QuestionSet, release: str, progress: Progress = no_progress) -> Run:
        """Measure and keep. Raises DataError if no question's document is indexed."""

        def search(queries: Sequence[str], k: int) -> list[list[Hit]]:
            return self._retriever.search_many(queries, k, release)

        measured = evaluate(
            question_set,
            search,
            documents={document.name for document in self._chunks.documents()},
            chunk_ids=self._chunks.chunk_ids(),
            release=self._releases.get(release),
            seed=self._seed,
            progress=progress,
        )
        self._history.add(measured)
        return measured
