"""From a question to its hits, with one release's encoder on that release's index."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import accumulate, chain
from time import perf_counter

import numpy as np

from rag_service.answering.filings import Filings
from rag_service.answering.fusion import (
    Candidate,
    fill_up,
    found_by,
    fuse,
    hits_of,
    spread,
    take_turns,
)
from rag_service.answering.glossary import Expansion, Glossary, expand
from rag_service.answering.latency_reporter import LatencyReporter
from rag_service.answering.lookups import Sought
from rag_service.answering.query_encoding import QueryEncoder
from rag_service.answering.scope.index import FilingIndex
from rag_service.answering.scope.types import Scope
from rag_service.answering.scope.understand import understand_scope
from rag_service.answering.serving import Pinned, Serving
from rag_service.core.errors import ConfigError, IndexMissing, InvalidRequest, StoreError
from rag_service.core.protocols import Reranker, VectorStore
from rag_service.core.telemetry import NO_TELEMETRY, Telemetry
from rag_service.core.types import Filters, Hit, Lookup, Stage, Vectors

MAX_K = 100
MAX_K_EVALUATION = 1000
_KINDS = ("", "prose", "table")
_CANDIDATES = 50
"""Of each lookup, at least: what several rankings are fused of."""
_RERANKED = 20
_RERANK_WEIGHT = 4.0
"""Of a rank by the reranker, where a rank by the question's vector counts 1."""
NO_FILTERS = Filters()
VECTORS_ALONE: frozenset[Stage] = frozenset({"vectors"})


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
    stages: tuple[Stage, ...] = ("vectors",)
    scope: Scope | None = None
    """What was understood of the question, where that was a stage."""
    expansion: Expansion | None = None


class Retriever:
    """Searches the release that ``serving`` pins. Questions are at most ``max_question_chars``.

    ``stages`` are those of a search that names none. A ``reporter`` is told how long searches of
    the live release take, and ``telemetry`` how long each step of a search does.
    """

    def __init__(
        self,
        serving: Serving,
        vectors: VectorStore,
        max_question_chars: int,
        reporter: LatencyReporter | None = None,
        *,
        encoder: QueryEncoder | None = None,
        filings: Filings | None = None,
        glossary: Glossary | None = None,
        reranker: Callable[[], Reranker | None] = lambda: None,
        stages: Collection[Stage] = VECTORS_ALONE,
        telemetry: Telemetry = NO_TELEMETRY,
    ) -> None:
        self._serving = serving
        self._vectors = vectors
        self._max_question_chars = max_question_chars
        self._reporter = reporter
        self._encoder = encoder or QueryEncoder()
        self._filings = filings
        self._glossary = glossary
        self._reranker = reranker
        self.stages = frozenset(stages)
        self._telemetry = telemetry

    def search(
        self,
        query: str,
        k: int = 10,
        filters: Filters = NO_FILTERS,
        release: str | None = None,
        stages: Collection[Stage] | None = None,
    ) -> SearchResult:
        """The ``k`` (1 to 100) chunks that suit ``query`` best.

        Raises InvalidRequest for a question, ``k`` or filter that cannot be searched, ConfigError
        for a stage that nothing was set up for, and what `Serving.pin` raises.
        """
        self.check(query, k)
        if filters.kind not in _KINDS:
            raise InvalidRequest(f"kind is prose or table, not {filters.kind[:40]!r}")
        clock = _Clock(self._telemetry)
        with clock.timed("pin"):
            pinned = self._serving.pin(release)
        began = perf_counter()
        (found,) = self._find([query], k, filters, pinned, self._chosen(stages), clock)
        if self._reporter is not None and release is None:
            self._reporter.add(1000 * (perf_counter() - began))
        return found

    def search_many(
        self,
        queries: Sequence[str],
        k: int,
        release: str | None = None,
        stages: Collection[Stage] | None = None,
    ) -> list[list[Hit]]:
        """The hits of each query, all encoded in one call and under one release.

        For evaluation: ``k`` may go to 1000. Raises as `search` does.
        """
        for query in queries:
            self.check(query, k, MAX_K_EVALUATION)
        pinned = self._serving.pin(release)
        if not queries:
            return []
        clock = _Clock(self._telemetry)
        found = self._find(queries, k, NO_FILTERS, pinned, self._chosen(stages), clock)
        return [list(result.hits) for result in found]

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

    def _chosen(self, stages: Collection[Stage] | None) -> frozenset[Stage]:
        if stages is None:
            return self.stages
        if "rerank" in stages and self._reranker() is None:
            raise InvalidRequest(
                "there is no cross-encoder for the stage rerank: set RAGLOOP_RERANKER"
            )
        return frozenset(stages)

    def _find(
        self,
        queries: Sequence[str],
        k: int,
        filters: Filters,
        pinned: Pinned,
        stages: frozenset[Stage],
        clock: _Clock,
    ) -> Iterator[SearchResult]:
        with clock.timed("understand"):
            company = self._company(filters)
            scopes = [self._scope(query, filters, company, stages) for query in queries]
            expansions = [self._expansion(query, stages) for query in queries]
        with clock.timed("encode"):
            vectors = self._encoded(queries, expansions, pinned, stages)
        depth = k if stages == VECTORS_ALONE else max(k, _CANDIDATES)
        for place, query in enumerate(queries):
            sought = Sought(
                question=query,
                vectors=vectors[place],
                expansion=expansions[place] or Expansion(),
                scope=scopes[place],
                filters=_only(filters, company),
                depth=depth,
                k=k,
                stages=stages,
            )
            hits = self._ranked(sought, pinned, stages, clock, k)
            yield SearchResult(
                release=pinned.release.release,
                model=pinned.embedder.fingerprint,
                index_model=hits[0].model if hits else self._vectors.model(pinned.release.index),
                hits=tuple(hits),
                timings=clock.milliseconds,
                stages=tuple(sorted(stages)),
                scope=scopes[place],
                expansion=expansions[place],
            )

    def _company(self, filters: Filters) -> FilingIndex | None:
        """The filings of the company that ``filters`` name, where filings are known."""
        if not filters.company or self._filings is None:
            return None
        return self._filings.of(filters.company)

    def _scope(
        self,
        query: str,
        filters: Filters,
        company: FilingIndex | None,
        stages: Collection[Stage],
    ) -> Scope | None:
        if "scope" not in stages or filters.fiscal_year or filters.documents:
            return None
        if self._filings is None:
            raise ConfigError("the stage scope needs the filings of a store")
        # Of a company that somebody has named the question may still say which year.
        return understand_scope(query, self._filings.current() if company is None else company)

    def _expansion(self, query: str, stages: Collection[Stage]) -> Expansion | None:
        if "glossary" not in stages:
            return None
        if self._glossary is None:
            raise ConfigError("the stage glossary needs a glossary")
        return expand(query, self._glossary)

    def _encoded(
        self,
        queries: Sequence[str],
        expansions: Sequence[Expansion | None],
        pinned: Pinned,
        stages: Collection[Stage],
    ) -> list[Vectors]:
        """For each query ``(1 or 2, dims)``: its own vector, and that of it with what the
        glossary says."""
        if "vectors" not in stages:
            return [np.empty((0, pinned.embedder.dims), np.float32)] * len(queries)
        texts = [
            (query, f"{query} {'; '.join(said.texts)}") if said and said.texts else (query,)
            for query, said in zip(queries, expansions, strict=True)
        ]
        every = self._encoder.encode(pinned.embedder, list(chain.from_iterable(texts)))
        ends = list(accumulate(map(len, texts)))
        return np.split(every, ends[:-1])

    def _ranked(
        self, sought: Sought, pinned: Pinned, stages: Collection[Stage], clock: _Clock, k: int
    ) -> list[Hit]:
        targets = sought.targets()
        with clock.timed("search", "redis"):
            # Targets share the lookups of the whole store.
            lookups = {id(s.lookup): s.lookup for target in targets for s in target.strands}
            hits = self._look_up(pinned, list(lookups.values()))
            found = dict(zip(lookups, hits, strict=True))
        if stages == VECTORS_ALONE:
            return hits[0]
        with clock.timed("rank"):
            fused = [
                fuse(
                    [(s.weight, found_by(s.found_by, found[id(s.lookup)])) for s in t.strands],
                    t.weights,
                )
                for t in targets
            ]
        *parts, everywhere = fused
        ranked = parts or [everywhere]
        if "rerank" in stages:
            with clock.timed("rerank"):
                share = max(1, _RERANKED // len(ranked))
                ranked = [self._reranked(sought.question, one, share) for one in ranked]
        with clock.timed("rank"):
            if "pages" in stages:
                ranked = [spread(one) for one in ranked]
            turns = [target.turns for target in targets[: len(ranked)]]
            return hits_of(fill_up(take_turns(ranked, turns), everywhere)[:k])

    def _reranked(self, question: str, ranked: Sequence[Candidate], n: int) -> list[Candidate]:
        """``ranked`` with the first ``n`` ordered by what the cross-encoder says, too."""
        reranker = self._reranker()
        if reranker is None:
            raise ConfigError("the stage rerank needs a cross-encoder: set RAGLOOP_RERANKER")
        first = ranked[:n]
        scores = reranker.score(question, [one.hit.chunk.embedded_text for one in first])
        read = [
            Candidate(one.hit, score, {**one.scores, "rerank": score})
            for one, score in zip(first, scores, strict=True)
        ]
        read.sort(key=lambda one: -one.score)
        return fuse([(1.0, ranked), (_RERANK_WEIGHT, read)], {})

    def _look_up(self, pinned: Pinned, lookups: Sequence[Lookup]) -> list[list[Hit]]:
        """Hits whose vectors are of the model of ``pinned``.

        Raises NotFound if the release was deleted since it was pinned, StoreError if an entry of
        its index is of another model.
        """
        index, model = pinned.release.index, pinned.embedder.fingerprint
        try:
            found = self._vectors.look_up(index, lookups)
        except IndexMissing:
            self._serving.check_there(pinned.release)
            raise
        for hit in chain.from_iterable(found):
            if hit.model != model:
                raise StoreError(
                    f"index {index} of model {model} holds chunk {hit.chunk.chunk_id} with a "
                    f"vector of model {hit.model or 'unknown'}: reindex with `ragloop reindex`"
                )
        return found

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


def _only(filters: Filters, company: FilingIndex | None) -> Filters:
    """``filters`` with the documents of the company in place of its name, which covers spell in
    several ways."""
    if company is None:
        return filters
    names = [n for n in company.documents if not filters.documents or n in filters.documents]
    if not names:
        raise InvalidRequest(
            f"none of the documents is of the company {filters.company[:100]!r}: leave one of the "
            "two filters out"
        )
    return replace(filters, company="", documents=tuple(names))


class _Clock:
    """Milliseconds by step."""

    def __init__(self, telemetry: Telemetry) -> None:
        self.milliseconds: dict[str, float] = {}
        self._telemetry = telemetry

    @contextmanager
    def timed(self, step: str, stage: str = "") -> Iterator[None]:
        """``stage`` is the step's name in the telemetry, where that is another one."""
        began = perf_counter()
        try:
            with self._telemetry.stage(stage or step):
                yield
        finally:
            took = 1000 * (perf_counter() - began)
            self.milliseconds[step] = round(self.milliseconds.get(step, 0.0) + took, 2)
