from __future__ import annotations

import numpy as np
import pytest

from eval.exact import StoredVectors
from rag_service.core.types import Vectors


def directions(count: int, dims: int = 16, seed: int = 3) -> Vectors:
    made = np.random.default_rng(seed).standard_normal((count, dims)).astype(np.float32)
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), dtype=np.float32)


IDS = [f"d{i % 7}.{i:03d}" for i in range(60)]
STORED = StoredVectors(IDS, directions(60))


def test_the_nearest_are_those_of_brute_force() -> None:
    queries = directions(5, seed=4)
    cosines = queries @ directions(60).T
    for row, found in zip(cosines, STORED.nearest(queries, 8), strict=True):
        best = np.argsort(-row)[:8]
        assert [chunk_id for chunk_id, _ in found] == [IDS[place] for place in best]
        assert [score for _, score in found] == pytest.approx(row[best], abs=1e-6)


def test_cut_vectors_are_normalised_again() -> None:
    queries = directions(5, seed=4)
    cut, stored = queries[:, :4], directions(60)[:, :4]
    lengths = np.outer(np.linalg.norm(cut, axis=1), np.linalg.norm(stored, axis=1))
    cosines = (cut @ stored.T) / lengths
    for row, found in zip(cosines, STORED.nearest(queries, 3, dims=4), strict=True):
        assert [chunk_id for chunk_id, _ in found] == [IDS[p] for p in np.argsort(-row)[:3]]
        assert found[0][1] == pytest.approx(row.max(), abs=1e-6)
    assert STORED.nearest(queries, 3, dims=4) != STORED.nearest(queries, 3)


def test_ties_are_ordered_by_id_and_few_chunks_are_all_found() -> None:
    same = np.repeat(directions(1), 3, axis=0)
    stored = StoredVectors(["d1.c", "d1.a", "d1.b"], same)
    (found,) = stored.nearest(same[:1], 10)
    assert [chunk_id for chunk_id, _ in found] == ["d1.a", "d1.b", "d1.c"]
    empty = StoredVectors([], np.empty((0, 16), np.float32))
    assert empty.nearest(same[:1], 10) == [[]]


def test_recall_is_the_share_of_the_nearest_that_was_found() -> None:
    queries = directions(2, seed=4)
    first, second = ([chunk_id for chunk_id, _ in hits] for hits in STORED.nearest(queries, 12))
    found = [first[:10], [*second[:7], *second[10:12], "gone"]]
    assert STORED.recall(queries, found, 10) == [1.0, 0.7]


def test_which_of_equal_passages_was_found_does_not_matter() -> None:
    vectors = directions(6)
    vectors[1:4] = vectors[0]
    stored = StoredVectors([f"d1.{i}" for i in range(6)], vectors)
    assert stored.recall(vectors[:1], [["d1.3", "d1.2"]], 2) == [1.0]
    assert stored.recall(vectors[:1], [["d1.3", "d1.4"]], 2) == [0.5]
