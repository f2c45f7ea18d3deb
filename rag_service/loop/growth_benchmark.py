"""What ingestion, reindexing, search and memory become as a store grows, and how fast."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import chain
from typing import Any

import numpy as np
import psutil

from eval.exact import StoredVectors
from eval.latency import in_turn
from eval.power_law import exponent
from eval.significance import quantile_interval
from rag_service.answering.glossary import Expansion
from rag_service.answering.lookups import Sought
from rag_service.answering.retrieve import NO_FILTERS
from rag_service.core.protocols import (
    ChunkStore,
    Embedder,
    Progress,
    ReleaseStore,
    VectorStore,
    no_progress,
)
from rag_service.core.types import Lookup, ModelCard, Question, Release, Vectors
from rag_service.indexing.shadow import ShadowIndexer
from rag_service.loop.growing_corpus import GrowingCorpus
from rag_service.loop.index_queries import Queries
from rag_service.loop.index_recall import RecallTarget, find, least_width, recall
from rag_service.loop.near_vectors import nearest_cosine

HEADINGS = "headings of the filings"
"""Name of the questions that are asked."""
SIZES = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000)
"""Chunks at which is measured."""
RATIO_FROM = 10_000
"""Size that the latency at the greatest one is held against."""
_ROUNDS = 5
_CANDIDATES = 50
"""Of each lookup where several are fused, as the service asks for them."""
_FIGURES: Mapping[str, Callable[[Mapping[str, Any]], float | None]] = {
    "ingest_chunks_per_second": lambda at: at["ingest_chunks_per_second"],
    "reindex_chunks_per_second": lambda at: at["reindex_chunks_per_second"],
    "vectors_p50_ms": lambda at: at["vectors"]["p50_ms"]["value"],
    "vectors_p99_ms": lambda at: at["vectors"]["p99_ms"]["value"],
    "hybrid_p50_ms": lambda at: at["hybrid"]["p50_ms"]["value"],
    "hybrid_p99_ms": lambda at: at["hybrid"]["p99_ms"]["value"],
    "recall": lambda at: at["recall"]["value"],
    "ef_runtime": lambda at: at["ef_runtime"],
    "bytes_per_chunk": lambda at: at["bytes_per_chunk"],
}


class GrowthBenchmark:
    """Grows the live release of a store that nobody else uses, which is empty at the start.

    ``indexer`` must not check vectors by encoding again: those of copies are no model's.
    """

    def __init__(
        self,
        *,
        chunks: ChunkStore,
        vectors: VectorStore,
        releases: ReleaseStore,
        indexer: ShadowIndexer,
        used_memory: Callable[[], int],
    ) -> None:
        self._chunks = chunks
        self._vectors = vectors
        self._releases = releases
        self._indexer = indexer
        self._used_memory = used_memory

    def run(
        self,
        corpus: GrowingCorpus,
        asked: Queries,
        live: Release,
        model: ModelCard,
        sizes: Sequence[int],
        target: RecallTarget,
        reindex_most: int,
        progress: Progress = no_progress,
    ) -> dict[str, Any]:
        """Figures at each of ``sizes``, ascending, and the exponent of each.

        ``ef_runtime`` is the least one that meets the target at that size on half the questions;
        recall is that of the other half. The rate of ingestion is that of growing from the size
        before, from vectors that are there. Sizes beyond ``reindex_most`` are not reindexed.
        """
        empty = self._used_memory()
        at: list[dict[str, Any]] = []
        ids: list[str] = []
        parts: list[Vectors] = []
        choosing, reported = asked.halves()
        for size in sizes:
            progress(f"{size} chunks", 0, 0)
            began, before = time.perf_counter(), len(ids)
            writing = 0.0
            for document, chunks, vectors in corpus.part(before, size):
                start = time.perf_counter()
                self._vectors.write(live.index, chunks, vectors)
                self._chunks.replace(document, chunks, live.release)
                writing += time.perf_counter() - start
                ids += [chunk.chunk_id for chunk in chunks]
                parts.append(vectors)
            self._vectors.count(live.index)
            parts = [np.concatenate(parts)]
            figures: dict[str, Any] = {
                "chunks": size,
                "ingest_chunks_per_second": (size - before) / writing,
                "bytes_per_chunk": (self._used_memory() - empty) / size,
                "nearest_cosine": nearest_cosine(parts[0], target.seed),
            }
            exact = StoredVectors(ids, parts[0])
            widths = least_width(self._vectors, live.index, exact, choosing, target)
            width = widths[-1].ef_runtime
            found = find(self._vectors, live.index, reported.vectors, target.k, width)
            figures["ef_runtime"] = width
            figures["recall"] = asdict(recall(exact, reported, found, target))
            del exact
            figures |= self._timed(live.index, asked, target.k, width)
            figures |= self._reindexed(model, live, size if size <= reindex_most else 0)
            figures["seconds"] = time.perf_counter() - began
            at.append(figures)
        return {
            "sizes": at,
            "exponents": _exponents(at),
            "p99_ratio": _p99_ratio(at),
            "wanted": {"recall": target.recall, "k": target.k},
            "questions": len(asked.questions),
            "question_set": asked.name,
            "seed": target.seed,
            "load": psutil.getloadavg()[0],
        }

    def _timed(self, index: str, asked: Queries, k: int, width: int) -> dict[str, Any]:
        """Searches by vector alone, and by vector and words as the service asks for both."""
        alone = [[Lookup(k, vector=v, ef_runtime=width)] for v in asked.vectors]
        both = [
            _hybrid(question.text, vector, k, width)
            for question, vector in zip(asked.questions, asked.vectors, strict=True)
        ]
        places = range(len(alone))

        def asking(lookups: list[list[Lookup]]) -> Callable[[int], object]:
            return lambda place: self._vectors.look_up(index, lookups[place])

        sides = {"vectors": asking(alone), "hybrid": asking(both)}
        turns = [in_turn(list(sides.values()), places, turn) for turn in range(_ROUNDS)]
        milliseconds = 1000 * np.concatenate(turns, axis=1)
        return {
            name: {
                "p50_ms": asdict(quantile_interval(list(taken), 0.5)),
                "p99_ms": asdict(quantile_interval(list(taken), 0.99)),
                "requests": len(taken),
            }
            for name, taken in zip(sides, milliseconds, strict=True)
        }

    def _reindexed(self, model: ModelCard, live: Release, chunks: int) -> dict[str, Any]:
        """A second index of the same vectors, copied, and what it takes in Redis."""
        if not chunks:
            return {"reindex_chunks_per_second": None, "index_bytes_per_chunk": None}
        before, began = self._used_memory(), time.perf_counter()
        release = self._indexer.create(model)
        try:
            self._indexer.finish(release)
            seconds = time.perf_counter() - began
            size = self._used_memory() - before
        finally:
            self._releases.delete(release.release)
            self._vectors.drop(release.index)
        return {
            "reindex_chunks_per_second": chunks / seconds,
            "index_bytes_per_chunk": size / chunks,
        }


def _hybrid(text: str, vector: Vectors, k: int, width: int) -> list[Lookup]:
    sought = Sought(
        question=text,
        vectors=vector[np.newaxis],
        expansion=Expansion(),
        scope=None,
        filters=NO_FILTERS,
        depth=max(k, _CANDIDATES),
        k=k,
        stages={"vectors", "text"},
    )
    strands = chain.from_iterable(target.strands for target in sought.targets())
    return [replace(strand.lookup, ef_runtime=width) for strand in strands]


def _exponents(at: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    found = {}
    for name, figure in _FIGURES.items():
        known = [(one["chunks"], value) for one in at if (value := figure(one))]
        if len(known) > 2:
            found[name] = asdict(exponent(*zip(*known, strict=True)))
    return found


def _p99_ratio(at: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Of the greatest size to ``RATIO_FROM``."""
    first = next((one for one in at if one["chunks"] == RATIO_FROM), None)
    if first is None or first is at[-1]:
        return None
    ratios = {
        way: at[-1][way]["p99_ms"]["value"] / first[way]["p99_ms"]["value"]
        for way in ("vectors", "hybrid")
    }
    return {"from": RATIO_FROM, "to": at[-1]["chunks"], **ratios}


def about_headings(texts: Sequence[str], embedder: Embedder) -> Queries:
    """Questions that nothing is judged of, as a model encodes them."""
    questions = tuple(Question(str(number), text, {}) for number, text in enumerate(texts))
    return Queries(HEADINGS, "", questions, embedder.embed_queries(texts), tuple(texts))
