"""What an index is tuned with: held-out questions, or vectors near some of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eval.judgments import judged_documents
from rag_service.core.ids import document_of
from rag_service.core.protocols import Embedder
from rag_service.core.types import Question, QuestionSet, Vectors
from rag_service.loop.near_vectors import NearVectors

NEAR_CHUNKS = "vectors near chunks"


@dataclass(frozen=True, slots=True)
class Queries:
    """Questions with their vectors ``(n, dims)``; ``about`` names a document of each."""

    name: str
    split: str
    questions: tuple[Question, ...]
    vectors: Vectors
    about: tuple[str, ...]

    def halves(self) -> tuple[Queries, Queries]:
        """One to choose by, and one to say what the choice is worth."""
        return self._part(slice(0, None, 2)), self._part(slice(1, None, 2))

    def _part(self, rows: slice) -> Queries:
        return Queries(
            self.name, self.split, self.questions[rows], self.vectors[rows], self.about[rows]
        )


def held_out(questions: QuestionSet, embedder: Embedder, most: int, seed: int) -> Queries:
    """Up to ``most`` of ``questions``, drawn by ``seed``."""
    order = np.random.default_rng(seed).permutation(len(questions.questions))[:most]
    drawn = tuple(questions.questions[row] for row in order)
    vectors = embedder.embed_queries([question.text for question in drawn])
    about = tuple(min(judged_documents(question)) for question in drawn)
    return Queries(questions.name, questions.split, drawn, vectors, about)


def near_chunks(chunk_ids: Sequence[str], vectors: Vectors, most: int, seed: int) -> Queries:
    """Up to ``most`` vectors near those of chunks, each of which is the answer to its own."""
    order = np.random.default_rng(seed).permutation(len(chunk_ids))[:most]
    ids = [chunk_ids[row] for row in order]
    questions = tuple(Question(f"near {chunk_id}", "", {chunk_id: 1}) for chunk_id in ids)
    about = tuple(map(document_of, ids))
    return Queries(
        NEAR_CHUNKS, "", questions, NearVectors(vectors, seed).near(vectors[order]), about
    )
