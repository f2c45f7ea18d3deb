"""How much of what exact search finds an index finds, and how wide its search must be for that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eval.exact import StoredVectors
from eval.significance import interval
from rag_service.core.protocols import VectorStore
from rag_service.core.types import Hit, Interval, Lookup, Vectors
from rag_service.loop.index_queries import Queries

WIDTHS = (10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
"""Values of ``ef_runtime`` that are tried, in this order."""
_TOGETHER = 16
"""Lookups in one round trip: Redis does one thing at a time, and a live search waits for it."""


@dataclass(frozen=True, slots=True)
class RecallTarget:
    """Of ``k`` hits, the mean share of the exact ones that is wanted.

    It is met where the lower limit of the 95 % interval is at least ``recall``.
    """

    recall: float
    k: int
    seed: int

    def met_by(self, figure: Interval) -> bool:
        return figure.low >= self.recall


@dataclass(frozen=True, slots=True)
class Width:
    """One ``ef_runtime`` with its recall on the questions that it is chosen by."""

    ef_runtime: int
    recall: Interval


def find(
    store: VectorStore, index: str, queries: Vectors, k: int, ef_runtime: int = 0
) -> list[list[Hit]]:
    """The ``k`` hits of each of ``queries`` ``(n, dims)``."""
    lookups = [Lookup(k, vector=vector, ef_runtime=ef_runtime) for vector in queries]
    found: list[list[Hit]] = []
    for start in range(0, len(lookups), _TOGETHER):
        found += store.look_up(index, lookups[start : start + _TOGETHER])
    return found


def recall(
    exact: StoredVectors, queries: Queries, found: Sequence[Sequence[Hit]], target: RecallTarget
) -> Interval:
    """Mean share of the exact hits that were found, with its interval."""
    ids = [[hit.chunk.chunk_id for hit in hits] for hits in found]
    shares = exact.recall(queries.vectors, ids, target.k)
    return interval(shares, target.seed, queries.about)


def least_width(
    store: VectorStore, index: str, exact: StoredVectors, queries: Queries, target: RecallTarget
) -> list[Width]:
    """Ever wider searches of a graph, up to the first that meets the target, if one does."""
    tried: list[Width] = []
    for ef_runtime in (width for width in WIDTHS if width >= target.k):
        found = find(store, index, queries.vectors, target.k, ef_runtime)
        tried.append(Width(ef_runtime, recall(exact, queries, found, target)))
        if target.met_by(tried[-1].recall):
            break
    return tried
