"""Exact search over the vectors that an index holds, in all of their dimensions or the first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rag_service.core.types import Vectors

_TOLERANCE = 1e-5
"""Cosines closer than this are equal: text-identical passages are as good as one another."""


class StoredVectors:
    """Brute force over ``vectors`` ``(n, dims)`` of ``chunk_ids``, in the order of one another.

    Matryoshka: with ``dims``, vectors of chunks and questions are cut to their first ``dims``
    numbers and normalised again, which is what an index of that dimension would hold.
    """

    def __init__(self, chunk_ids: Sequence[str], vectors: Vectors) -> None:
        order = np.argsort(np.asarray(chunk_ids)) if len(chunk_ids) else np.zeros(0, np.intp)
        self._ids = [chunk_ids[place] for place in order]
        self._places = {chunk_id: place for place, chunk_id in enumerate(self._ids)}
        self._vectors = vectors[order]

    def nearest(
        self, queries: Vectors, k: int, dims: int | None = None
    ) -> list[list[tuple[str, float]]]:
        """The ``k`` nearest of each of ``queries`` ``(n, dims)`` with their cosines; ties by id."""
        cosines = _first(queries, dims) @ _first(self._vectors, dims).T
        best = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
        return [
            [(self._ids[place], float(row[place])) for place in places]
            for row, places in zip(cosines, best, strict=True)
        ]

    def recall(self, queries: Vectors, found: Sequence[Sequence[str]], k: int) -> list[float]:
        """For each query, the share of its ``k`` nearest that an approximate search found.

        A found chunk counts if it is as near as the k-th nearest: which of several equal passages
        comes back does not matter.
        """
        cosines = _first(queries, None) @ _first(self._vectors, None).T
        wanted = min(k, len(self._ids))
        shares = []
        for row, ids in zip(cosines, found, strict=True):
            worst = np.partition(row, -wanted)[-wanted] - _TOLERANCE
            places = [self._places[chunk_id] for chunk_id in ids[:k] if chunk_id in self._places]
            shares.append(sum(row[place] >= worst for place in places) / wanted)
        return shares


def _first(vectors: Vectors, dims: int | None) -> Vectors:
    cut = vectors[:, :dims]
    lengths = np.linalg.norm(cut, axis=1, keepdims=True)
    normalised: Vectors = cut / np.maximum(lengths, np.finfo(np.float32).tiny)
    return normalised
