"""The parameters of an index with the wanted recall at the least latency, by trying them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from eval.significance import difference
from rag_service.core.errors import DataError
from rag_service.core.ids import now
from rag_service.core.protocols import (
    ChunkStore,
    ModelRegistry,
    Progress,
    ReleaseStore,
    VectorStore,
    no_progress,
)
from rag_service.core.types import Difference, QuestionSet, Release, TunedIndex, Vectors
from rag_service.loop.index_queries import Queries, held_out, near_chunks
from rag_service.loop.index_recall import RecallTarget
from rag_service.loop.index_tries import IndexTries, Try

GRAPHS = tuple((m, ef_construction) for m in (8, 16, 32) for ef_construction in (100, 200))
"""(M, ef_construction) of the graphs that are built."""
_FEWEST = 100
"""Chunks, or questions of a held-out set; fewer tell kinds of index hardly apart."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """All that was tried, and what was chosen."""

    release: Release
    questions: Queries
    """Those that figures are reported of; as many others chose."""
    target: RecallTarget
    own: Try
    """The release's own index, as it is served."""
    tries: tuple[Try, ...]
    chosen: Try
    tuned: TunedIndex
    float16: Try | None
    """The chosen kind with rounded vectors; None where those of the release are rounded."""
    ndcg_change: Difference | None
    """From the chosen kind to that."""

    def as_dict(self) -> dict[str, Any]:
        rounded = None
        if self.float16 and self.ndcg_change:
            rounded = {**_told(self.float16), "ndcg_change": asdict(self.ndcg_change)}
        return {
            "release": self.release.release,
            "chunks": self.tuned.chunks,
            "dims": self.release.dims,
            "question_set": self.questions.name,
            "split": self.questions.split,
            "questions": len(self.questions.questions),
            "seed": self.target.seed,
            "k": self.target.k,
            "wanted": self.target.recall,
            "own": _told(self.own),
            "tries": [_told(one) for one in self.tries],
            "chosen": _told(self.chosen),
            "float16": rounded,
            "tuned": asdict(self.tuned),
        }


class IndexTuner:
    """Builds indexes of a release's vectors one after the other, and drops each."""

    def __init__(
        self,
        *,
        chunks: ChunkStore,
        vectors: VectorStore,
        releases: ReleaseStore,
        registry: ModelRegistry,
        used_memory: Callable[[], int],
        hold: Callable[[str], None],
        seed: int,
    ) -> None:
        self._chunks = chunks
        self._vectors = vectors
        self._releases = releases
        self._registry = registry
        self._used_memory = used_memory
        self._hold = hold
        self._seed = seed

    def run(
        self,
        release: str,
        questions: QuestionSet | None,
        *,
        wanted: float,
        k: int,
        most: int,
        progress: Progress = no_progress,
    ) -> Tuning:
        """Try graphs and exact search on the vectors of ``release``; the quickest is chosen.

        Only of those whose recall of ``k`` is ``wanted`` or more, by the lower limit of its
        interval. Up to ``most`` of ``questions`` are asked, or vectors near chunks where they are
        too few; half of them choose, and of the others figures are reported.

        Raises NotFound, DataError if there are too few chunks, ReleaseConflict if documents change
        or a promotion tidies up meanwhile.
        """
        of = self._releases.get(release)
        self._hold(release)
        ids = sorted(self._vectors.ids(of.index))
        if len(ids) < _FEWEST:
            raise DataError(
                f"release {release} has {len(ids)} chunks, and {_FEWEST} are needed to tell kinds "
                "of index apart: ingest more filings"
            )
        stored = self._vectors.vectors(of.index, ids)
        target = RecallTarget(wanted, k, self._seed)
        choosing, reported = self._queries(of, ids, stored, questions, most).halves()
        tries = IndexTries(
            self._chunks,
            self._vectors,
            self._used_memory,
            own=of.index,
            ids=ids,
            stored=stored,
            target=target,
        )
        spec = self._vectors.spec(of.index)
        kinds = [replace(spec, algorithm="flat")]
        kinds += [replace(spec, algorithm="hnsw", m=m, ef_construction=ef) for m, ef in GRAPHS]
        rounds = len(kinds) + (spec.datatype == "float32")
        tried: list[Try] = []
        for kind in kinds:
            progress("tune", len(tried), rounds)
            tried.append(tries.built(kind, choosing, reported))
        fit = [one for one in tried if one.met]
        if not fit:
            raise DataError(f"no index finds {wanted} of the nearest {k}: ask for less")
        chosen = min(fit, key=_slowness)
        progress("tune", len(tried), rounds)
        float16 = change = None
        if spec.datatype == "float32":
            rounded = replace(chosen.spec, datatype="float16")
            float16 = tries.built(rounded, choosing, reported)
            about = reported.about
            change = difference(chosen.scores, float16.scores, self._seed, about)
        progress("tune", rounds, rounds)
        graphs = [one for one in fit if one.spec.algorithm == "hnsw"]
        graph = min(graphs, key=_slowness, default=chosen)
        return Tuning(
            release=of,
            questions=reported,
            target=target,
            own=tries.own(reported),
            tries=tuple(tried),
            chosen=chosen,
            tuned=TunedIndex(
                algorithm=chosen.spec.algorithm,
                # Of the best graph, also where exact search is quicker still.
                m=graph.spec.m,
                ef_construction=graph.spec.ef_construction,
                ef_runtime=graph.spec.ef_runtime,
                release=release,
                chunks=len(ids),
                recall=wanted,
                k=k,
                created=now(),
            ),
            float16=float16,
            ndcg_change=change,
        )

    def _queries(
        self,
        of: Release,
        ids: list[str],
        stored: Vectors,
        questions: QuestionSet | None,
        most: int,
    ) -> Queries:
        if questions is not None:
            there = set(ids)
            known = tuple(q for q in questions.questions if q.relevant.keys() & there)
            if len(known) >= _FEWEST:
                embedder = self._registry.load(of.model)
                return held_out(replace(questions, questions=known), embedder, most, self._seed)
        return near_chunks(ids, stored, most, self._seed)


def _slowness(one: Try) -> float:
    assert one.slowness is not None
    return one.slowness


def _told(one: Try) -> dict[str, Any]:
    told = asdict(one)
    del told["spec"], told["scores"]
    return {**one.spec.shape, **told}
