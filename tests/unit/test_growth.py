"""What growth is measured with: vectors near others, copies of filings, exponents, quantiles."""

from __future__ import annotations

import numpy as np
import pytest

from eval.power_law import exponent
from eval.significance import quantile_interval
from rag_service.core.ids import document_of
from rag_service.core.types import Vectors
from rag_service.loop.growing_corpus import GrowingCorpus
from rag_service.loop.near_vectors import NearVectors, nearest_cosine
from tests.fakes.filings import filings

DIMS = 32
USED = 4
"""Dimensions that the vectors vary in."""


def directions(count: int, seed: int = 3) -> Vectors:
    made = np.zeros((count, DIMS), np.float32)
    made[:, :USED] = np.random.default_rng(seed).standard_normal((count, USED))
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), dtype=np.float32)


def test_drawn_vectors_are_as_near_as_neighbours_are_and_where_these_are() -> None:
    vectors = directions(400)
    drawn = NearVectors(vectors, 5).near(vectors)
    cosines = np.einsum("nd,nd->n", drawn, vectors)
    assert np.linalg.norm(drawn, axis=1) == pytest.approx(1, abs=1e-5)
    assert np.median(cosines) == pytest.approx(nearest_cosine(vectors, 5), abs=0.005)
    assert cosines.max() < 1
    assert drawn[:, USED:] == pytest.approx(0, abs=1e-6), "no direction that chunks do not use"
    assert np.array_equal(drawn, NearVectors(vectors, 5).near(vectors))
    assert not np.array_equal(drawn, NearVectors(vectors, 6).near(vectors))


def test_twins_say_nothing_of_how_far_neighbours_are() -> None:
    vectors = directions(100)
    twins = np.concatenate([vectors, vectors[:30]])
    assert NearVectors(twins, 5).cosines.max() < 0.9999
    assert len(NearVectors(twins, 5).cosines) < len(twins)


def test_a_corpus_grows_by_copies_that_are_documents_of_their_own() -> None:
    chunks = filings(2)
    vectors = directions(len(chunks))
    corpus = GrowingCorpus(chunks, vectors, 5)
    total = 2 * len(chunks) + 7
    cut = len(chunks) + 3
    parts = [*corpus.part(0, cut), *corpus.part(cut, total)]

    grown = [chunk for _, part, _ in parts for chunk in part]
    rows = np.concatenate([rows for _, _, rows in parts])
    assert [chunk.text for chunk in grown] == [chunks[n % len(chunks)].text for n in range(total)]
    assert len({chunk.chunk_id for chunk in grown}) == total
    assert np.array_equal(rows[: len(chunks)], vectors)
    assert not np.array_equal(rows[len(chunks) : 2 * len(chunks)], vectors)
    assert len({document.name for document, _, _ in parts}) == len(parts)
    for document, part, _ in parts:
        assert {document_of(chunk.chunk_id) for chunk in part} == {document.document_id}
        assert {chunk.document for chunk in part} == {document.name}
        assert {chunk.facts.company for chunk in part} == {document.facts.company}
        assert document.chunks == len(part)
    companies = {document.facts.company for document, _, _ in parts}
    assert len(companies) > len({chunk.facts.company for chunk in chunks})


def test_the_exponent_of_a_power_is_found_with_an_interval_that_is_as_wide_as_the_noise() -> None:
    sizes = [1_000, 3_000, 10_000, 30_000]
    exact = exponent(sizes, [2 * n**0.5 for n in sizes])
    assert [exact.value, exact.low, exact.high] == pytest.approx([0.5, 0.5, 0.5])
    noisy = exponent(
        sizes, [n**0.5 * factor for n, factor in zip(sizes, (1.1, 0.9, 1.1, 0.9), strict=True)]
    )
    assert noisy.low < 0.5 < noisy.high
    assert noisy.high - noisy.low > 0.1
    with pytest.raises(ValueError, match="three sizes"):
        exponent(sizes[:2], [1, 2])
    with pytest.raises(ValueError, match="positive"):
        exponent(sizes, [1, 2, 0, 3])


def test_the_interval_of_a_quantile_holds_it_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    held = 0
    for _ in range(300):
        found = quantile_interval(list(random.exponential(size=400)), 0.9)
        assert found.low <= found.value <= found.high
        held += found.low <= np.log(10) <= found.high
    assert 0.92 <= held / 300 <= 0.99
    assert quantile_interval([1.0, 2.0], 0.99).high == 2.0
    assert quantile_interval([1.0, 2.0], 0.01).low == 1.0
