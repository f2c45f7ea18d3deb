"""Kinds of index, each built of a release's vectors, measured beside its own index, and dropped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from uuid import uuid4

import numpy as np

from eval.exact import StoredVectors
from eval.judgments import corpus_ids, unit_of
from eval.latency import in_turn
from eval.measures import per_question
from eval.significance import interval, median_interval
from rag_service.core.errors import IndexMissing, ReleaseConflict
from rag_service.core.protocols import ChunkStore, VectorStore
from rag_service.core.types import IndexSpec, Interval, Lookup, Vectors
from rag_service.loop.index_queries import Queries
from rag_service.loop.index_recall import RecallTarget, Width, find, least_width, recall

_ROUNDS = 5
_SLICE = 16
"""Chunks in one write: Redis does one thing at a time, and a live search waits for it."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Of a search beside the same one in the release's own index, in turns.

    ``ratio`` is the median over questions of this search / that one, each the median of its rounds.
    """

    p50_ms: float
    p99_ms: float
    ratio: Interval


@dataclass(frozen=True, slots=True)
class Try:
    """What one kind of index gave, on questions that nothing was chosen by (but ``slowness``)."""

    spec: IndexSpec
    widths: tuple[Width, ...]
    """Of a graph, what was tried, on the questions that it was chosen by."""
    met: bool
    """Whether the target is met; on the questions that choose, where those were asked."""
    recall: Interval
    ndcg: Interval
    """At 10, by the judgments of the questions."""
    scores: tuple[float, ...]
    """The same of each question."""
    timing: Timing | None
    """None where the target is not met."""
    slowness: float | None = None
    """The ratio of `Timing` on the questions that choose; None where the target is not met."""
    build_seconds: float = 0.0
    bytes_per_chunk: float = 0.0
    """Of Redis's memory, entries with their texts included."""


class IndexTries:
    """Of the vectors ``stored`` ``(n, dims)`` of ``ids`` in the index ``own``."""

    def __init__(
        self,
        chunks: ChunkStore,
        vectors: VectorStore,
        used_memory: Callable[[], int],
        *,
        own: str,
        ids: Sequence[str],
        stored: Vectors,
        target: RecallTarget,
    ) -> None:
        self._chunks = chunks
        self._vectors = vectors
        self._used_memory = used_memory
        self._own = own
        self._ids = ids
        self._stored = stored
        self._exact = StoredVectors(ids, stored)
        self._target = target

    def own(self, reported: Queries) -> Try:
        """The release's own index as it is served; its ratio is to itself, and says how exact the
        others are."""
        return self._measured(self._vectors.spec(self._own), (), reported, timed=True)

    def built(self, kind: IndexSpec, choosing: Queries, reported: Queries) -> Try:
        """Build an index of this kind, with the least ``ef_runtime`` that meets the target.

        Raises ReleaseConflict if documents change or a promotion tidies up meanwhile.
        """
        with self._shadow(kind) as (spec, seconds, size):
            widths: tuple[Width, ...] = ()
            if spec.algorithm == "hnsw":
                widths = tuple(
                    least_width(self._vectors, spec.name, self._exact, choosing, self._target)
                )
                met, figure = self._target.met_by(widths[-1].recall), widths[-1].recall
                spec = replace(spec, ef_runtime=widths[-1].ef_runtime)
            else:
                found = find(self._vectors, spec.name, choosing.vectors, self._target.k)
                figure = recall(self._exact, choosing, found, self._target)
                met = self._target.met_by(figure)
            slowness = self._timed(spec, choosing.vectors).ratio.value if met else None
            return replace(
                self._measured(spec, widths, reported, timed=met),
                met=met,
                slowness=slowness,
                build_seconds=seconds,
                bytes_per_chunk=size,
            )

    def _measured(
        self, spec: IndexSpec, widths: tuple[Width, ...], asked: Queries, *, timed: bool
    ) -> Try:
        target = self._target
        ef_runtime = spec.ef_runtime
        found = find(self._vectors, spec.name, asked.vectors, max(target.k, 10), ef_runtime)
        judged = {question.question_id: question.relevant for question in asked.questions}
        ranking = {
            question.question_id: corpus_ids(hits, unit_of(question))
            for question, hits in zip(asked.questions, found, strict=True)
        }
        scores = [scored["ndcg@10"] for scored in per_question(judged, ranking).values()]
        figure = recall(self._exact, asked, found, target)
        return Try(
            spec=spec,
            widths=widths,
            met=target.met_by(figure),
            recall=figure,
            ndcg=interval(scores, target.seed, asked.about),
            scores=tuple(scores),
            timing=self._timed(spec, asked.vectors) if timed else None,
        )

    def _timed(self, spec: IndexSpec, queries: Vectors) -> Timing:
        def asking(index: str, ef_runtime: int) -> Callable[[Vectors], object]:
            return lambda vector: self._vectors.look_up(
                index, [Lookup(self._target.k, vector=vector, ef_runtime=ef_runtime)]
            )

        sides = (asking(self._own, 0), asking(spec.name, spec.ef_runtime))
        turns = [in_turn(sides, list(queries), turn) for turn in range(_ROUNDS)]
        seconds = np.stack(turns, axis=2)
        typical = np.median(seconds, axis=2)
        p50, p99 = 1000 * np.quantile(seconds[1], (0.5, 0.99))
        ratio = median_interval(list(typical[1] / typical[0]), self._target.seed)
        return Timing(float(p50), float(p99), ratio)

    @contextmanager
    def _shadow(self, kind: IndexSpec) -> Iterator[tuple[IndexSpec, float, float]]:
        """An index of this kind with the release's vectors, seconds to build it, bytes a chunk."""
        # A name of chance is never used again, nor does it use up names of releases.
        spec = replace(kind, name=f"{self._own}-try-{uuid4().hex[:12]}")
        before, began = self._used_memory(), time.perf_counter()
        self._vectors.create(spec)
        try:
            for start in range(0, len(self._ids), _SLICE):
                end = start + _SLICE
                chunks = self._chunks.load(self._ids[start:end])
                if len(chunks) < len(self._ids[start:end]):
                    raise ReleaseConflict("documents changed meanwhile: tune again")
                self._vectors.write(spec.name, chunks, self._stored[start:end])
            self._vectors.count(spec.name)
            seconds = time.perf_counter() - began
            yield spec, seconds, (self._used_memory() - before) / len(self._ids)
        except IndexMissing as error:
            raise ReleaseConflict(
                "an index that was being tried is gone, which a promotion tidied up: tune again"
            ) from error
        finally:
            with suppress(IndexMissing):
                self._vectors.drop(spec.name)
