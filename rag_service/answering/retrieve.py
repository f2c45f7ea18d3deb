"""From a question to its hits, with one release's encoder on that release's index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from time import perf_counter

from rag_service.answering.latency_reporter import LatencyReporter
from rag_service.answering.serving import Pinned, Serving
from rag_service.core.errors import IndexMissing, InvalidRequest, StoreError
from rag_service.core.protocols import VectorStore
from rag_service.core.types import Filters, Hit, Vectors

MAX_K = 100
MAX_K_EVALUATION = 1000
_KINDS = ("", "prose", "table")
NO_FILTERS = Filters()


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The hits of one question under one release; ``timings`` are milliseconds by step."""

    release: str
    model: str
    """Fingerprint of the encoder that the question was encoded with."""
    index_model: str
    """Fingerprint that stands beside the hits' vectors; without hits, that of the index."""
    hits: tuple[Hit, ...]
    timings: Mapping[str, float]


class Retriever:
    """Searches the release that ``serving`` pins. Questions are at most ``max_question_chars``.

    A ``reporter`` is told how long searches of the live release take.
    """

    def __init__(
        self,
        serving: Serving,
        vectors: VectorStore,
        max_question_chars: int,
        reporter: LatencyReporter | None = None,
    ) -> None:
        self._serving = serving
        self._vectors = vectors
        self._max_question_chars = max_question_chars
        self._reporter = reporter

    def search(
        self, query: str, k: int = 10, filters: Filters = NO_FILTERS, release: str | None = None
    ) -> SearchResult:
        """The ``k`` (1 to 100) chunks nearest to ``query``.

        Raises InvalidRequest for a question, ``k`` or filter that cannot be searched, and what
        `Serving.pin` raises.
        """
        self.check(query, k)
        if filters.kind not in _KINDS:
            raise InvalidRequest(f"kind is prose or table, not {filters.kind[:40]!r}")
        start = perf_counter()
        pinned = self._serving.pin(release)
        ready = perf_counter()
        vector = pinned.embedder.embed_queries([query])[0]
        encoded = perf_counter()
        hits = self._nearest(pinned, vector, k, filters)
        found = perf_counter()
        if self._reporter is not None and release is None:
            self._reporter.add(_milliseconds(ready, found))
        return SearchResult(
            release=pinned.release.release,
            model=pinned.embedder.fingerprint,
            index_model=hits[0].model if hits else self._vectors.model(pinned.release.index),
            hits=tuple(hits),
            timings={
                "pin": _milliseconds(start, ready),
                "encode": _milliseconds(ready, encoded),
                "search": _milliseconds(encoded, found),
            },
        )

    def search_many(
        self, queries: Sequence[str], k: int, release: str | None = None
    ) -> list[list[Hit]]:
        """The hits of each query, all encoded in one call and under one release.

        For evaluation: ``k`` may go to 1000. Raises as `search` does.
        """
        for query in queries:
            self.check(query, k, MAX_K_EVALUATION)
        pinned = self._serving.pin(release)
        if not queries:
            return []
        vectors = pinned.embedder.embed_queries(queries)
        return [self._nearest(pinned, vector, k, NO_FILTERS) for vector in vectors]

    def search_text_many(
        self, queries: Sequence[str], k: int, release: str | None = None
    ) -> list[list[Hit]]:
        """The hits of each query by BM25, under one release. Raises as `search` does."""
        for query in queries:
            self.check(query, k, MAX_K_EVALUATION)
        index = self._serving.pin(release).release.index
        return [self._vectors.search_text(index, query, k, NO_FILTERS) for query in queries]

    def score_many(
        self,
        queries: Sequence[str],
        chunk_ids: Sequence[Sequence[str]],
        release: str | None = None,
    ) -> list[list[float]]:
        """Cosine similarity of each query to each of its chunks, by the release's vectors.

        Raises as `search` does, and StoreError for a chunk that the index lacks.
        """
        for query in queries:
            self.check(query, 1)
        pinned = self._serving.pin(release)
        if not queries:
            return []
        known = list(dict.fromkeys(chain.from_iterable(chunk_ids)))
        place = {chunk_id: row for row, chunk_id in enumerate(known)}
        stored = self._vectors.vectors(pinned.release.index, known)
        asked = pinned.embedder.embed_queries(queries)
        return [
            (stored[[place[chunk_id] for chunk_id in ids]] @ vector).tolist()
            for vector, ids in zip(asked, chunk_ids, strict=True)
        ]

    def _nearest(self, pinned: Pinned, vector: Vectors, k: int, filters: Filters) -> list[Hit]:
        """Hits whose vectors are of the model that made ``vector``.

        Raises NotFound if the release was deleted since it was pinned, StoreError if an entry of
        its index is of another model.
        """
        index, model = pinned.release.index, pinned.embedder.fingerprint
        try:
            hits = self._vectors.search(index, vector, k, filters)
        except IndexMissing:
            self._serving.check_there(pinned.release)
            raise
        for hit in hits:
            if hit.model != model:
                raise StoreError(
                    f"index {index} of model {model} holds chunk {hit.chunk.chunk_id} with a "
                    f"vector of model {hit.model or 'unknown'}: reindex with `ragloop reindex`"
                )
        return hits

    def check(self, question: str, k: int, max_k: int = MAX_K) -> None:
        """Raises InvalidRequest that says what is wrong with the question or with ``k``."""
        if not question.strip():
            raise InvalidRequest("the question is empty: ask something")
        if len(question) > self._max_question_chars:
            raise InvalidRequest(
                f"the question has {len(question):,} characters; at most "
                f"{self._max_question_chars:,} are taken (RAGLOOP_MAX_QUESTION_CHARS)"
            )
        if any("\ud800" <= character <= "\udfff" for character in question):
            raise InvalidRequest("the question holds half a surrogate pair: send valid Unicode")
        if not 1 <= k <= max_k:
            raise InvalidRequest(f"k is {k}; it can be 1 to {max_k}")


def _milliseconds(start: float, end: float) -> float:
    return round((end - start) * 1000, 2)
