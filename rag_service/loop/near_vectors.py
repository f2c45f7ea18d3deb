"""Vectors as further chunks might have them: near real ones, where these have their neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from rag_service.core.types import Vectors

_SAMPLE = 2000
_SAME = 0.9999
"""Cosine of twins, which say nothing of how far apart neighbours are."""

_Floats = npt.NDArray[np.float64]


class NearVectors:
    """Draws vectors as far from given ones as these are from their nearest neighbours.

    How far is drawn from the cosines of a sample to its nearest neighbours. The direction is a
    random mixture of the differences between those pairs: it has their covariance, where equal
    noise in all dimensions would put every neighbour at right angles to the others and spread the
    vectors over dimensions that real ones hardly use.
    """

    def __init__(self, vectors: Vectors, seed: int) -> None:
        """``vectors`` ``(n, dims)``, L2-normalised, at least two of them different."""
        self._random = np.random.default_rng(seed)
        rows = self._random.permutation(len(vectors))[:_SAMPLE]
        neighbours, cosines = _nearest(vectors, rows)
        apart = cosines < _SAME
        self.cosines = cosines[apart]
        self._differences = vectors[rows[apart]] - vectors[neighbours[apart]]

    def told(self) -> dict[str, Any]:
        """How it is drawn, with quartiles of the cosines."""
        quartiles = np.quantile(self.cosines, (0.25, 0.5, 0.75))
        return {
            "direction": "mixture of differences between nearest neighbours",
            "cosine": "drawn from those of chunks to their nearest neighbours",
            "cosine_quartiles": [round(float(q), 4) for q in quartiles],
        }

    def near(self, vectors: Vectors) -> Vectors:
        """One near each of ``vectors`` ``(n, dims)``, L2-normalised."""
        mixture = self._random.standard_normal((len(vectors), len(self._differences)))
        step = mixture.astype(np.float32) @ self._differences
        step -= np.einsum("nd,nd->n", step, vectors)[:, None] * vectors
        step /= np.linalg.norm(step, axis=1, keepdims=True)
        cosine = self._random.choice(self.cosines, len(vectors))[:, None]
        moved = cosine * vectors + np.sqrt(1 - cosine**2) * step
        return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), dtype=np.float32)


def nearest_cosine(vectors: Vectors, seed: int, sample: int = 200) -> float:
    """Median cosine of some of ``vectors`` to the nearest of the others."""
    rows = np.random.default_rng(seed).permutation(len(vectors))[:sample]
    return float(np.median(_nearest(vectors, rows)[1]))


def _nearest(vectors: Vectors, rows: npt.NDArray[np.intp]) -> tuple[npt.NDArray[np.intp], _Floats]:
    """Of each of ``rows``, the nearest other row and its cosine."""
    cosines = vectors[rows] @ vectors.T
    cosines[np.arange(len(rows)), rows] = -np.inf
    best = cosines.argmax(axis=1)
    return best, cosines[np.arange(len(rows)), best].astype(np.float64)
